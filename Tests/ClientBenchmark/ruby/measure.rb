# frozen_string_literal: true

# What every Ruby program of the benchmark shares: arguments, callers, the books of a delivery, the line that it prints.
module Measure
  CHANNEL = "bench"
  PAYLOAD = ("00000000" + "x" * 192).freeze

  # A delivery asks for so many messages at a time, and so many of these bursts are under way.
  BURST = 64
  WINDOW = 4

  # The arguments and the environment are the same for the programs of every language: README.md has them.
  ADDRESS, WORKLOAD, WARMUP, COUNT = ARGV[0], ARGV[1], Integer(ARGV[2]), Integer(ARGV[3])

  # Publishes that are under way at a time.
  UNDER_WAY = WORKLOAD == "publish-64" ? 64 : 1

  # They are put into one pipeline, by one caller, instead of being published by as many callers.
  PIPELINED = ENV.key?("PIPELINED")

  module_function

  # The runner is the one that listens. Raises when a message did not reach it, and it alone.
  def check_receivers(receivers)
    raise "a message has reached #{receivers} receivers instead of 1" unless receivers == 1
  end

  # Publishes WARMUP and then COUNT messages, from a thread for each of the callers, or from this one if there is one.
  # A caller is called for each message. Each caller publishes as many.
  def publish(callers, library)
    call(callers, WARMUP)
    clock = Clock.new
    call(callers, COUNT)
    clock.report(library)
  end

  def call(callers, count)
    return count.times { callers[0].call } if callers.size == 1

    callers.map { |caller| Thread.new { (count / callers.size).times { caller.call } } }.each(&:value)
  end

  # Processor time of this process, and time, from when it was made.
  class Clock
    def initialize
      @times = Process.times
      @now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    # Prints what the runner reads.
    def report(library)
      wall = Process.clock_gettime(Process::CLOCK_MONOTONIC) - @now
      times = Process.times
      $stdout.syswrite(format("\n{\"library\": \"%s\", \"messages\": %d, \"user_s\": %.6f, \"system_s\": %.6f, " \
                              "\"wall_s\": %.6f}\n", library, COUNT, times.utime - @times.utime,
                              times.stime - @times.stime, wall))
    end
  end

  # The messages that have come, and what is asked for. Made once the subscription is in force.
  class Delivery
    def initialize
      @numbers = Array.new(WARMUP + COUNT) { |number| format("%08d", number) }
      @taken = 0
      @clock = nil
      $stdout.syswrite("+" * WINDOW)
    end

    # Takes a payload, and returns whether it was the last one. Raises unless it is the next one.
    def take(payload, library)
      raise "message #{@taken} is #{payload[0, 8]}" unless payload.start_with?(@numbers[@taken])

      @taken += 1
      return false unless (@taken % BURST).zero?
      return finish(library) if @taken == WARMUP + COUNT

      @clock = Clock.new if @taken == WARMUP
      $stdout.syswrite("+")
      false
    end

    private

    def finish(library)
      @clock.report(library)
      true
    end
  end
end
