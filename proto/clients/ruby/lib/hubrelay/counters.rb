# frozen_string_literal: true

module Hubrelay
  # What a client has done. Read it from any thread; a number may be a moment old.
  class Counters
    # Publishes and posts that were handed to the relay.
    attr_accessor :sent
    # Messages that were dropped, by the relay or by the client because the application did not take them.
    attr_accessor :lost_messages
    # Posts that were lost, or may have been.
    attr_accessor :lost_publishes
    # Gaps that were reported. One that goes to several listeners counts once.
    attr_accessor :gaps
    # Connections to a relay after the first one.
    attr_accessor :reconnects
    # Bytes of events that the application has not taken, in all queues. This is a gauge.
    attr_accessor :queued_bytes

    def initialize
      @sent = @lost_messages = @lost_publishes = @gaps = @reconnects = @queued_bytes = 0
      @failed = Hash.new(0)
      @mutex = Thread::Mutex.new
    end

    # Failed publishes and posts by outcome: <tt>{not_connected: 3}</tt>. A copy.
    def failed
      @mutex.synchronize { @failed.dup }
    end

    # @api private
    def count_failure(error)
      outcome = error.class.outcome
      @mutex.synchronize { @failed[outcome] += 1 }
    end

    # All of them, as a Hash.
    def to_h
      { sent: @sent, failed:, lost_messages: @lost_messages, lost_publishes: @lost_publishes,
        gaps: @gaps, reconnects: @reconnects, queued_bytes: @queued_bytes }
    end
  end
end
