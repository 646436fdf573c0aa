# frozen_string_literal: true

require_relative "codec"
require_relative "core"
require_relative "leading"
require_relative "signals"
require_relative "sockets"
require_relative "waiter"

module Hubrelay
  # The sockets around a Core, the lock, and the threads that read.
  #
  # One of the waiting threads reads for all of them; Leading describes how. The client's own thread, the *supervisor*,
  # does the rest: timers, new connections, connections that are drained, and the reading while no thread leads.
  #
  # Reads and writes do not block, and hold the lock. So it never matters which thread does them.
  # @api private
  class Reactor
    include Leading

    # This keeps Timeout, Thread#raise and Thread#kill from interrupting the Core.
    UNINTERRUPTED = { Object => :never }.freeze
    # Above this size malloc would map and unmap memory for each read.
    READ_BYTES = 64 * 1024
    # The pause after a failure of the client's own thread. Seconds.
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
      @blocked = {}.compare_by_identity # by Link: those whose socket accepts no bytes at present
      @retired = [] # sockets to close, once no thread waits for them
      @to_open = [] # Links that the supervisor has to connect
      @buffer = String.new(capacity: READ_BYTES)
      @leader = @led_link = @led_ios = nil
      @last_lead = 0.0
      @standing = {}.compare_by_identity # Waiters of threads that do not lead, in their order
      @fibers = {}.compare_by_identity # Waiters of fibers
      @sweep_above = MIN_SWEEP
      @supervisor = @supervisor_wake = @leader_wake = nil
      @watches_all = false # the supervisor also waits for the connection that a leader would read
      @sleeps_until = Float::INFINITY
      @changed = false # the supervisor has something to do
    end

    # Starts the client if needed, and starts its thread again if that was ended from outside. Called with the lock
    # held. Raises ClosedError.
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

    # Starts the client's thread again if it was ended from outside, and is still needed. Called with the lock held.
    def revive
      start_supervisor if @supervisor && !running? && !over?
    end

    def running?
      @supervisor&.alive?
    end

    # Runs the block without asynchronous exceptions: they come after the block.
    def uninterrupted(&)
      Thread.handle_interrupt(UNINTERRUPTED, &)
    end

    # Runs the block with the lock held, and without asynchronous exceptions.
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
      uninterrupted { leave(waiter) } # a leader that does not resign would leave all others waiting
    end

    # Performs the Core's actions, and writes. Called with the lock held.
    def perform
      actions = @core.actions
      perform_action(*actions.shift) until actions.empty?
      @sockets.each { |link, socket| write(link, socket) }
      return perform unless actions.empty?

      deadline = @core.timers.deadline
      @changed = true if (deadline && deadline < @sleeps_until) || !@core.news.empty?
      @supervisor_wake.signal if @changed && @supervisor
    end

    # There is nothing to perform, to write, to log or to check. Called with the lock held.
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

    # Called in the child of a fork: the sockets are the parent's. Closes the copies, and sends nothing.
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
      # A new thread inherits the interrupt mask of the thread that creates it, and could then not be ended together
      # with the process.
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

    # Something unexpected has failed: the client's connections end, and it continues with new ones.
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

    # When to check whether a thread leads. Nil if the supervisor watches all, or if the present leader has led for
    # long: it reports when it stops. Threads that lead only for moments need not report it each time.
    def look_again_at(now)
      return if @watches_all
      return @last_lead + GRACE unless @leader

      now + GRACE if now - @last_lead < 1
    end

    # Does what has become possible, and runs the timers that are due.
    def take(readable, writable)
      @supervisor_wake.clear
      links = @sockets.invert
      readable.each { |socket| read(links[socket]) if links.key?(socket) && !led?(links[socket]) }
      writable.each { |socket| @blocked.delete(links[socket]) }
      now = Clock.now
      tick(now) if @core.timers.deadline && @core.timers.deadline <= now
      perform
    end

    # A thread has begun to lead while the supervisor waited. That thread has to read the bytes on this link: they may
    # be the Reply that it waits for at the socket.
    def led?(link)
      @leader && link.equal?(@led_link)
    end

    def tick(now)
      silent = @core.give_up_candidate(now)
      read(silent) if silent
      @core.tick(now)
    end

    # Closes the sockets that have ended. At most the leader may still wait for one of them.
    def close_retired
      kept, ended = @retired.partition { |socket| @leader && @led_ios.include?(socket) }
      @retired = kept
      ended.each { |socket| close_quietly(socket) }
    end

    def close_quietly(socket)
      socket.close
    rescue StandardError
      nil # the object from the connector may raise anything
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

    # Runs without the lock, since an application's connector may take long.
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
      return close_quietly(socket) if link.ended? # it was closed meanwhile

      @sockets[link] = socket
      @core.opened(link)
      perform
    end

    # Ends the connection now. Its socket is closed when no thread waits for it any more.
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
    rescue StandardError => e # whatever has failed, only this connection ends, and the client continues
      @core.ended(link, failure(e), failed: true)
    end

    # Reads first what the relay sent before it closed the connection.
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
