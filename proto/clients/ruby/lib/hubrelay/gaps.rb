# frozen_string_literal: true

require "securerandom"
require "set"
require_relative "events"

module Hubrelay
  # Collects the reasons for a Gap, and decides when it is due: a random time after the client receives again. The block
  # gets the Gap.
  # @api private
  class Gaps
    def initialize(options, timers, &tell)
      @options = options
      @timers = timers
      @tell = tell
      @reasons = []
      @receiving = false
      @awaited = nil # the Subscribes whose Replies have to come before a Gap; nil while not receiving
      @delayed = false # the random delay has begun
      @partial_again = false
    end

    # Messages may have been missed.
    def note(reason)
      @reasons |= [reason]
    end

    # The application has no subscriptions any more.
    def forget
      @reasons = []
      stop_delay
      @timers.cancel(:partial)
    end

    # The relay has reported whether it receives. `unanswered` are the Subscribes that have no Reply now.
    def receiving(receiving, unanswered)
      @awaited = Set.new(unanswered) if receiving && !@receiving
      if receiving
        @timers.cancel(:partial)
      else
        @awaited = nil
        stop_delay
      end
      @receiving = receiving
    end

    # From now on another connection counts. Its Subscribes `unanswered` have no Reply yet.
    def await(unanswered)
      return unless @awaited

      @awaited = Set.new(unanswered)
      stop_delay unless unanswered.empty?
    end

    # A Subscribe has its Reply. The names that were refused with it are asked for again by the requests in `instead`.
    def answered(request, instead = [])
      @awaited.merge(instead) if @awaited&.delete?(request)
    end

    # Starts the random delay if it is time for it.
    def consider
      return if @reasons.empty? || @awaited.nil? || !@awaited.empty? || @delayed

      @delayed = true
      @timers.set(:gap, SecureRandom.random_number * @options.gap_jitter)
    end

    # The timer :gap is due.
    def delay_is_over
      @delayed = false
      reasons = @reasons
      @reasons = []
      @tell.call(Gap.new(reasons: reasons.freeze)) unless reasons.empty?
    end

    # The relay's count `gaps` has grown.
    def grown(status)
      note(status.reason.empty? ? "the relay was not receiving" : status.reason)
      return if status.receiving || status.state != :degraded

      if @timers.due_at(:partial)
        @partial_again = true
      else
        @timers.set(:partial, @options.partial_gap)
      end
    end

    # The timer :partial is due.
    def partial_is_due(status)
      if status.state == :degraded && !status.receiving && !@reasons.empty?
        @tell.call(Gap.new(reasons: @reasons.dup.freeze, partial: true))
        @timers.set(:partial, @options.partial_gap) if @partial_again
      end
      @partial_again = false
    end

    private

    def stop_delay
      @timers.cancel(:gap) if @delayed
      @delayed = false
    end
  end
  private_constant :Gaps
end
