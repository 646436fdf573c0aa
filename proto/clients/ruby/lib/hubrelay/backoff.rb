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

    # In seconds. An answer is hopeless if it will not change by itself. Then the bound is longer, and the delay is at
    # least half of it. SecureRandom makes sure that no two processes get the same numbers, however they were started.
    def next_delay(hopeless: false)
      return hopeless_delay if hopeless

      @hopeless_bound = 1.0
      bound = @bound
      @bound = [2 * bound, @options.backoff_max].min
      SecureRandom.random_number * bound
    end

    # A connection has ended that lasted this many seconds.
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

  # Detects a relay that hangs: it sends nothing while something is owed, or for a long time, and then does not answer a
  # Ping.
  # @api private
  class Watch
    def initialize(options)
      @options = options
    end

    # When the next step is due: the Ping, or the end of the connection if a Ping is unanswered. Times are Clock's;
    # `owed_since` and `ping_at` may be nil.
    def due(last_read, owed_since, ping_at)
      return ping_at + @options.ping_timeout if ping_at

      due = last_read + @options.ping_idle
      due = [due, [last_read, owed_since].max + @options.ping_owed].min if owed_since
      due
    end

    # The longest time between two checks: a new request does not need a Ping before the next check.
    def period
      [@options.ping_owed, @options.ping_idle].min
    end
  end
  private_constant :Watch
end
