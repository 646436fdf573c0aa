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
    end

    # Yields each event, and returns when the client, or the subscription, is closed.
    #
    # @yieldparam event [Message, Status, Gap, Loss, Revoked]
    # @return [self, Enumerator]
    def each
      return to_enum(:each) unless block_given?

      while (event = pop)
        begin
          yield event
        ensure
          after_delivery
        end
      end
      self
    end

    # Takes the next event, and waits for one if need be. Use this timeout, and not Timeout.timeout: that may hit just
    # when an event was taken, which is lost then.
    #
    # @param timeout [Numeric, nil] seconds; nil waits for ever, 0 takes what is there
    # @return [Message, Status, Gap, Loss, Revoked, nil] nil when the time is over, and at the end
    # @raise [TypeError, ArgumentError] for an impossible timeout
    def pop(timeout: nil)
      after_delivery
      event = take(@client.reactor, Clock.deadline(timeout))
      before_delivery(event) if @client.hooks && event.is_a?(Message)
      event
    end

    # @return [String]
    def inspect
      "#<#{self.class.name} #{@queue.size} events#{' ended' if @queue.ended?}>"
    end

    private

    def take(reactor, deadline)
      waiter = nil
      loop do
        event = reactor.synchronize do
          waiter = nil # what it was woken for is looked at now
          take_or_wait(reactor) { |new_waiter| waiter = new_waiter }
        end
        return event if waiter.nil?
        return unless reactor.attend(waiter, deadline)

        reactor.leave(waiter)
      end
    ensure
      # At the deadline, or because of an exception, which may come at any place outside of the block.
      reactor.uninterrupted { give_up(reactor, waiter) if waiter }
    end

    # With the lock held: an event; nil at the end; or nil, and yields a waiter.
    def take_or_wait(reactor)
      event = @queue.take
      if event
        reactor.core.requested
        reactor.perform unless reactor.core.actions.empty?
      elsif !@queue.ended?
        reactor.start unless reactor.core.closing?
        waiter = Waiter.new
        yield waiter
        @queue.waiters << waiter
        reactor.take_role(waiter)
      end
      event
    end

    # If it was woken meanwhile, another one is to take the event. Without asynchronous exceptions.
    def give_up(reactor, waiter)
      reactor.leave(waiter)
      reactor.synchronize { @queue.give_up(waiter) }
    end

    # Of each thread or fiber: the Message that it was given last, by stream.
    def delivered
      Thread.current[:hubrelay_delivered] ||= {}.compare_by_identity
    end

    def before_delivery(message)
      delivered[self] = message
      @client.call_hook { |hooks| hooks.before_delivery(message) }
    end

    # This thread or fiber has done with the Message that it was given last; and with those of streams that have ended.
    def after_delivery
      return unless @client.hooks

      done = delivered.keys.select { |stream| stream.equal?(self) || stream.queue_ended? }
      done.each { |stream| stream.tell_after_delivery(delivered.delete(stream)) }
    end

    protected

    def queue_ended?
      @queue.ended?
    end

    def tell_after_delivery(message)
      @client.call_hook { |hooks| hooks.after_delivery(message) }
    end
  end
end
