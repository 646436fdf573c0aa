# frozen_string_literal: true

require "set"
require_relative "errors"
require_relative "fast_codec"
require_relative "outbox"
require_relative "timers"

module Hubrelay
  # A request that is not a publish. The block is called once, with the Reply, or with nil at the end of the connection.
  # @api private
  class Request
    # True if the connection has ended before the request was written.
    attr_accessor :unwritten

    def initialize(subscribe: false, &answer)
      @subscribe = subscribe
      @answer = answer
      @unwritten = false
    end

    def subscribe?
      @subscribe
    end

    def answer(reply)
      @answer&.call(reply)
    end
  end
  private_constant :Request

  # One connection to a relay, without its socket: bytes go in, bytes come out, and it keeps the unanswered requests.
  # The client, or a test, feeds what it reads, and writes the `outbox`.
  # @api private
  class Link
    # The longest allowed body before the Welcome, which sets the limit.
    MAX_WELCOME_BYTES = 64 * 1024
    # The most that the body of a Publish has beside its payload: a channel of 512 bytes, an id, tags and lengths.
    MAX_PUBLISH_OVERHEAD = 550
    # Above this the ids begin at 1 again when nothing is unanswered: small ids make small frames, which are read fast.
    MAX_SMALL_ID = 100

    attr_reader :welcome, :outbox, :max_frame, :max_payload, :welcomed_at
    # A payload of this many bytes fits, whatever the channel is.
    attr_reader :safe_payload
    # The waiters of publishes, and the Requests, by id, in the order in which they were written.
    attr_reader :publishes, :requests
    # The Names whose last frame on this connection was a Subscribe that has not failed.
    attr_reader :asked
    # The unanswered Subscribes that the client sent by itself to restore names.
    attr_reader :restoring
    # How many publishes without Reply were written since the last answered Ping with `settled`; how many of them are in
    # a Loss.
    attr_reader :unsettled
    attr_accessor :lost_of_unsettled
    # This is called with the name and the Message.
    attr_accessor :message_handler
    # In this order: the socket has to be read; its relay has reported STOPPING; a part of the requested names was
    # PENDING; the relay has closed the connection; the writing side has to be shut down once all is written; it has
    # been shut down.
    attr_accessor :reading, :stopping, :pending, :at_its_end, :shut_when_written, :shut
    # The last Status from this relay.
    attr_accessor :status
    # Times by Clock: when the last bytes came; since when something is unanswered; when the Ping was sent after which
    # no bytes came.
    attr_accessor :last_read, :owed_since, :ping_at

    # `routes` are the Names of channels, by their bytes. The block gets each frame, except Replies and the Messages
    # that have a route.
    def initialize(routes, message_handler, &frame_handler)
      @routes_when_welcomed = routes
      @routes = {} # empty before the Welcome, which has to come first
      @message_handler = message_handler
      @frame_handler = frame_handler
      @max_frame = MAX_WELCOME_BYTES
      @max_payload = @safe_payload = 0
      @features = Set.new
      @outbox = Outbox.new
      @publishes = {}
      @requests = {}
      @asked = Set.new
      @restoring = Set.new
      @rest = String.new # the beginning of an incomplete frame
      @needed = 0 # how many bytes @rest needs to hold a whole frame
      @last_id = @sends = @unsettled = @lost_of_unsettled = @settling = 0
      @reading = true
      @last_read = Clock.now
      @owed_since = @last_read
      @ended = @stopping = @pending = @at_its_end = @shut_when_written = @shut = false
      @welcome = @welcomed_at = @ping_at = @status = nil
    end

    def ended?
      @ended
    end

    # Frames may be queued: the connection has not ended, and its writing side will not be shut.
    def writable?
      !@ended && !@shut_when_written
    end

    def feature?(name)
      @features.include?(name)
    end

    # A request or publish is unanswered.
    def owed?
      !@publishes.empty? || !@requests.empty?
    end

    # A Ping with `settled` is unanswered.
    def settling?
      @settling.positive?
    end

    # Subscribes that have no Reply yet.
    def unanswered_subscribes
      @requests.values.select(&:subscribe?)
    end

    # From now on the limits of this Welcome apply.
    def welcomed(welcome)
      @welcome = welcome
      @features = welcome.features.to_set
      @max_frame = welcome.max_frame_bytes
      @max_payload = welcome.max_payload_bytes
      @safe_payload = [@max_payload, @max_frame - MAX_PUBLISH_OVERHEAD].min
      @welcomed_at = Clock.now
      @routes = @routes_when_welcomed
    end

    # What goes out

    # Writes the first frame.
    def hello(name)
      @outbox.add(Codec.encode(Wire::Hello.new(version: 1, client_name: name)))
    end

    # An id that no unanswered request has.
    def next_id
      unless owed?
        @owed_since = Clock.now
        @last_id = 0 if @last_id > MAX_SMALL_ID
      end
      @last_id += 1
    end

    # Writes a Publish. The waiter gets the number of receivers, or an error; without one there is no Reply.
    def publish(target, payload, waiter)
      if waiter
        id = next_id
        @publishes[id] = waiter
        waiter.link = self
      else
        id = 0
        @sends += 1
        @unsettled += 1
      end
      @outbox.add_publish(target, payload, id)
    end

    # Whether a Publish is no longer than this relay allows.
    def publish_fits?(target, payload, with_reply:)
      target.body_length(payload.bytesize, with_reply ? @last_id + 1 : 0) <= @max_frame
    end

    # Writes a Subscribe (3) or Unsubscribe (4).
    def ask(request, number, names)
      return refuse(request) unless writable?

      id = register(request)
      fields = names.partition { |name| !name.pattern? }.flatten.map(&:field)
      body = Codec.varint(0x08) << Codec.varint(id) << fields.join
      @outbox.add(Codec.framed(Codec.bytes_field(number, body)))
    end

    def ping(request, settled: false)
      return refuse(request) unless writable?

      @outbox.add(Codec.encode(Wire::Ping.new(id: register(request), settled:)))
    end

    # Writes a Publish with a Request in place of a waiter.
    def publish_request(request, channel)
      return refuse(request) unless writable?

      @outbox.add(Codec.encode(Wire::Publish.new(channel:, id: register(request))))
    end

    # Asks for the outcome of the publishes without Reply, by a Ping. The Ping's Reply settles the waiter.
    def settle_sends(waiter = nil)
      @settling += 1
      before = @sends
      request = Link.ping_request(waiter) do
        @unsettled = @sends - before
        @lost_of_unsettled = 0
        @settling -= 1
      end
      ping(request, settled: true)
    end

    # The Request for a Ping. Its answer settles the waiter. If that is a Reply, the block is called before.
    def self.ping_request(waiter)
      request = Request.new do |reply|
        yield if reply && block_given?
        if reply.nil?
          waiter&.reject(error_at_end(request.unwritten))
        elsif reply.outcome == :ok
          waiter&.resolve
        else
          waiter&.reject(Hubrelay.error_of(reply))
        end
      end
    end

    # The error for a request that is unanswered at the end of the connection.
    def self.error_at_end(unwritten)
      return NotConnectedError.new("the connection to the relay ended before this was sent") if unwritten

      InterruptedError.new("the connection to the relay ended before it answered")
    end

    # What comes in

    # Takes what was read; `data` may be used again afterwards. Raises Codec::ProtocolError: then the connection has to
    # be ended.
    def feed(data)
      @last_read = Clock.now
      @ping_at = nil
      if @rest.empty?
        position = take_frames(data)
        @rest << FastCodec.slice(data, position, data.bytesize - position) if position < data.bytesize
      else
        @rest << data
        return if @rest.bytesize < @needed

        whole = @rest
        @rest = String.new
        position = take_frames(whole)
        @rest << FastCodec.slice(whole, position, whole.bytesize - position) if position < whole.bytesize
      end
    end

    # The connection has ended. Publishes that were written get InterruptedError, others NotConnectedError. Other
    # requests are answered with nil, in their order. Returns for how many publishes without Reply the outcome is
    # unknown, and how many of them were never sent.
    def finish
      @ended = true
      unwritten, unsent = @outbox.take_unwritten
      unknown = [0, @unsettled - @lost_of_unsettled - unsent].max
      publishes = @publishes
      @publishes = {}
      publishes.each { |id, waiter| waiter.reject(Link.error_at_end(unwritten.include?(id))) }
      requests = @requests
      @requests = {}
      requests.each do |id, request|
        request.unwritten = unwritten.include?(id)
        request.answer(nil)
      end
      [unknown, unsent]
    end

    private

    # Nothing more is written here: the request is answered as at the end of the connection.
    def refuse(request)
      request.unwritten = true
      request.answer(nil)
    end

    def register(request)
      id = next_id
      @requests[id] = request
      id
    end

    # Takes every whole frame; returns where the rest begins.
    def take_frames(data)
      position = 0
      size = data.bytesize
      until @ended || position == size
        if size - position >= FastCodec::SHORT_REPLY_BYTES && take_short_reply(data, position)
          position += FastCodec::SHORT_REPLY_BYTES
          next
        end
        @needed = 4
        break if position + 4 > size

        length = data.unpack1("N", offset: position)
        refuse_length(length) if length.zero? || length > @max_frame
        @needed = 4 + length
        finish = position + @needed
        break if finish > size

        take_body(data, position + 4, finish)
        position = finish
      end
      position
    end

    def take_short_reply(data, position)
      head = data.unpack1("Q>", offset: position)
      return false unless head >> 8 == FastCodec::SHORT_REPLY

      rest = data.unpack1("N", offset: position + 8)
      id = head & 0xFF
      receivers = rest & 0xFF
      return false unless rest >> 8 == FastCodec::SHORT_REPLY_REST && id < 0x80 && receivers < 0x80

      waiter = @publishes.delete(id)
      if waiter
        waiter.resolve(receivers)
      else
        answer_request(Wire::Reply.new(id:, outcome: :ok, receivers:))
      end
      true
    end

    def refuse_length(length)
      code = length.zero? ? :malformed : :frame_too_large
      raise Codec::ProtocolError.new(code, "a frame of #{length} bytes")
    end

    def take_body(data, position, finish)
      case data.getbyte(position)
      when FastCodec::MESSAGE
        return if take_fast_message(data, position + 1, finish)
      when FastCodec::REPLY
        return if finish - position > 4 && take_fast_reply(data, position + 1, finish)
      end
      take(Codec.decode(FastCodec.slice(data, position, finish - position)))
    end

    def take_fast_message(data, position, finish)
      channel, payload = FastCodec.message(data, position, finish)
      name = @routes[channel] if channel
      return false unless name # the channel may not even be UTF-8

      @message_handler.call(name, Message.new(name.text, payload.freeze).freeze)
      true
    end

    def take_fast_reply(data, position, finish)
      id, receivers = FastCodec.reply(data, position, finish)
      return false unless id

      waiter = @publishes.delete(id)
      if waiter
        waiter.resolve(receivers)
      else
        answer_request(Wire::Reply.new(id:, outcome: :ok, receivers:))
      end
      true
    end

    def take(frame)
      return if frame.nil?
      return @frame_handler.call(self, frame) unless frame.is_a?(Wire::Reply)

      waiter = @publishes.delete(frame.id)
      if waiter.nil?
        answer_request(frame)
      elsif frame.outcome == :ok
        waiter.resolve(frame.receivers)
      else
        waiter.reject(Hubrelay.error_of(frame))
      end
    end

    def answer_request(reply)
      @requests.delete(reply.id)&.answer(reply)
    end
  end
  private_constant :Link
end
