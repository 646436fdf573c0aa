# frozen_string_literal: true

module Hubrelay
  # The monotonic clock.
  # @api private
  module Clock
    # Seconds since some moment in the past.
    def self.now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    # The time in this many seconds; nil for nil and for infinity. Raises TypeError, ArgumentError.
    def self.deadline(timeout)
      return if timeout.nil?
      raise TypeError, "the timeout must be a number of seconds, not #{timeout.inspect}" unless timeout.is_a?(Numeric)

      seconds = Float(timeout)
      raise ArgumentError, "the timeout must be a number of seconds, not NaN" if seconds.nan?

      now + seconds unless seconds == Float::INFINITY
    end
  end
  private_constant :Clock

  # The timers of a client. Each has a name, there is at most one of each name, and all share one deadline.
  # @api private
  class Timers
    # When the first timer is due, by Clock; nil if none is set.
    attr_reader :deadline

    def initialize
      @due = {}
      @deadline = nil
    end

    # Sets a timer that is due in this many seconds.
    def set(name, seconds)
      cancel(name)
      at = @due[name] = Clock.now + seconds
      @deadline = at if @deadline.nil? || at < @deadline
    end

    # Removes the timer.
    def cancel(name)
      at = @due.delete(name)
      @deadline = @due.values.min if at && at <= @deadline
    end

    # When this timer is due, by Clock; nil if it is not set.
    def due_at(name)
      @due[name]
    end

    # Yields the name and time of each due timer, which is removed before. A change that one of them makes counts for
    # the next.
    def take_due(now)
      @due.select { |_, at| at <= now }.each_key do |name|
        at = @due[name]
        next unless at && at <= now

        cancel(name)
        yield name, at
      end
    end

    def clear
      @due.clear
      @deadline = nil
    end
  end
  private_constant :Timers
end
