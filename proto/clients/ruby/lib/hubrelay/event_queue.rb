# frozen_string_literal: true

require_relative "events"

module Hubrelay
  # The events that the application has not taken. The queue is bounded in bytes, and has a Loss in the place of what
  # did not fit. `counters.queued_bytes` is what all queues of a client hold. Call it with the client's lock held.
  # @api private
  class EventQueue
    # The size of a message beside its names and payload, and the size of any other event.
    MESSAGE_OVERHEAD = 100
    EVENT_BYTES = 400
    # If more events than this are waiting that are not messages, the oldest Status or Gap is dropped.
    MAX_NOTICES = 1000

    # The size of a Message.
    def self.bytes_of(message)
      message.channel.bytesize + message.payload.bytesize + (message.pattern&.bytesize || 0) + MESSAGE_OVERHEAD
    end

    attr_reader :bytes
    # Each waiter is woken once, when there may be something to take.
    attr_reader :waiters

    def initialize(limit, total_limit, counters)
      @limit = limit
      @total_limit = total_limit
      @counters = counters
      @bytes = 0
      @waiters = []
      @ended = false
      @items = []
      @lost = 0 # messages that were dropped after the last item
      @notices = 0 # items that are not messages
    end

    def ended?
      @ended
    end

    def size
      @items.size + (@lost.positive? ? 1 : 0)
    end

    # This queue takes no more messages, or all queues together take no more.
    def full?
      @bytes >= @limit || @counters.queued_bytes >= @total_limit
    end

    # False if the message was dropped. One message always fits into an empty queue. `may_exceed` is for messages of a
    # read under way.
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

    # Adds an event that is not a message. It is never refused. Losses of one kind with nothing between them are merged.
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

    # No more events come. The events in the queue may still be taken.
    def finish
      @ended = true
      @waiters.shift.resolve until @waiters.empty?
    end

    # Discards all events.
    def clear
      @counters.queued_bytes -= @bytes
      @bytes = @lost = @notices = 0
      @items.clear
    end

    # Discards the messages that came by these names.
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

    # The waiter will take nothing. If it was woken for an event, another waiter is woken instead.
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
