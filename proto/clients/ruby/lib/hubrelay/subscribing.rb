# frozen_string_literal: true

require "set"
require_relative "errors"
require_relative "link"
require_relative "names"
require_relative "restoring"

module Hubrelay
  # What the application requested in one call: perhaps by several frames, but with one answer.
  # @api private
  class Ask
    attr_reader :waiter, :listener, :granted
    # How many frames are unanswered; whether any part of the request was PENDING; the Reply with which a part has
    # failed.
    attr_accessor :parts, :pending, :failure

    def initialize(waiter, listener = nil)
      @waiter = waiter
      @listener = listener
      @parts = 0
      @pending = false
      @failure = nil
      @granted = [] # Names that were not subscribed to before
    end
  end
  private_constant :Ask

  # The subscriptions: it asks the relay for them, counts them, and, in Restoring, asks each new connection for them.
  # `core` knows the connections, and notifies the application.
  # @api private
  class Subscribing
    include Restoring

    SUBSCRIBE = 3
    UNSUBSCRIBE = 4
    GRANTED = %i[ok pending].freeze

    def initialize(core)
      @core = core
      @names = core.names
      @asking = {} # by Name: the unanswered Subscribe that was written last
      @joined = {} # by Request: the others that wait for it, as [Ask, Name]
      @open = Hash.new(0) # by Name: unanswered plain requests
      @early = [] # requests made before the first attempt to connect has ended
    end

    # The waiter gets :ok or :pending, or an error. The names have been checked. Raises InvalidError.
    def subscribe(channels, patterns, waiter)
      return later(waiter) { subscribe(channels, patterns, waiter) } if @core.starting?

      link = serving_for(patterns)
      names = @names.entries_of(channels, patterns)
      names.each { |name| name.wants_plain = true }
      ask = Ask.new(waiter)
      if link.nil?
        names.each { |name| plain(name, true) }
        ask.pending = true
        conclude(ask)
      else
        Names.in_frames(names, link.max_frame).each { |portion| ask_plain(link, ask, portion) }
        also_on_next(names)
      end
    end

    # The waiter gets :ok. A name that has listeners stays subscribed for them. Raises InvalidError.
    def unsubscribe(channels, patterns, waiter)
      return later(waiter) { unsubscribe(channels, patterns, waiter) } if @core.starting?

      link = serving_for(patterns)
      names = @names.entries_of(channels, patterns)
      names.each { |name| name.wants_plain = false }
      ask = Ask.new(waiter)
      kept, ended = link ? names.partition { |name| !name.listeners.empty? } : [names, []]
      plain_ended(kept)
      Names.in_frames(ended, link.max_frame).each { |portion| ask_plain_end(link, ask, portion) } if link
      drop_on_next(ended)
      conclude(ask) if ask.parts.zero?
    end

    # The waiter gets :ok or :pending, or an error, which ends the listener. The names have been checked. Raises
    # InvalidError.
    def listen(listener, channels, patterns, waiter)
      return later(waiter) { listen(listener, channels, patterns, waiter) } if @core.starting?
      raise ClosedError, "the subscription is closed" if listener.over

      link = serving_for(patterns)
      names = @names.entries_of(channels, patterns)
      listener.names = names
      listener.counted = true
      @core.listeners += 1
      ask = Ask.new(waiter, listener)
      ask.parts = 1 # until all is asked for
      to_ask = names.select { |name| join(link, ask, name) }
      ask.pending = link.nil? || (to_ask.size < names.size && !@core.status.receiving)
      if link
        Names.in_frames(to_ask, link.max_frame).each { |portion| ask_for_listener(link, ask, portion) }
        also_on_next(to_ask)
      end
      part_answered(ask, :ok)
    end

    # Ends a subscription; for the application it ends at once. Idempotent.
    def unlisten(listener)
      listener.queue.finish
      listener.queue.clear # a subscription that ended by Revoked still holds the events before that
      return if listener.over

      listener.over = true
      release(listener)
    end

    # The first attempt to connect has ended, with success or without. The requests that waited for it are made now.
    def started
      early = @early
      @early = []
      early.each(&:call)
    end

    # Makes a request once the first attempt to connect has ended.
    def later(waiter, &request)
      @early << lambda do
        request.call unless waiter.done? # if it is done, its caller has given up
      rescue Error => e
        waiter.reject(e)
      end
    end

    private

    # The connection whose answers count. Raises InvalidError for patterns if that relay has none.
    def serving_for(patterns)
      link = @core.serving
      if link && !patterns.empty? && !link.feature?("patterns")
        raise InvalidError.new("this relay has no patterns", patterns:)
      end

      link
    end

    # Adds a listener to a name. True if the relay has to be asked for the name.
    def join(link, ask, name)
      listener = ask.listener
      name.listeners[listener] = true
      return true if link && !link.asked.include?(name)

      if link && (request = @asking[name])
        ask.parts += 1
        (@joined[request] ||= []) << [ask, name]
      else
        name.queues[listener.queue] = true
      end
      false
    end

    # What the relay answers

    def ask_plain(link, ask, names)
      ask.parts += 1
      names.each { |name| @open[name] += 1 }
      write_subscribe(link, names) do |request, reply|
        granted = granted?(reply)
        names.each { |name| plain_answered(ask, name, granted) }
        subscribe_answered(link, request, names, reply)
        part_answered(ask, outcome_of(reply, :pending), reply)
        @names.forget_unwanted(names.reject { |name| @open.key?(name) }) unless granted
      end
    end

    def plain_answered(ask, name, granted)
      is_last = count_down(name)
      ask.granted << name if granted && !name.plain
      if granted
        plain(name, name.wants_plain || !is_last)
      elsif is_last
        name.wants_plain = name.plain
      end
    end

    def ask_plain_end(link, ask, names)
      ask.parts += 1
      names.each { |name| @open[name] += 1 }
      write_unsubscribe(link, names) do |reply|
        names.each { |name| count_down(name) }
        outcome = outcome_of(reply, :ok)
        plain_ended(names) if outcome == :ok
        part_answered(ask, outcome, reply)
      end
    end

    def ask_for_listener(link, ask, names)
      ask.parts += 1
      write_subscribe(link, names) do |request, reply|
        start_listening(ask, names) if granted?(reply)
        subscribe_answered(link, request, names, reply)
        part_answered(ask, outcome_of(reply, :pending), reply)
      end
    end

    def start_listening(ask, names)
      listener = ask.listener
      names.each { |name| name.queues[listener.queue] = true if name.listeners.key?(listener) }
    end

    # What every answer to a Subscribe changes for others: the listeners that joined it, the connection, the gaps.
    def subscribe_answered(link, request, names, reply)
      granted = granted?(reply)
      names.each do |name|
        next unless @asking[name].equal?(request)

        @asking.delete(name)
        link.asked.delete(name) unless granted || name.plain || name.held?
      end
      is_late = reply ? reply.outcome == :pending : link.equal?(@core.serving)
      @core.gaps.note("subscribed while not receiving") if is_late
      @core.gaps.answered(request)
      (@joined.delete(request) || []).each { |ask, name| joined_answered(link, ask, name, reply) }
      @core.consider_gap
      @core.reconcile unless link.ended? || link.equal?(@core.serving)
    end

    def joined_answered(link, ask, name, reply)
      if granted?(reply)
        start_listening(ask, [name])
      elsif name.listeners.key?(ask.listener)
        ask_for_listener(link, ask, [name]) # this needs its own request, since the other one has more names
        return part_answered(ask, :ok)
      end
      part_answered(ask, outcome_of(reply, :pending), reply)
    end

    # Whether a Subscribe succeeded. If the connection ended before its Reply, it counts as granted, and the next
    # connection is asked for it.
    def granted?(reply)
      reply.nil? || GRANTED.include?(reply.outcome)
    end

    def outcome_of(reply, at_the_end)
      reply ? reply.outcome : at_the_end
    end

    def part_answered(ask, outcome, reply = nil)
      ask.parts -= 1
      if outcome == :pending
        ask.pending = true
      elsif outcome != :ok
        ask.failure = reply
      end
      conclude(ask) if ask.parts.zero?
    end

    def conclude(ask)
      @core.gaps.note("subscribed while not receiving") if ask.pending
      return ask.waiter.resolve(ask.pending ? :pending : :ok) unless ask.failure

      if ask.listener
        unlisten(ask.listener)
      else
        ask.granted.each { |name| name.wants_plain = false }
        plain_ended(ask.granted)
        drop_unwanted(ask.granted)
      end
      ask.waiter.reject(Hubrelay.error_of(ask.failure))
    end

    # Parts

    # The block gets the Request and the Reply.
    def write_subscribe(link, names)
      request = Request.new(subscribe: true) { |reply| yield request, reply }
      link.asked.merge(names)
      names.each { |name| @asking[name] = request }
      link.ask(request, SUBSCRIBE, names)
      request
    end

    def write_unsubscribe(link, names, &)
      link.asked.subtract(names)
      link.ask(Request.new(&), UNSUBSCRIBE, names)
    end

    def write_unsubscribes(link, names)
      Names.in_frames(names, link.max_frame).each { |portion| write_unsubscribe(link, portion) }
    end

    def also_on_next(names)
      restore(@core.next_serving, names) if @core.next_serving
    end

    def drop_on_next(names)
      write_unsubscribes(@core.next_serving, names) if @core.next_serving
    end

    # Removes a listener that has ended.
    def release(listener)
      @core.listeners -= 1 if listener.counted
      listener.counted = false
      listener.names.each do |name|
        name.listeners.delete(listener)
        name.queues.delete(listener.queue)
      end
      drop_unwanted(listener.names)
      @names.forget_unwanted(listener.names)
      @core.subscriptions_ended
    end

    # Unsubscribes at the relays from those of these names that nobody wants any more.
    def drop_unwanted(names)
      [@core.serving, @core.next_serving].compact.each do |link|
        write_unsubscribes(link, names.select { |name| !name.wanted? && link.asked.include?(name) })
      end
    end

    def plain(name, is_plain)
      name.plain = is_plain
      if is_plain
        name.queues[@core.events] = true
      else
        name.queues.delete(@core.events)
      end
    end

    # After this, `events` has no messages of these names.
    def plain_ended(names)
      return if names.empty?

      names.each { |name| plain(name, false) }
      @core.events.remove_messages(*Names.texts(names).map(&:to_set))
      @names.forget_unwanted(names.reject { |name| @open.key?(name) })
      @core.subscriptions_ended
    end

    # One plain request for this name was answered. True if it was the last unanswered one.
    def count_down(name)
      @open[name] -= 1
      return false if @open[name].positive?

      @open.delete(name)
      true
    end
  end
  private_constant :Subscribing
end
