# frozen_string_literal: true

require "hubrelay"

module ActionCable
  module SubscriptionAdapter
    class Hubrelay < Base
      # Keeps the client, and the subscribers of this process by channel. One thread asks the relay, and another one
      # takes the events.
      #
      # A caller never waits for the relay, since Action Cable's threads also send the pings that browsers need: without
      # them a browser takes its WebSocket for dead. Changes that come while the relay is asked are collected, and asked
      # for together later.
      #
      # @api private
      class Listener
        # @return [::Hubrelay::Client]
        attr_reader :client

        # @param executor [#post] calls the callbacks
        # @yield a Proc that takes a name and a payload, and delivers to the subscribers of this process
        # @yieldreturn [Teller]
        def initialize(settings, executor)
          @executor = executor
          @teller = yield method(:deliver)
          @client = settings.new_client(@teller.log)
          @local = settings.events_stream # the relay is never asked for this name
          @pid = Process.pid
          @lock = Thread::Mutex.new
          @news = Thread::ConditionVariable.new
          @topics = {} # by name: subscribers, each with the callback that waits for its confirmation, or nil
          @changed = {} # names to subscribe to or to unsubscribe from at the relay, to true
          @pending = {} # names that the relay has promised for later, to true
          @gaps = 0
          @started = @closed = false
        end

        # False after +shutdown+, and in a child of the process where it was made.
        def usable?
          !@closed && @pid == Process.pid
        end

        # The relay is asked again for each new subscriber, so that a confirmation is never older than its subscriber.
        def add_subscriber(name, callback, on_success)
          @lock.synchronize do
            next if @closed

            start
            (@topics[name] ||= {}.compare_by_identity)[callback] = on_success
            changed(name)
          end
          confirm([name]) if name == @local
        end

        def remove_subscriber(name, callback)
          @lock.synchronize do
            subscribers = @topics[name] or next
            subscribers.delete(callback)
            next unless subscribers.empty?

            @topics.delete(name)
            changed(name)
          end
        end

        # Delivers a message to all subscribers of this process. The text is UTF-8, as Redis's client gives it.
        def deliver(name, payload)
          callbacks = @lock.synchronize { @topics[name]&.keys } or return
          text = payload.dup.force_encoding(Encoding::UTF_8)
          callbacks.each { |callback| @executor.post { callback.call(text) } }
        end

        # Closes the client. Idempotent. In the child of a fork it does nothing.
        def shutdown
          return unless usable?

          @lock.synchronize do
            @closed = true
            @topics.clear
            @news.signal
          end
          @client.close
        end

        private

        # With the lock held.
        def start
          return if @started

          @started = true
          { "hubrelay-ask" => method(:ask_on), "hubrelay-events" => method(:take_events) }.each do |name, work|
            Thread.new(&work).name = name
          end
        end

        # With the lock held.
        def changed(name)
          return if name == @local

          @changed[name] = true
          @news.signal
        end

        # What the relay sends

        def take_events
          @client.events.each { |event| @teller.protect { take(event) } }
        end

        def take(event)
          return deliver(event.channel, event.payload) if event.is_a?(::Hubrelay::Message)

          ask_for_pending if event.is_a?(::Hubrelay::Gap)
          @teller.tell(event)
        end

        # A Gap comes when all that the relay has promised is in force again. So the pending names are asked for again.
        def ask_for_pending
          @lock.synchronize do
            @gaps += 1
            @pending.each_key { |name| changed(name) }
            @pending.clear
          end
        end

        # What the relay is asked

        def ask_on
          while (names = take_changed)
            wanted, ended = @lock.synchronize { names.partition { |name| @topics.key?(name) } }
            @teller.protect { give_up(ended) }
            @teller.protect { ask(wanted) }
          end
        end

        # Waits for changed names, and takes them. Nil at the end.
        def take_changed
          @lock.synchronize do
            @news.wait(@lock) until @closed || !@changed.empty?
            next if @closed

            names = @changed.keys
            @changed.clear
            names
          end
        end

        def give_up(names)
          @client.unsubscribe(*names) unless names.empty?
        rescue ::Hubrelay::ClosedError
          nil
        end

        # Asks by one request. It takes several requests if some names are refused, or belong to a part of a cluster
        # that is away.
        def ask(names)
          return if names.empty?

          gaps = @gaps
          if @client.subscribe(*names) == :ok
            confirm(names)
          elsif names.size > 1 && @client.status.state == :degraded
            ask_by_halves(names)
          else
            keep_pending(names, gaps)
          end
        rescue ::Hubrelay::ClosedError
          nil
        rescue ::Hubrelay::Error => e
          ask_without_refused(names, e)
        end

        def ask_without_refused(names, error)
          refused = error.channels & names
          refused = names if refused.empty? && names.size == 1
          return ask_by_halves(names) if refused.empty?

          @teller.tell(::Hubrelay::Revoked.new(channels: refused, detail: error.message))
          ask(names - refused)
        end

        def ask_by_halves(names)
          names.each_slice((names.size + 1) / 2) { |half| ask(half) }
        end

        def confirm(names)
          callbacks = @lock.synchronize { @topics.values_at(*names).compact.flat_map { |topic| take_waiting(topic) } }
          callbacks.each { |callback| @executor.post(&callback) }
        end

        def take_waiting(topic)
          waiting = topic.compact
          waiting.each_key { |subscriber| topic[subscriber] = nil }
          waiting.values
        end

        # These names are asked for again at the next Gap, or at once if a Gap has come meanwhile.
        def keep_pending(names, gaps)
          @lock.synchronize do
            names.each { |name| gaps == @gaps ? @pending[name] = true : changed(name) }
          end
        end
      end
    end
  end
end
