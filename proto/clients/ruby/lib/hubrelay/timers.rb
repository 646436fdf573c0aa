# frozen_string_literal: true

module Hubrelay
  # The monotonic clock.
  # @api private
  module Clock
    # Seconds, from some moment in the past.
    def self.now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    # In so many seconds; nil for nil and for infinity. Raises TypeError, ArgumentError.
    def self.deadline(timeout)
      return if timeout.nil?
      raise TypeError, "the timeout must be a number of seconds, not #{timeout.inspect}" unless timeout.is_a?(Numeric)

      seconds = Float(timeout)
      raise ArgumentError, "the timeout must be a number of seconds, not NaN" if seconds.nan?

      now + seconds unless seconds == Float::INFINITY
    end
  end
  private_constant :Clock

  # The timers of a client: named, at most one of each name, and one deadline for all of them.
  # @api private
  class Timers
    # When the first is due, by Clock; nil if none is set.
    attr_reader :deadline

    def initialize
      @due = {}
      @deadline = nil
    end

    # Due in so many seconds from now.
    def set(name, seconds)
      cancel(name)
      at = @due[name] = Clock.now + seconds
      @deadline = at if @deadline.nil? || at < @deadline
    end

    # Takes the timer away.
    def cancel(name)
      at = @due.delete(name)
      @deadline = @due.values.min if at && at <= @deadline
    end

    # When this timer is due, by Clock; nil if it is not set.
    def due_at(name)
      @due[name]
    end

    # Yields name and time of those that are due, each taken away before. What one of them changes counts for the
    # next.
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
