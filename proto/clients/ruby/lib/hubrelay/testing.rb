# frozen_string_literal: true

require "hubrelay"
require "monitor"
require "set"
require "socket"
require_relative "glob"

module Hubrelay
  # For the tests of applications: <tt>require "hubrelay/testing"</tt>.
  module Testing
    # The largest payload that a FakeRelay takes, in bytes.
    MAX_PAYLOAD_BYTES = 1 << 20

    # A relay in memory. It needs no Redis, no other process, and no file unless it is given a path.
    #
    #   Hubrelay::Testing::FakeRelay.open do |relay|
    #     client = relay.client(gap_jitter: 0)
    #     relay.publish("room.7", "from another host")
    #     relay.outage
    #     relay.recover            # a Status, a Gap, and NotConnectedError between them
    #   end
    #
    # The clients are real ones. They talk to a thread of the fake relay over socket pairs. So the application is tested
    # with the same errors, order and events as in production. Any thread may call every method.
    class FakeRelay
      # Long enough that a busy machine does not make a test fail.
      PATIENT = { first_use: 30, handshake: 30 }.freeze
      UP = Status.new(state: :up, publishing: true, receiving: true)
      CAUSES = { not_connected: :not_connected, refused: :refused, invalid: :invalid }.freeze
      private_constant :PATIENT, :UP, :CAUSES

      # One client's connection, with its subscriptions and the bytes that it has not read.
      # @api private
      class Connection
        attr_reader :socket, :channels, :patterns, :unread

        def initialize(socket)
          @socket = socket
          @channels = Set.new
          @patterns = Set.new
          @unread = String.new
          @unparsed = String.new
        end

        def send_frame(frame)
          @unread << Codec.encode(frame)
          flush
        end

        def flush
          until @unread.empty?
            count = @socket.write_nonblock(@unread, exception: false)
            break if count == :wait_writable

            @unread = @unread.byteslice(count..)
          end
        rescue SystemCallError, IOError
          @unread.clear # the connection has ended; the next read will notice
        end

        # The frames that the client has written; nil at the end.
        def frames
          data = @socket.read_nonblock(1 << 18, exception: false)
          return if data.nil?

          @unparsed << data unless data == :wait_readable
          parse
        rescue SystemCallError, IOError
          nil
        end

        # How many messages this connection gets for one message on the channel.
        def receivers_of(channel)
          (@channels.include?(channel) ? 1 : 0) + matching(channel).size
        end

        def deliver(channel, payload)
          send_frame(Wire::Delivery.new(channel:, payload:)) if @channels.include?(channel)
          matching(channel).each do |pattern|
            send_frame(Wire::Delivery.new(channel:, payload:, pattern:))
          end
        end

        private

        def matching(channel)
          @patterns.select { |pattern| Glob.match?(pattern, channel) }
        end

        def parse
          found = []
          while @unparsed.bytesize >= 4 && @unparsed.bytesize >= (finish = 4 + @unparsed.unpack1("N"))
            found << Codec.decode(@unparsed.byteslice(4...finish), Wire::CLIENT_KINDS)
            @unparsed = @unparsed.byteslice(finish..)
          end
          found
        end
      end
      private_constant :Connection

      # The messages that clients have published, in order.
      # @return [Array<Message>]
      attr_reader :published
      # The path where it also listens for clients of other processes; nil if it does not.
      attr_reader :path

      # With a block: yields the relay, closes it and its clients afterwards, and returns the value of the block.
      def self.open(path = nil)
        relay = new(path)
        return relay unless block_given?

        begin
          yield relay
        ensure
          relay.close
        end
      end

      # @param path [String, nil] path of a socket, which must not exist yet, and is removed at the end
      def initialize(path = nil)
        @path = path
        @published = []
        @status = UP
        @refused = Set.new
        @away = @closed = false
        @starts = 1
        @connections = {}
        @ended = [] # sockets that the relay's thread closes, since it may be waiting for them
        @clients = []
        @mutex = Monitor.new
        @wake_up = WakeUp.new
        @server = UNIXServer.new(path) if path
        @thread = Thread.new { run }
      end

      # Makes a client of this relay, which is closed together with it. The arguments are those of Client.new, but
      # without the path.
      def client(**options)
        client = Client.new("fake", connector: method(:connect), **PATIENT, **options)
        @mutex.synchronize { @clients << client }
        client
      end

      # For the +connector+ of a client.
      # @raise [Errno::ECONNREFUSED] while the relay is away
      def connect(_path = nil)
        @mutex.synchronize do
          raise Errno::ECONNREFUSED, "the fake relay is away" if @away || @closed

          ours, theirs = UNIXSocket.pair
          @connections[ours] = Connection.new(ours)
          @wake_up.signal
          theirs
        end
      end

      # Publishes a message as if it came from another host.
      # @return [Integer] how many subscriptions get it; 0 during an outage
      def publish(channel, payload)
        @mutex.synchronize { @status.receiving ? deliver(Names.checked(channel), payload) : 0 }
      end

      # Simulates the loss of Redis: the Status is down, publishes fail with NotConnectedError, and subscribes are
      # pending.
      def outage(reason = "Redis is away")
        @mutex.synchronize do
          tell_all(Status.new(state: :down, reason:, gaps: @status.gaps + 1, cause: :closed))
        end
      end

      # Redis is back: the Status is up, and each client that has subscriptions gets a Gap.
      def recover
        @mutex.synchronize { tell_all(UP.with(gaps: @status.gaps)) }
      end

      # Ends every connection. The clients reconnect at once.
      def disconnect
        @mutex.synchronize { forget(@connections.keys.first) until @connections.empty? }
      end

      # Simulates the death of the relay: all connections end, and new ones are refused until +come_back+.
      def leave
        @mutex.synchronize do
          @away = true
          disconnect
        end
      end

      # A new relay takes its place, with another id.
      def come_back
        @mutex.synchronize do
          @away = false
          @starts += 1
        end
      end

      # From now on Redis refuses these channels and patterns, and publishes to these channels.
      def refuse(*names)
        @mutex.synchronize { @refused.merge(names) }
      end

      # Redis now refuses these names, which it had granted: the clients get Revoked.
      def revoke(*names)
        @mutex.synchronize do
          @connections.each_value do |connection|
            channels = names.select { |name| connection.channels.delete?(name) }
            patterns = names.select { |name| connection.patterns.delete?(name) }
            next if channels.empty? && patterns.empty?

            connection.send_frame(Revoked.new(channels:, patterns:, detail: "NOPERM"))
          end
        end
      end

      # Sends every client a Loss of this many messages.
      def lose(messages)
        loss = Loss.new(messages:, reason: "slow reader", cause: :slow_reader)
        @mutex.synchronize { @connections.each_value { |connection| connection.send_frame(loss) } }
      end

      # Ends the relay, every connection, and the clients of +client+. Idempotent.
      def close
        clients = @mutex.synchronize do
          return if @closed

          @closed = true
          @clients
        end
        clients.each { |client| client.close(drain: 0) }
        disconnect
        @mutex.synchronize { @wake_up.signal }
        @thread.join
        nil
      end

      private

      # The thread of the relay

      def run
        until @mutex.synchronize { close_ended && @closed && @connections.empty? }
          reads, writes = @mutex.synchronize { sockets }
          readable, writable, = IO.select(reads, writes)
          @mutex.synchronize do
            @wake_up.clear
            (readable & @connections.keys).each { |socket| read(socket) }
            (writable & @connections.keys).each { |socket| @connections[socket].flush }
            accept if readable.include?(@server)
          end
        end
        stop_listening
      end

      def sockets
        writes = @connections.reject { |_, connection| connection.unread.empty? }.keys
        [[@wake_up.io, @server, *@connections.keys].compact, writes]
      end

      def accept
        accepted = @server.accept_nonblock(exception: false)
        return if accepted == :wait_readable

        @away || @closed ? accepted.close : @connections[accepted] = Connection.new(accepted)
      end

      def stop_listening
        @wake_up.close
        return unless @server

        @server.close
        File.unlink(@path)
      end

      def forget(socket)
        @connections.delete(socket)
        @ended << socket
        @wake_up.signal
        socket.shutdown
      rescue SystemCallError
        nil # the client has closed the socket
      end

      def close_ended
        @ended.each(&:close)
        @ended.clear
        true
      end

      # Frames

      def read(socket)
        connection = @connections[socket]
        frames = connection.frames
        return forget(socket) unless frames

        frames.each { |frame| answer(connection, frame) }
      end

      def answer(connection, frame)
        case frame
        when Wire::Hello then welcome(connection)
        when Wire::Publish then take_publish(connection, frame)
        when Wire::Subscribe then subscribe(connection, frame)
        when Wire::Unsubscribe
          connection.channels.subtract(frame.channels)
          connection.patterns.subtract(frame.patterns)
          reply(connection, frame, :ok)
        when Wire::Ping then reply(connection, frame, :ok)
        end
      end

      def welcome(connection)
        connection.send_frame(Wire::Welcome.new(version: 1, relay_version: "fake", relay_id: "fake-#{@starts}",
                                                max_frame_bytes: MAX_PAYLOAD_BYTES + 4096, status: @status,
                                                max_payload_bytes: MAX_PAYLOAD_BYTES,
                                                features: %w[patterns settled]))
      end

      def take_publish(connection, frame)
        outcome = outcome_of(frame.channel)
        receivers = 0
        if outcome == :ok
          @published << Message.new(frame.channel, frame.payload)
          receivers = deliver(frame.channel, frame.payload)
        end
        if frame.id.positive?
          reply(connection, frame, outcome, receivers:)
        elsif outcome != :ok
          connection.send_frame(Loss.new(publishes: 1, cause: CAUSES.fetch(outcome)))
        end
      end

      def outcome_of(channel)
        return :invalid if channel.start_with?("__hubrelay:")
        return :not_connected unless @status.publishing

        @refused.include?(channel) ? :refused : :ok
      end

      def subscribe(connection, frame)
        channels, patterns = [frame.channels, frame.patterns].map do |names|
          names.select do |name|
            @refused.include?(name)
          end
        end
        unless channels.empty? && patterns.empty?
          return reply(connection, frame, :refused, detail: "NOPERM", channels:, patterns:)
        end

        connection.channels.merge(frame.channels)
        connection.patterns.merge(frame.patterns)
        reply(connection, frame, @status.receiving ? :ok : :pending)
      end

      def reply(connection, frame, outcome, **fields)
        connection.send_frame(Wire::Reply.new(id: frame.id, outcome:, **fields))
      end

      def deliver(channel, payload)
        @connections.values.sum do |connection|
          connection.deliver(channel, payload)
          connection.receivers_of(channel)
        end
      end

      def tell_all(status)
        @status = status
        @connections.each_value { |connection| connection.send_frame(status) }
      end
    end
  end
end
