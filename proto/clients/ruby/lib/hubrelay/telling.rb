# frozen_string_literal: true

require_relative "event_queue"
require_relative "events"

module Hubrelay
  # The part of Core that informs the application: events, subscriptions, status, gaps, losses.
  # @api private
  module Telling
    # The Status while there is no connection to a relay.
    def self.no_relay(why)
      Status.new(state: :down, reason: why, since_unix_ms: (Time.now.to_f * 1000).to_i, cause: :no_relay,
                 connected: false)
    end

    # The queue for `events`; the last Status that the application got; the Gaps.
    attr_reader :events, :status, :gaps
    # How many subscriptions are open.
    attr_accessor :listeners

    # Makes a queue for a subscription.
    def new_queue
      EventQueue.new(options.events_bytes, options.queued_bytes, counters)
    end

    # Delivers a message to all queues of its name.
    def deliver(name, message)
      name.queues.each_key { |queue| queue.put_message(message, may_exceed: @may_exceed) }
    end

    # Adds an event that is not a message to `events`.
    def tell(event)
      @events.put(event)
    end

    # Reports a Loss of messages in its place, followed by a Gap.
    def tell_lost_messages(loss)
      counters.lost_messages += loss.messages
      tell(loss)
      return unless names.holds_any?

      listening_queues.each { |queue| queue.put(loss) }
      tell_gap(Gap.new(reasons: [loss.reason.empty? ? "messages were dropped" : loss.reason]))
    end

    # Some subscriptions have ended.
    def subscriptions_ended
      @gaps.forget unless names.holds_any?
    end

    # Starts the delay of a Gap if it is time for it.
    def consider_gap
      @gaps.consider if names.holds_any?
    end

    private

    def tell_status(status)
      @status = status
      @status_to_tell = nil
      @told = true
      tell(status)
    end

    def tell_gap(gap)
      return unless names.holds_any?

      counters.gaps += 1
      tell(gap)
      listening_queues.each { |queue| queue.put(gap) }
    end

    # The queues of subscriptions, each once.
    def listening_queues
      names.flat_map { |name| name.queues.keys }.uniq.reject { |queue| queue.equal?(@events) }
    end

    # A post that waited is too large for the relay that came.
    def tell_invalid_post(error)
      counters.lost_publishes += 1
      tell(Loss.new(publishes: 1, reason: error.message, cause: :invalid, local: true))
    end

    def tell_own_loss(unsent, unknown)
      return unless (unsent + unknown).positive?

      counters.lost_publishes += unsent + unknown
      tell(Loss.new(publishes: unsent, publishes_unknown: unknown, reason: "the connection to the relay ended",
                    cause: :no_relay, local: true))
    end
  end
  private_constant :Telling
end
