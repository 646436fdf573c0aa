# frozen_string_literal: true

require_relative "event_stream"

module Hubrelay
  # What the core knows about a Subscription.
  # @api private
  class Listener
    attr_reader :queue
    # `names` are its Names. `counted`: it is one of the listeners because of which the socket is read. `over`: it has
    # ended.
    attr_accessor :names, :counted, :over

    def initialize(queue)
      @queue = queue
      @names = []
      @counted = @over = false
    end
  end
  private_constant :Listener

  # A queue for some channels and patterns, from Client#listen. It yields Message, Loss, Gap, and Revoked, which ends
  # it. Close it when it is no longer needed. Any thread may do so, and closing does not wait for the relay.
  class Subscription < EventStream
    # The names that it listens to: Arrays of Strings.
    attr_reader :channels, :patterns

    # +:ok+, or +:pending+: it is in force once the relay receives, and then a Gap follows.
    # @return [Symbol]
    attr_reader :outcome

    # @api private
    def initialize(client, listener, channels, patterns)
      super(client, listener.queue)
      @core = client.reactor.core # after a fork the client has another core
      @listener = listener
      @channels = channels
      @patterns = patterns
      @outcome = nil
    end

    # @api private
    def open(timeout)
      @outcome = @client.ask(timeout) do |core, waiter|
        core.subscribing.listen(@listener, @channels, @patterns, waiter)
      end
      self
    ensure
      close unless @outcome
    end

    # Ends the subscription: it yields nothing more. Idempotent.
    # @return [nil]
    def close
      after_delivery
      reactor = @client.reactor
      reactor.synchronize do
        @core.subscribing.unlisten(@listener)
        reactor.perform if reactor.core.equal?(@core)
      end
      nil
    end

    # Whether it has ended, by +close+, Revoked, or the end of the client.
    def closed?
      @queue.ended?
    end
  end
end
