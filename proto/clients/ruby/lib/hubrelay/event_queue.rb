# frozen_string_literal: true

require_relative "events"

module Hubrelay
  # Events that the application has not taken: bounded in bytes, and a Loss in the place of what did not fit.
  # `counters.queued_bytes` is what all queues of a client hold. With the client's lock held.
  # @api private
  class EventQueue
    # What a message takes beside its names and payload, and what any other event takes.
    MESSAGE_OVERHEAD = 100
    EVENT_BYTES = 400
    # Untaken events that are no messages, beyond which the oldest Status or Gap is dropped.
    MAX_NOTICES = 1000

    # What a Message takes.
    def self.bytes_of(message)
      message.channel.bytesize + message.payload.bytesize + (message.pattern&.bytesize || 0) + MESSAGE_OVERHEAD
    end

    attr_reader :bytes
    # Each is woken once, when there may be something to take.
    attr_reader :waiters

    def initialize(limit, total_limit, counters)
      @limit = limit
      @total_limit = total_limit
      @counters = counters
      @bytes = 0
      @waiters = []
      @ended = false
      @items = []
      @lost = 0 # messages that found no room behind the last item
      @notices = 0 # items that are no messages
    end

    def ended?
      @ended
    end

    def size
      @items.size + (@lost.positive? ? 1 : 0)
    end

    # It takes no more messages, or all queues together do not.
    def full?
      @bytes >= @limit || @counters.queued_bytes >= @total_limit
    end

    # False if the message was dropped. One always fits into an empty queue; `may_exceed` is for a read under way.
    def put_message(message, may_exceed: false)
      size = EventQueue.bytes_of(message)
      unless may_exceed || @items.empty? || fits?(size)
        @lost += 1
        return false
      end
      tell_lost if @lost.positive?
      @bytes += size
      @counters.queued_bytes += size
      @items << message
      wake unless @waiters.empty?
      true
    end

    # Takes an event that is no message; it is never refused. Losses of one kind with nothing between them are merged.
    def put(event)
      tell_lost if @lost.positive?
      return if event.is_a?(Loss) && merge(event)

      append(event)
      drop_oldest_notice if @notices > MAX_NOTICES
      wake
    end

    # The next event, or nil.
    def take
      if @items.empty?
        return if @lost.zero?

        tell_lost
      end
      event = @items.shift
      if event.is_a?(Message)
        size = EventQueue.bytes_of(event)
      else
        size = EVENT_BYTES
        @notices -= 1
      end
      @bytes -= size
      @counters.queued_bytes -= size
      event
    end

    # Nothing comes any more. What is there may still be taken.
    def finish
      @ended = true
      @waiters.shift.resolve until @waiters.empty?
    end

    # Forgets everything.
    def clear
      @counters.queued_bytes -= @bytes
      @bytes = @lost = @notices = 0
      @items.clear
    end

    # Forgets the messages that came by these names.
    def remove_messages(channels, patterns)
      @items.reject! do |event|
        next unless event.is_a?(Message)
        next unless event.pattern ? patterns.include?(event.pattern) : channels.include?(event.channel)

        size = EventQueue.bytes_of(event)
        @bytes -= size
        @counters.queued_bytes -= size
        true
      end
    end

    # Whoever waited will take nothing. If it was woken for something, another one is.
    def give_up(waiter)
      wake unless @waiters.delete(waiter)
    end

    private

    def fits?(size)
      @bytes + size <= @limit && @counters.queued_bytes + size <= @total_limit
    end

    def wake
      until @waiters.empty?
        waiter = @waiters.shift
        next if waiter.done?

        waiter.resolve
        break
      end
    end

    def merge(loss)
      last = @items.last
      return false unless last.is_a?(Loss) && last.cause == loss.cause && last.local == loss.local

      @items[-1] = last.with(publishes: last.publishes + loss.publishes, messages: last.messages + loss.messages,
                             publishes_unknown: last.publishes_unknown + loss.publishes_unknown)
      true
    end

    def tell_lost
      @counters.lost_messages += @lost
      loss = Loss.new(messages: @lost, reason: "not read in time", cause: :slow_reader, local: true)
      @lost = 0
      append(loss)
      append(Gap.new(reasons: ["messages were dropped, since they were not read in time"]))
    end

    def append(event)
      @items << event
      @notices += 1
      @bytes += EVENT_BYTES
      @counters.queued_bytes += EVENT_BYTES
    end

    def drop_oldest_notice
      index = @items.index { |event| event.is_a?(Status) || event.is_a?(Gap) } or return
      @items.delete_at(index)
      @notices -= 1
      @bytes -= EVENT_BYTES
      @counters.queued_bytes -= EVENT_BYTES
    end
  end
  private_constant :EventQueue
end
