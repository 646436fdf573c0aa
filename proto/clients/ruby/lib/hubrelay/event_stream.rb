# frozen_string_literal: true

require_relative "events"
require_relative "timers"
require_relative "waiter"

module Hubrelay
  # Events in their order: +events+ of a client, and what a Subscription is, too. Any thread or fiber may take events;
  # each event goes to one of them.
  class EventStream
    include Enumerable

    # @api private
    def initialize(client, queue)
      @client = client
      @queue = queue
      @delivered = nil
    end

    # Yields each event, and returns when the client, or the subscription, is closed.
    #
    # @yieldparam event [Message, Status, Gap, Loss, Revoked]
    # @return [self, Enumerator]
    def each
      return to_enum(:each) unless block_given?

      while (event = pop)
        yield event
      end
      self
    end

    # Takes the next event, and waits for one if need be. Use this timeout, and not Timeout.timeout: that may hit just
    # when an event was taken, which is lost then.
    #
    # @param timeout [Numeric, nil] seconds; nil waits for ever, 0 takes what is there
    # @return [Message, Status, Gap, Loss, Revoked, nil] nil when the time is over, and at the end
    def pop(timeout: nil)
      reactor = @client.reactor
      hooks = @client.hooks
      after_delivery(hooks) if hooks
      event = take(reactor, timeout)
      if hooks && event.is_a?(Message)
        @delivered = event
        hooks.before_delivery(event)
      end
      event
    end

    # @return [String]
    def inspect
      "#<#{self.class.name} #{@queue.size} events#{' ended' if @queue.ended?}>"
    end

    private

    def take(reactor, timeout)
      deadline = timeout && (Clock.now + timeout)
      loop do
        waiter = nil
        event = reactor.synchronize { take_or_wait(reactor) { |new_waiter| waiter = new_waiter } }
        return event if event || waiter.nil?
        return unless wait(reactor, waiter, deadline)
      end
    end

    # With the lock held: an event; nil at the end; or nil, and yields a waiter.
    def take_or_wait(reactor)
      event = @queue.take
      if event
        reactor.core.requested
        reactor.perform unless reactor.core.actions.empty?
      elsif !@queue.ended?
        waiter = Waiter.new
        yield waiter
        @queue.waiters << waiter
        reactor.take_role(waiter)
      end
      event
    end

    # False at the deadline.
    def wait(reactor, waiter, deadline)
      is_done = reactor.attend(waiter, deadline)
    ensure
      reactor.leave(waiter)
      # At the deadline, or because of an exception. If it was woken meanwhile, another one is to take the event.
      reactor.synchronize { @queue.give_up(waiter) } unless is_done
    end

    def after_delivery(hooks)
      delivered = @delivered
      @delivered = nil
      hooks.after_delivery(delivered) if delivered
    end
  end
end
