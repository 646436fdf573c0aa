# frozen_string_literal: true

require_relative "codec"
require_relative "core"
require_relative "leading"
require_relative "signals"
require_relative "sockets"
require_relative "waiter"

module Hubrelay
  # The sockets around a Core, its lock, and who reads.
  #
  # One of the threads that wait reads for all of them: Leading has how. A thread of the client's own, the *supervisor*,
  # does the rest: timers, new connections, those that are drained, and the reading while nobody leads.
  #
  # Reads and writes do not block and are done with the lock held, so it never matters who does them.
  # @api private
  class Reactor
    include Leading

    # No Timeout, Thread#raise or Thread#kill in the middle of the Core.
    UNINTERRUPTED = { Object => :never }.freeze
    # More would be above the size from which malloc maps and unmaps memory for each read.
    READ_BYTES = 64 * 1024
    # After a failure of the client's own thread, before it goes on. Seconds.
    RECOVERY = 0.1
    private_constant :UNINTERRUPTED, :READ_BYTES, :RECOVERY

    attr_reader :core, :lock

    def initialize(name, path, connector, options, counters, log)
      @path = path
      @connector = connector
      @log = log
      @core = Core.new(name, options, counters)
      @lock = Thread::Mutex.new
      @sockets = {}.compare_by_identity # by Link
      @blocked = {}.compare_by_identity # by Link: those whose socket takes no more at present
      @retired = [] # sockets to close, once nobody waits for them
      @to_open = [] # Links that the supervisor is to connect
      @buffer = String.new(capacity: READ_BYTES)
      @leader = @led_link = @led_ios = nil
      @last_lead = 0.0
      @standing = {}.compare_by_identity # Waiters of threads that do not lead, in their order
      @fibers = {}.compare_by_identity # Waiters of fibers
      @sweep_above = MIN_SWEEP
      @supervisor = @supervisor_wake = @leader_wake = nil
      @watches_all = false # the supervisor waits for the connection that a leader would read
      @sleeps_until = Float::INFINITY
      @changed = false # the supervisor has to look
    end

    # Starts the client if need be, and its thread anew if somebody has ended it. With the lock held. Raises
    # ClosedError.
    def start
      raise ClosedError, "the client is closed" if @core.closing?
      return if running?

      unless @supervisor
        @supervisor_wake = WakeUp.new
        @leader_wake = WakeUp.new
        @core.start
      end
      start_supervisor
      perform
    end

    # Starts the client's thread anew if somebody has ended it, and it is needed. With the lock held.
    def revive
      start_supervisor if @supervisor && !running? && !over?
    end

    def running?
      @supervisor&.alive?
    end

    # Without asynchronous exceptions: they come behind the block.
    def uninterrupted(&)
      Thread.handle_interrupt(UNINTERRUPTED, &)
    end

    # With the lock held, and without asynchronous exceptions.
    def synchronize
      Thread.handle_interrupt(UNINTERRUPTED) do
        @lock.lock
        begin
          yield
        ensure
          @lock.unlock
        end
      end
    end

    # Makes a request in the block, which runs with the lock held, and waits until the waiter is done. False if that
    # takes longer than `timeout` seconds.
    def call(waiter, timeout = nil)
      deadline = Clock.deadline(timeout)
      synchronize do
        start unless running? && !@core.closing?
        yield
        @core.requested
        perform
        take_role(waiter)
      end
      attend(waiter, deadline)
    ensure
      uninterrupted { leave(waiter) } # a leader that goes without a word would leave all others waiting
    end

    # Does what the Core wants done, and writes. With the lock held.
    def perform
      actions = @core.actions
      perform_action(*actions.shift) until actions.empty?
      @sockets.each { |link, socket| write(link, socket) }
      return perform unless actions.empty?

      deadline = @core.timers.deadline
      @changed = true if (deadline && deadline < @sleeps_until) || !@core.news.empty?
      @supervisor_wake.signal if @changed && @supervisor
    end

    # Nothing is to be done, written, logged or looked at. With the lock held.
    def idle?
      deadline = @core.timers.deadline
      link = @core.link
      @core.actions.empty? && link && link.outbox.empty? && @core.old.nil? && @core.news.empty? &&
        (deadline.nil? || deadline >= @sleeps_until)
    end

    # Waits until the supervisor has ended.
    def join
      @supervisor.join if @supervisor && !@supervisor.equal?(Thread.current)
    end

    # In the child of a fork: the sockets are the parent's. Closes the copies without a word.
    def abandon
      [*@sockets.values, *@retired].each { |socket| close_quietly(socket) }
      [@supervisor_wake, @leader_wake].compact.each(&:close)
      @core.abandon
    end

    private

    def wake_supervisor
      @changed = true
      @supervisor_wake.signal
    end

    # The supervisor

    def start_supervisor
      # A new thread has the mask of the one that makes it, and could not be ended with the process.
      @supervisor = Thread.new { Thread.handle_interrupt(Object => :immediate) { supervise } }
      @supervisor.name = "hubrelay"
    end

    def supervise
      until synchronize { over? }
        begin
          supervise_once
        rescue StandardError => e
          recover(e)
        end
      end
      synchronize { [@supervisor_wake, @leader_wake].each(&:close) }
    end

    def supervise_once
      reads, writes, seconds = synchronize { prepare }
      readable, writable, = IO.select(reads, writes, nil, seconds)
      synchronize { take(readable || [], writable || []) }
      while (link = synchronize { @to_open.shift })
        connect(link)
      end
      synchronize { @core.news.shift(@core.news.size) }.each { |severity, text| @log.add(severity, text) }
    end

    # What cannot happen has happened: the client's connections end, and it goes on with new ones.
    def recover(error)
      @log.failure("the client's thread has failed: #{error.full_message(highlight: false)}")
      why = "the client has failed: #{error.class}: #{error.message}"
      synchronize do
        [@core.opening, *@core.links].compact.each { |link| @core.ended(link, why, failed: true) }
        perform
      end
    rescue StandardError => e
      @log.failure("the client's thread has failed again: #{e.full_message(highlight: false)}")
    ensure
      sleep(RECOVERY)
    end

    def over?
      @core.closed? && @sockets.empty? && @retired.empty? && @leader.nil?
    end

    # What the supervisor waits for: sockets to read, sockets to write, seconds.
    def prepare
      now = Clock.now
      close_retired
      promote if @leader.nil?
      @watches_all = @leader.nil? && (fibers_wait? || now >= @last_lead + GRACE)
      left_alone = @leader ? @led_link : @core.link
      links = @sockets.keys.select { |link| link.reading && (@watches_all || !link.equal?(left_alone)) }
      @sleeps_until = [@core.timers.deadline, look_again_at(now)].compact.min || Float::INFINITY
      @changed = false
      [[@supervisor_wake.io, *@sockets.values_at(*links)], @sockets.values_at(*@blocked.keys),
       (@sleeps_until - now).clamp(0, 3600)]
    end

    # When to see whether anybody leads; nil: who leads now has done so for long, and says when that ends. Those who
    # lead for moments need not say it each time.
    def look_again_at(now)
      return if @watches_all
      return @last_lead + GRACE unless @leader

      now + GRACE if now - @last_lead < 1
    end

    # Does what has become possible, and what is due.
    def take(readable, writable)
      @supervisor_wake.clear
      links = @sockets.invert
      readable.each { |socket| read(links[socket]) if links.key?(socket) && !led?(links[socket]) }
      writable.each { |socket| @blocked.delete(links[socket]) }
      now = Clock.now
      tick(now) if @core.timers.deadline && @core.timers.deadline <= now
      perform
    end

    # A thread has begun to lead while the supervisor waited. What is there is its to read: it may be the Reply that it
    # waits for at the socket.
    def led?(link)
      @leader && link.equal?(@led_link)
    end

    def tick(now)
      silent = @core.give_up_candidate(now)
      read(silent) if silent
      @core.tick(now)
    end

    # Closes the sockets that have ended. Nobody waits for them but perhaps the leader.
    def close_retired
      kept, ended = @retired.partition { |socket| @leader && @led_ios.include?(socket) }
      @retired = kept
      ended.each { |socket| close_quietly(socket) }
    end

    def close_quietly(socket)
      socket.close
    rescue StandardError
      nil # a connector may give what it likes
    end

    # Sockets

    def perform_action(action, link)
      @changed = true
      case action
      when :open then @to_open << link
      when :close then close(link)
      when :check
        socket = @sockets[link]
        read_to_end(link, "the relay closed the connection", failed: false) if socket && Sockets.hung_up?(socket)
      end
    end

    # Without the lock, which a connector of the application's might hold for long.
    def connect(link)
      socket = @connector.call(@path) unless link.ended?
    rescue StandardError => e
      synchronize do
        @core.failed(link, Sockets.text_of(e))
        perform
      end
    else
      synchronize { connected(link, socket) } if socket
    end

    def connected(link, socket)
      return close_quietly(socket) if link.ended? # closed meanwhile

      @sockets[link] = socket
      @core.opened(link)
      perform
    end

    # Ends the connection now, and closes the socket when nobody waits for it.
    def close(link)
      @blocked.delete(link)
      socket = @sockets.delete(link) or return
      @retired << socket
      socket.shutdown
    rescue StandardError
      nil # the other side is gone
    end

    def read(link)
      socket = @sockets[link] or return
      data = socket.read_nonblock(READ_BYTES, @buffer, exception: false)
      if data.nil?
        @core.ended(link, "the relay closed the connection")
      elsif data != :wait_readable
        @core.received(link, data)
      end
    rescue StandardError => e # whatever it is: this connection ends, and the client goes on
      @core.ended(link, failure(e), failed: true)
    end

    # What the relay said before it closed counts.
    def read_to_end(link, why, failed:)
      socket = @sockets[link]
      while socket && !link.ended?
        data = socket.read_nonblock(READ_BYTES, @buffer, exception: false)
        break unless data.is_a?(String)

        @core.received(link, data)
      end
      @core.ended(link, why, failed:)
    rescue StandardError
      @core.ended(link, why, failed: true)
    end

    def write(link, socket)
      outbox = link.outbox
      until outbox.empty? || @blocked.key?(link)
        count = socket.write_nonblock(outbox.to_write, exception: false)
        if count == :wait_writable
          @blocked[link] = @changed = true
        else
          outbox.wrote(count)
          @core.wrote
        end
      end
      shut(link, socket) if link.shut_when_written && !link.shut && outbox.empty?
    rescue StandardError => e
      read_to_end(link, failure(e), failed: true)
    end

    def failure(error)
      "the connection has failed: #{"#{error.class}: " unless error.is_a?(SystemCallError)}#{Sockets.text_of(error)}"
    end

    def shut(link, socket)
      link.shut = true
      socket.close_write
      @core.wrote
    end
  end
  private_constant :Reactor
end
