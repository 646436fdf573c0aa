# frozen_string_literal: true

require_relative "counters"
require_relative "event_stream"
require_relative "forks"
require_relative "hooks"
require_relative "log"
require_relative "names"
require_relative "options"
require_relative "reactor"
require_relative "subscription"
require_relative "waiter"

module Hubrelay
  # A connection to the relay that reconnects by itself. Any thread may call every method, and so may fibers of a
  # scheduler.
  #
  # It connects at its first use, or when +connect+ is called, and it can start without a relay. The client stores
  # nothing for later: without a relay a publish fails at once. After a fork, this object holds a new client in the
  # child process. That client connects at its first use, and has no subscriptions.
  class Client
    # Where a relay listens by default.
    DEFAULT_PATH = "/run/hubrelay/hubrelay.sock"

    attr_reader :path, :name
    # @return [Counters]
    attr_reader :counters
    # Status, Gap, Loss and Revoked, and the Messages of +subscribe+. The application need not take them.
    # @return [EventStream]
    attr_reader :events
    # @return [Hooks, nil]
    attr_reader :hooks

    # With a block: yields the client, closes it afterwards, and returns the value of the block.
    #
    # @return [Client, Object]
    def self.open(*args, **options)
      client = new(*args, **options)
      return client unless block_given?

      begin
        yield client.connect
      ensure
        client.close
      end
    end

    # @param path [String, Pathname] the relay's socket
    # @param name [String] a name for people, in the relay's log and listings: at most 64 bytes of UTF-8
    # @param logger [Logger, nil] gets a line for each change of the connection; the client's own thread calls it
    # @param hooks [Hooks, nil] called around publishes and deliveries, for tracing
    # @param connector [#call] gets the path, and returns a connected BasicSocket or raises; called in the client's own
    #   thread, whose timers do not run during the call
    # @param options see Options
    # @raise [InvalidError] for a name that is not allowed
    # @raise [ArgumentError] for an unknown option, or a value that is not allowed
    def initialize(path = DEFAULT_PATH, name: "", logger: nil, hooks: nil, connector: Sockets.method(:connect),
                   **options)
      @path = path.to_s.freeze
      @name = Names.checked_client_name(name)
      @options = Options.new(**options)
      @log = Log.new(logger)
      @hooks = hooks
      @connector = connector
      set_up
      Forks.add(self)
    end

    # Begins to connect. Calling this is optional: the first use of the client connects, too.
    #
    # @return [self]
    # @raise [ClosedError]
    def connect
      reactor.synchronize { @reactor.start }
      self
    end

    # Waits until a relay has sent its Welcome.
    #
    # @param timeout [Numeric, nil] seconds
    # @return [self]
    # @raise [NotConnectedError] after the timeout; its message says what is wrong
    # @raise [ClosedError]
    def ready(timeout: nil)
      waiter = Waiter.new
      current = reactor
      is_done = current.call(waiter, timeout) { current.core.ready(waiter) }
      raise NotConnectedError, current.core.why_not_ready unless is_done

      waiter.value
      self
    ensure
      current&.synchronize { current.core.give_up_ready(waiter) }
    end

    # The last Status. Without a connection to a relay +connected+ is false and +cause+ is +:no_relay+.
    #
    # @return [Status]
    def status
      reactor.core.status
    end

    # The features of the relay that the client was connected to last: "patterns", "settled", "fence", ...
    #
    # @return [Array<String>]
    def features
      reactor.core.features
    end

    # Publishes, and waits for Redis's answer. While too much is under way, it waits for room first, unless +wait+ is
    # false.
    #
    # @param channel [String] 1 to 512 bytes of UTF-8
    # @param payload [String] bytes, of any encoding
    # @param timeout [Numeric, nil] seconds
    # @return [Integer] how many subscriptions at Redis received it: each relay counts, not the workers behind it
    # @raise [NotConnectedError, InterruptedError, RefusedError, InvalidError, CongestedError, ClosedError,
    #   UnknownError] after the timeout: CongestedError if nothing was sent, else TimeoutError, which is an
    #   InterruptedError, since the message may have been delivered
    # @raise [TypeError] for a channel that is not a String or Symbol, or a payload that is not a String
    def publish(channel, payload, wait: true, timeout: nil)
      return publish_and_wait(channel, payload, wait, timeout) unless @hooks

      with_hooks(channel, payload) { publish_and_wait(channel, payload, wait, timeout) }
    end

    # Publishes without an answer, and never waits. If the message is lost later, a Loss in +events+ reports it.
    #
    # @return [nil]
    # @raise [NotConnectedError, InvalidError, CongestedError, ClosedError]
    def post(channel, payload)
      return post_now(channel, payload) unless @hooks

      with_hooks(channel, payload) { post_now(channel, payload) }
    end

    # Listens with its own queue. Several subscriptions may listen to one channel; the relay is asked for it once.
    # Without a relay the Subscription is pending.
    #
    # With a block: yields the Subscription, closes it afterwards, and returns the value of the block.
    #
    # @param channels [Array<String>]
    # @param patterns [Array<String>] in Redis's glob syntax, if +features+ has "patterns"
    # @param timeout [Numeric, nil] seconds
    # @return [Subscription, Object]
    # @raise [RefusedError, LimitError, InvalidError, ClosedError, UnknownError] and then nothing is listened to
    # @raise [TimeoutError] after the timeout; then nothing is listened to
    def listen(*channels, patterns: [], timeout: nil)
      channels, patterns = Names.checked_lists(channels, patterns)
      listener = Listener.new(reactor.core.new_queue)
      subscription = Subscription.new(self, listener, channels, patterns).open(timeout)
      return subscription unless block_given?

      begin
        yield subscription
      ensure
        subscription.close
      end
    end

    # Like +listen+, but for patterns only.
    def listen_pattern(*patterns, timeout: nil, &block)
      listen(patterns:, timeout:, &block)
    end

    # For an application that keeps track of its subscriptions itself: the messages come in +events+.
    #
    # @return [Symbol] +:ok+, or +:pending+: in force once there is a relay, and it receives
    # @raise [RefusedError, LimitError, InvalidError, ClosedError, UnknownError] and then nothing was subscribed to
    # @raise [TimeoutError] after the timeout: then it is unknown whether the names are subscribed to
    def subscribe(*channels, patterns: [], timeout: nil)
      channels, patterns = Names.checked_lists(channels, patterns)
      ask(timeout) { |core, waiter| core.subscribing.subscribe(channels, patterns, waiter) }
    end

    # After this, +events+ yields no more messages of these names.
    #
    # @return [Symbol] +:ok+
    # @raise [InvalidError, ClosedError]
    # @raise [TimeoutError] after the timeout
    def unsubscribe(*channels, patterns: [], timeout: nil)
      channels, patterns = Names.checked_lists(channels, patterns)
      ask(timeout) { |core, waiter| core.subscribing.unsubscribe(channels, patterns, waiter) }
    end

    # Returns once the relay has answered. With +settled+: once everything that was published before is answered, or
    # reported in a Loss.
    #
    # @return [self]
    # @raise [NotConnectedError]
    # @raise [InterruptedError] as a TimeoutError after the timeout
    # @raise [InvalidError] for +settled+, if +features+ lacks "settled"
    def ping(settled: false, timeout: nil)
      ask(timeout) { |core, waiter| core.ping(waiter, settled) }
      self
    end

    # Closes the client. It waits up to +drain+ seconds for the Replies that are still owed. Idempotent.
    #
    # @return [nil]
    def close(drain: nil)
      Clock.deadline(drain) # raises for a wrong value, before anything is closed
      waiter = Waiter.new
      current = reactor
      begin
        current.synchronize do
          current.core.close(drain, waiter)
          current.revive
          current.perform
          current.take_role(waiter)
        end
        current.attend(waiter, nil)
      ensure
        current.leave(waiter)
      end
      current.join
      nil
    end

    # Whether +close+ was called.
    def closed?
      reactor.core.closing?
    end

    # @return [String]
    def inspect
      "#<#{self.class.name} #{@path} #{@reactor.core.status.state}>"
    end

    # Makes a request, waits for its waiter, and returns the waiter's value. Raises TimeoutError after the timeout.
    # @api private
    def ask(timeout)
      current = reactor
      waiter = Waiter.new
      is_done = current.call(waiter, timeout) { yield current.core, waiter }
      raise TimeoutError, "no answer within #{timeout} s" unless is_done

      waiter.value
    end

    # Calls a hook. An exception from the hook is logged, and does not reach the caller.
    # @api private
    def call_hook
      yield @hooks
    rescue StandardError => e
      @log.failure("a hook has failed: #{e.class}: #{e.message}")
      nil
    end

    # The Reactor of this process. This call also notices a fork that did not run the fork hook, such as that of
    # Process.daemon.
    # @api private
    def reactor
      begin_anew unless @reactor.running? || Process.pid == @pid
      @reactor
    end

    # @api private
    def current_reactor
      @reactor
    end

    # Called in the child of a fork: makes a new client in this object.
    # @api private
    def begin_anew
      @reactor.abandon
      set_up
    end

    private

    def set_up
      @pid = Process.pid
      @counters = Counters.new
      @reactor = Reactor.new(@name, @path, @connector, @options, @counters, @log)
      @events = EventStream.new(self, @reactor.core.events)
    end

    def publish_and_wait(channel, payload, wait, timeout)
      waiter = Waiter.new
      current = reactor
      is_done = current.call(waiter, timeout) { current.core.publishing.publish(channel, payload, waiter, wait) }
      raise given_up(current, waiter, timeout) unless is_done

      waiter.value
    rescue Error => e
      @counters.count_failure(e)
      raise
    ensure
      # An asynchronous exception, such as that of Timeout, may come at any place.
      current.synchronize { current.core.publishing.withdraw(waiter) } if waiter && current && !waiter.done?
    end

    def given_up(reactor, waiter, timeout)
      if reactor.synchronize { reactor.core.publishing.withdraw(waiter) }
        CongestedError.new("nothing was sent within #{timeout} s")
      else
        TimeoutError.new("no answer within #{timeout} s; it may be delivered")
      end
    end

    def post_now(channel, payload)
      current = reactor
      current.synchronize do
        current.start
        current.core.publishing.post(channel, payload)
        current.core.requested
        current.perform
      end
      nil
    rescue Error => e
      @counters.count_failure(e)
      raise
    end

    def with_hooks(channel, payload)
      context = call_hook { |hooks| hooks.before_publish(channel, payload) }
      begin
        receivers = yield
      rescue Exception => e # rubocop:disable Lint/RescueException -- a trace ends whatever happens
        call_hook { |hooks| hooks.after_publish(context, nil, e) }
        raise
      end
      call_hook { |hooks| hooks.after_publish(context, receivers, nil) }
      receivers
    end
  end
end
