# frozen_string_literal: true

require "securerandom"

module Hubrelay
  # The random delay before the next attempt to connect: full jitter, up to a bound that doubles.
  # @api private
  class Backoff
    def initialize(options)
      @options = options
      @bound = options.backoff_min
      @hopeless_bound = 1.0
    end

    # Seconds. Hopeless is an answer that will not change by itself: then the bound is a long one, and half of it the
    # least. SecureRandom, so that no two processes get the same numbers, however they were started.
    def next_delay(hopeless: false)
      return hopeless_delay if hopeless

      @hopeless_bound = 1.0
      bound = @bound
      @bound = [2 * bound, @options.backoff_max].min
      SecureRandom.random_number * bound
    end

    # A connection has ended that lasted for so many seconds.
    def ended(seconds)
      @bound = @options.backoff_min if seconds >= @options.good_connection
    end

    private

    def hopeless_delay
      bound = [@hopeless_bound, @options.backoff_hopeless].min
      @hopeless_bound = 2 * bound
      (bound / 2) + (SecureRandom.random_number * bound / 2)
    end
  end
  private_constant :Backoff

  # Finds a relay that hangs: it is silent while something is owed, or for long, and then does not answer a Ping.
  # @api private
  class Watch
    def initialize(options)
      @options = options
    end

    # When the next step is due: the Ping, or once that is unanswered, the end. Times are Clock's; `owed_since` and
    # `ping_at` may be nil.
    def due(last_read, owed_since, ping_at)
      return ping_at + @options.ping_timeout if ping_at

      due = last_read + @options.ping_idle
      due = [due, [last_read, owed_since].max + @options.ping_owed].min if owed_since
      due
    end

    # How often to look, at least: what becomes owed meanwhile is not due before the next look.
    def period
      [@options.ping_owed, @options.ping_idle].min
    end
  end
  private_constant :Watch
end
