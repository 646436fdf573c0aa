# frozen_string_literal: true

module Hubrelay
  # A place where a thread or fiber sleeps until another one signals. An earlier signal is not lost.
  # @api private
  class Gate
    def initialize
      @mutex = Thread::Mutex.new
      @condition = Thread::ConditionVariable.new
      @open = false
    end

    def signal
      @mutex.synchronize do
        @open = true
        @condition.signal
      end
    end

    # Waits until it is signalled, or for this many seconds; nil waits for ever. May return without a signal.
    def wait(seconds)
      # An exception from another thread (Timeout, Thread#raise) may come at any branch, even in an `ensure`, and would
      # leave the mutex locked for ever. The `synchronize` of Mutex is written in C, and has no such place.
      @mutex.synchronize do
        sleep_until_open(seconds)
        @open = false
      end
    end

    private

    def sleep_until_open(seconds)
      @condition.wait(@mutex, seconds) unless @open
    rescue Exception # rubocop:disable Lint/RescueException
      # In Ruby 3.1 an exception that ends the wait of a thread leaves the mutex locked; for a fiber it leaves the mutex
      # unlocked.
      @mutex.lock unless @mutex.owned?
      raise
    end
  end
  private_constant :Gate

  # The same for a thread that sleeps in IO.select: `io` becomes readable. Call it with the client's lock held.
  # @api private
  class WakeUp
    attr_reader :io

    def initialize
      @io, @writer = IO.pipe
      @signalled = false
    end

    def signal
      return if @signalled || @io.closed?

      @signalled = true
      @writer.write_nonblock("!", exception: false)
    end

    # Removes a signal that has come.
    def clear
      return unless @signalled

      @signalled = false
      @io.read_nonblock(16, exception: false)
    end

    def close
      @io.close
      @writer.close
    end
  end
  private_constant :WakeUp
end
