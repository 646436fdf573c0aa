# frozen_string_literal: true

require_relative "events"
require_relative "timers"
require_relative "waiter"

module Hubrelay
  # Events in their order: a client's +events+ is an EventStream, and a Subscription is one, too. Any thread or fiber
  # may take events; each event goes to one of them.
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

    # Takes the next event, and waits for one if needed. Use this timeout, and not Timeout.timeout: that may raise just
    # after an event was taken, and then the event is lost.
    #
    # @param timeout [Numeric, nil] seconds; nil waits for ever, 0 takes only what is there already
    # @return [Message, Status, Gap, Loss, Revoked, nil] nil when the time is over, and at the end
    # @raise [TypeError, ArgumentError] for a timeout that is not allowed
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
          waiter = nil # the former waiter is used up: the queue is read now
          take_or_wait(reactor) { |new_waiter| waiter = new_waiter }
        end
        return event if waiter.nil?
        return unless reactor.attend(waiter, deadline)

        reactor.leave(waiter)
      end
    ensure
      # We come here with a waiter at the deadline, or because of an exception, which may come at any place outside of
      # the block.
      reactor.uninterrupted { give_up(reactor, waiter) if waiter }
    end

    # Called with the lock held. Returns an event, or nil at the end; otherwise yields a new waiter and returns nil.
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

    # If the waiter was woken meanwhile, another one has to take the event. Runs without asynchronous exceptions.
    def give_up(reactor, waiter)
      reactor.leave(waiter)
      reactor.synchronize { @queue.give_up(waiter) }
    end

    # The Message that this thread or fiber took last, by stream.
    def delivered
      Thread.current[:hubrelay_delivered] ||= {}.compare_by_identity
    end

    def before_delivery(message)
      delivered[self] = message
      @client.call_hook { |hooks| hooks.before_delivery(message) }
    end

    # This thread or fiber has finished with the Message that it took last from this stream, and with those from streams
    # that have ended.
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
