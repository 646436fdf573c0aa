# frozen_string_literal: true

require_relative "errors"
require_relative "names"
require_relative "publish_target"

module Hubrelay
  # Checks publishes, limits how many are under way, and keeps the order in which they were requested.
  # @api private
  class Publishing
    # How many channels are kept. When there are more, all are forgotten, and the table starts again.
    MAX_KEPT_TARGETS = 4096

    # A publish that waits for room, or for a connection. Without a waiter it is a post.
    Waiting = Struct.new(:target, :payload, :waiter)
    private_constant :Waiting

    # The Link where publishes go; nil if there is no connection to a relay.
    attr_accessor :link
    # True while new publishes wait: for the first connection, or until the former connection has been read to its end.
    attr_writer :held
    # Why there is no connection.
    attr_accessor :reason

    # The block gets a Link on which the first unsettled post was written. `tell_invalid` gets the error of a post that
    # waited, if the relay that came does not accept it.
    def initialize(options, counters, tell_invalid, &sent_first)
      @max_unsent = options.unsent_bytes
      @max_unsent_posts = options.unsent_bytes / 16
      @max_unanswered = options.unanswered
      @counters = counters
      @sent_first = sent_first
      @tell_invalid = tell_invalid
      @link = nil
      @held = false
      @reason = "no connection to a relay yet"
      @waiting = []
      @waiting_posts = 0 # bytes
      @targets = {}
    end

    # The waiter gets the number of receivers, or an error. Raises InvalidError, NotConnectedError; CongestedError
    # unless `wait`.
    def publish(channel, payload, waiter, wait)
      target = @targets[channel] || new_target(channel)
      check_payload(payload) unless payload.instance_of?(String)
      link = @link
      return enqueue(target, payload, waiter, wait) if link.nil? || @held || !@waiting.empty?

      check_size(link, target, payload) if payload.bytesize > link.safe_payload
      return enqueue(target, payload, waiter, wait) unless room?(link, payload)

      link.publish(target, payload, waiter)
      @counters.sent += 1
    end

    # Publishes without a Reply. Raises InvalidError, NotConnectedError, CongestedError.
    def post(channel, payload)
      target = @targets[channel] || new_target(channel)
      check_payload(payload)
      return enqueue_post(target, payload) if @held

      link = @link
      raise NotConnectedError, @reason unless link

      check_size(link, target, payload, with_reply: false)
      unsent = link.outbox.size
      if unsent.positive? && unsent + payload.bytesize > @max_unsent_posts
        raise CongestedError, "the relay has not read #{unsent} bytes yet"
      end

      write(link, target, payload, nil)
    end

    # Writes the waiting publishes, as far as there is room. Returns how many posts are lost because there is no
    # connection.
    def pump
      lost = 0
      until @waiting.empty? || @held
        entry = @waiting.first
        break if @link && entry.waiter && !room?(@link, entry.payload)

        @waiting.shift
        lost += 1 unless write_waiting(entry)
      end
      lost
    end

    # Some publishes wait for room, or for a connection.
    def waiting?
      !@waiting.empty?
    end

    # The caller has given up. True if the publish had not been written yet; then it never will be.
    def withdraw(waiter)
      index = @waiting.index { |entry| entry.waiter.equal?(waiter) }
      @waiting.delete_at(index) if index
      !index.nil?
    end

    # The client closes: waiting posts are written, and waiting publishes if there is room. Returns how many posts are
    # lost because there is no connection.
    def finish(error)
      @held = false
      lost = pump
      refused, @waiting = @waiting.partition(&:waiter)
      refused.each { |entry| entry.waiter.reject(error) }
      lost + pump
    end

    private

    # False if it was a post that is lost because there is no connection.
    def write_waiting(entry)
      waiter = entry.waiter
      @waiting_posts -= entry.payload.bytesize unless waiter
      return true if waiter&.done? # its caller has given up
      raise NotConnectedError, @reason unless @link

      check_size(@link, entry.target, entry.payload, with_reply: !waiter.nil?)
      write(@link, entry.target, entry.payload, waiter)
      true
    rescue InvalidError => e
      waiter ? waiter.reject(e) : @tell_invalid.call(e)
      true
    rescue NotConnectedError => e
      waiter&.reject(e)
      !waiter.nil?
    end

    def write(link, target, payload, waiter)
      link.publish(target, payload, waiter)
      @counters.sent += 1
      @sent_first.call(link) if waiter.nil? && link.unsettled == 1
    end

    def enqueue(target, payload, waiter, wait)
      raise NotConnectedError, @reason if @link.nil? && !(@held && wait)

      check_size(@link, target, payload) if @link
      unless wait
        raise CongestedError, "#{@link.publishes.size} publishes await their Reply, #{@waiting.size} wait for room, " \
                              "and #{@link.outbox.size} bytes for the relay"
      end
      @waiting << Waiting.new(target, payload.dup.freeze, waiter)
    end

    def enqueue_post(target, payload)
      if @waiting_posts.positive? && @waiting_posts + payload.bytesize > @max_unsent_posts
        raise CongestedError, "#{@waiting_posts} bytes wait for the next connection to a relay"
      end

      @waiting << Waiting.new(target, payload.dup.freeze, nil)
      @waiting_posts += payload.bytesize
    end

    def room?(link, payload)
      outbox = link.outbox
      link.publishes.size < @max_unanswered && (outbox.empty? || outbox.size + payload.bytesize <= @max_unsent)
    end

    def new_target(channel)
      target = PublishTarget.new(Names.checked(channel))
      @targets.clear if @targets.size >= MAX_KEPT_TARGETS
      @targets[channel] = target
    end

    def check_payload(payload)
      return if payload.is_a?(String)

      raise TypeError, "the payload must be a String, not #{payload.class}"
    end

    # Raises InvalidError for a payload that this relay does not accept.
    def check_size(link, target, payload, with_reply: true)
      size = payload.bytesize
      return if size <= link.max_payload && link.publish_fits?(target, payload, with_reply:)

      raise InvalidError, "the payload has #{size} bytes; this relay takes #{link.max_payload}"
    end
  end
  private_constant :Publishing
end
