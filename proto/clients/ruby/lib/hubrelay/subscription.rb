# frozen_string_literal: true

require_relative "event_stream"

module Hubrelay
  # What the core knows of a Subscription.
  # @api private
  class Listener
    attr_reader :queue
    # Names; whether it is one of those because of which the socket is read; whether it has ended.
    attr_accessor :names, :counted, :over

    def initialize(queue)
      @queue = queue
      @names = []
      @counted = @over = false
    end
  end
  private_constant :Listener

  # A queue of its own for some channels and patterns, from Client#listen. Yields Message, Loss, Gap, and Revoked, which
  # ends it. Close it when nobody listens any more: from any thread, without waiting for the relay.
  class Subscription < EventStream
    # What it listens to: Arrays of Strings.
    attr_reader :channels, :patterns

    # +:ok+, or +:pending+: it is in force once the relay receives, and a Gap follows then.
    # @return [Symbol]
    attr_reader :outcome

    # @api private
    def initialize(client, listener, channels, patterns)
      super(client, listener.queue)
      @core = client.reactor.core # after a fork the client has another one
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

    # Ends it: nothing more comes out. Idempotent.
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
