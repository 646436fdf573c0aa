# frozen_string_literal: true

require_relative "backoff"
require_relative "codec"
require_relative "connections"
require_relative "gaps"
require_relative "names"
require_relative "publishing"
require_relative "subscribing"
require_relative "telling"
require_relative "timers"

module Hubrelay
  # The client without sockets, threads and waiting. Calls and bytes go in. `actions`, `news` and the outbox of each
  # Link come out, and the waiters that were passed in are settled. After each call the owner performs the actions,
  # writes, and sets its one timer to `timers.deadline`. Not thread-safe: Client has a lock around it.
  #
  # The states of a Core: *new*, until `start`; *starting*, until the first attempt to connect has ended; then,
  # permanently, *connected* (`link`) or *not connected* (a timer :attempt, or `opening`). Publishes and requests wait
  # while it is starting. A relay that is stopping adds a *move* (`old` serves, `link` is the next one), and then a
  # *drain* (`link` serves, `old` is read to its end). `close` makes it *closing*: it waits for the requests that wait
  # for the first connection. Then it is *ending*: all writing sides are shut, and it waits for owed Replies. Then it is
  # *closed*.
  #
  # An action is [what, Link]: `:open` (connect; then call `opened` or `failed`), `:close` (close the socket),
  # `:reading` (it has changed whether the socket has to be read), `:check` (the socket is left unread: if the relay has
  # closed it, read it to its end).
  # @api private
  class Core
    include Telling
    include Connections

    # `news` are lines for the log, as [severity, text].
    attr_reader :options, :counters, :timers, :names, :publishing, :subscribing, :actions, :news, :features

    # `name` has been checked.
    def initialize(name, options, counters)
      @name = name
      @options = options
      @counters = counters
      @timers = Timers.new
      @names = Names.new
      @actions = []
      @news = []
      @features = [].freeze
      @ready_waiters = []
      @close_waiters = []
      @backoff = Backoff.new(options)
      @watch = Watch.new(options)
      @events = new_queue
      @status = Telling.no_relay("not connected yet")
      @gaps = Gaps.new(options, @timers) { |gap| tell_gap(gap) }
      @publishing = Publishing.new(options, counters, method(:tell_invalid_post)) { |link| sent_first(link) }
      @subscribing = Subscribing.new(self)
      @listeners = @gaps_seen = @old_gaps_seen = 0
      @link = @opening = @old = @move = @why = nil
      @status_to_tell = nil # a Status with up, until all held names are in force
      @told = false # whether any Status was reported
      @starting = @closing = @ending = @closed = @was_connected = false
      @may_exceed = false # what is being read may fill the queue, so that the socket is left unread
    end

    # True until the first attempt to connect has ended.
    def starting?
      @starting
    end

    # True once `close` was called. Ending comes later: then no request waits for the first connection any more.
    def closing?
      @closing
    end

    # True when nothing is outstanding any more.
    def closed?
      @closed
    end

    # What the owner of the sockets reports

    # Connects for the first time. Requests that come meanwhile wait for the outcome, for `first_use` seconds.
    def start
      @starting = true
      @publishing.held = true
      @timers.set(:first, @options.first_use)
      attempt
    end

    # The socket is connected.
    def opened(link)
      link.hello(@name)
      @timers.set(:handshake, @options.handshake)
    end

    # The socket could not be connected.
    def failed(link, why)
      return if link.ended?

      finish(link, why)
      after_input
    end

    # Takes bytes that were read.
    def received(link, data)
      return if link.ended?

      @may_exceed = @listeners.zero? && !link.owed?
      begin
        link.feed(data)
      rescue Codec::ProtocolError => e
        finish(link, "the relay broke the protocol: #{e.message}")
      end
      after_input
    end

    # The relay has closed the socket, or the socket has `failed`.
    def ended(link, why, failed: false)
      return if link.ended?

      link.at_its_end = !failed
      finish(link, why)
      after_input
    end

    # The socket has accepted some of the bytes.
    def wrote
      after_input if @closing || @publishing.waiting?
    end

    # A request was made, or an event was taken: the socket may have to be read again.
    def requested
      consider_reading if @link && !@link.reading
    end

    # The connection that `tick` would give up now. The bytes in its socket have to be read before.
    def give_up_candidate(now)
      due = @timers.due_at(:watch)
      return unless @link&.ping_at && due && due <= now

      @link if now >= @link.ping_at + @options.ping_timeout
    end

    # Runs the timers that are due at `now`.
    def tick(now)
      @timers.take_due(now) { |name, due| timer_is_due(name, now, due) }
      after_input
    end

    # The process has forked, and this is the child: subscriptions end, and their waiters are dropped.
    def abandon
      names.flat_map { |name| name.listeners.keys }.each { |listener| abandon_queue(listener) }
      abandon_queue(nil)
      @closing = @closed = true
    end

    # Requests

    # Resolves the waiter at once if there is a connection, else at the next Welcome.
    def ready(waiter)
      @link ? waiter.resolve : @ready_waiters << waiter
    end

    def give_up_ready(waiter)
      @ready_waiters.delete(waiter)
    end

    # A text for people: what is wrong while there is no connection.
    def why_not_ready
      @why || "the relay has not answered yet"
    end

    # Resolves the waiter once the relay has answered. Raises NotConnectedError, InvalidError.
    def ping(waiter, settled)
      return @subscribing.later(waiter) { ping(waiter, settled) } if @starting

      link = serving
      raise NotConnectedError, @publishing.reason unless link
      return link.ping(Link.ping_request(waiter)) unless settled
      raise InvalidError, "this relay cannot say what is settled" unless link.feature?("settled")

      link.settle_sends(waiter)
    end

    # Waits for the requests that wait for the first connection, and then for owed Replies: for up to `drain` seconds.
    def close(drain, waiter)
      return waiter.resolve if @closed

      @close_waiters << waiter
      return if @closing

      @closing = true
      @timers.set(:close, drain || @options.drain)
      after_input
    end

    # Leaves the socket unread if the application would not take the messages. Then the relay counts what is dropped.
    def consider_reading
      link = @link or return
      reading = @listeners.positive? || link.owed? || !@events.full? || !@move.nil? || @closing
      return if reading == link.reading

      link.reading = reading
      link.last_read = Clock.now if reading # the time without reading does not count
      @timers.set(:watch, reading ? @watch.period : UNREAD_PERIOD)
      @actions << [:reading, link]
    end

    private

    def log(severity, text)
      @news << [severity, text]
    end

    def abandon_queue(listener)
      queue = listener ? listener.queue : @events
      listener&.over = true
      queue.waiters.clear
      queue.finish
      queue.clear
    end

    # Frames

    def take_frame(link, frame)
      return take_first_frame(link, frame) if link.equal?(@opening)

      case frame
      when Wire::Delivery then take_message(link, frame)
      when Status then take_status(link, frame)
      when Loss then take_loss(link, frame)
      when Revoked then take_revoked(link, frame)
      when Wire::Failure
        finish(link, "the relay ended the connection: #{frame.code} #{frame.detail}".rstrip)
      end
    end

    # Takes a message that the fast path leaves: it has a pattern, or its channel is not held.
    def take_message(link, frame)
      return @move.fence_came(link) if @move && frame.pattern.empty? && frame.channel == @move.fence

      name = frame.pattern.empty? ? @names.channels[frame.channel.b] : @names.patterns[frame.pattern.b]
      return unless name

      pattern = name.text if name.pattern?
      link.message_handler.call(name, Message.new(frame.channel, frame.payload.freeze, pattern).freeze)
    end

    def take_revoked(link, frame)
      revoked = @names.find_entries(frame.channels, frame.patterns)
      if link.equal?(serving)
        @subscribing.revoke(revoked, frame.detail)
        reconcile
      elsif link.equal?(next_serving) # it is asked for again when the move ends; that answer counts
        link.asked.subtract(revoked)
        @gaps.note(frame.detail.empty? ? "the next relay revoked a subscription" : frame.detail)
      end
    end

    def take_loss(link, loss)
      publishes = loss.publishes + loss.publishes_unknown
      link.lost_of_unsettled += publishes
      @counters.lost_publishes += publishes
      return tell_lost_messages(loss) if link.equal?(serving) && loss.messages.positive?

      if loss.messages.positive? && link.equal?(next_serving)
        @move.loss_came(loss.with(publishes: 0, publishes_unknown: 0))
      end
      tell(loss.with(messages: 0)) if publishes.positive?
    end

    def take_status(link, status)
      link.status = status
      return take_status_of_old(link, status) unless link.equal?(@link)
      return finish(link, "the next relay is stopping, too") if status.state == :stopping && @move

      @gaps.grown(status) if status.gaps > @gaps_seen && @names.holds_any?
      @gaps_seen = status.gaps
      new_status(link, status)
      if status.state == :stopping && !link.stopping
        relay_is_stopping(link)
      else
        @move&.consider
      end
    end

    def take_status_of_old(link, status)
      return unless link.equal?(@move&.old) && status.gaps > @old_gaps_seen

      @old_gaps_seen = status.gaps
      @gaps.note(status.reason.empty? ? "the relay was not receiving" : status.reason)
    end

    # Timers

    def timer_is_due(name, now, due)
      case name
      when :first then release_publishes if @link.nil?
      when :attempt then attempt
      when :handshake then handshake_is_over
      when :successor then no_successor
      when :fence then @move&.give_up(Move::INEXACT)
      when :publishes then release_publishes
      when :drain then drain_is_over
      when :gap then @gaps.delay_is_over
      when :partial then @gaps.partial_is_due(@status)
      when :settle then settle
      when :watch then watch(now, due)
      when :close then close_now
      end
    end

    def handshake_is_over
      finish(@opening, "the relay said nothing for #{options.handshake} s") if @opening
    end

    def no_successor
      link = @link
      return unless link&.stopping && @move.nil?

      @timers.cancel(:watch)
      @link = nil
      leave(link)
      without_relay("the relay stops, and there is no other one yet")
    end

    def drain_is_over
      finish(@old, "the relay that stops did not answer in time") if @old && @move.nil?
    end

    def sent_first(link)
      @timers.set(:settle, @options.settle) if link.feature?("settled")
    end

    def settle
      unsettled = links.select { |link| link.unsettled.positive? && link.writable? }
      unsettled.each { |link| link.settle_sends if link.feature?("settled") && !link.settling? }
      @timers.set(:settle, @options.settle) unless unsettled.empty?
    end

    def watch(now, due)
      link = @link or return
      unless link.reading
        @actions << [:check, link]
        return @timers.set(:watch, UNREAD_PERIOD)
      end
      start_anew(link, now) if now - due > 1 # this process was stopped, or the machine slept
      step = @watch.due(link.last_read, link.owed? ? link.owed_since : nil, link.ping_at)
      if now >= step
        return finish(link, "the relay did not answer a Ping for #{@options.ping_timeout} s") if link.ping_at

        link.ping(Request.new)
        link.ping_at = now
        step = now + @options.ping_timeout
      end
      @timers.set(:watch, [0, [step, now + @watch.period].min - Clock.now].max)
    end

    def start_anew(link, now)
      link.last_read = link.owed_since = now
      link.ping_at = now if link.ping_at
    end

    # After each input

    def after_input
      pump if @publishing.waiting?
      consider_closed if @closing
      consider_reading if @events.bytes > 0 # rubocop:disable Style/NumericPredicate -- for each read
    end

    def consider_closed
      return if @starting && @publishing.waiting? && @opening

      end_requests unless @ending
      links.each do |link|
        is_unsettled = link.unsettled.positive? && !link.feature?("settled")
        finish(link, "closed by the application") unless link.owed? || is_unsettled || !link.outbox.empty?
      end
      end_events if @link.nil? && @old.nil?
    end

    # Ends all requests. Those that were made until now are written.
    def end_requests
      @ending = true
      started
      @move&.give_up("closed")
      tell_own_loss(@publishing.finish(ClosedError.new("the client was closed before this was sent")), 0)
      finish(@opening, "closed by the application") if @opening
      links.each do |link|
        link.message_handler = Move::DISCARD
        settle_and_shut(link)
      end
    end

    # The time for owed Replies is over: ends everything.
    def close_now
      end_requests unless @ending
      links.each { |link| finish(link, "closed by the application") }
      end_events
    end

    def end_events
      return if @closed

      @closed = true
      @timers.clear
      [*listening_queues, @events].each(&:finish)
      @ready_waiters.each { |waiter| waiter.reject(ClosedError.new("the client is closed")) }
      @close_waiters.shift.resolve until @close_waiters.empty?
    end
  end
  private_constant :Core
end
