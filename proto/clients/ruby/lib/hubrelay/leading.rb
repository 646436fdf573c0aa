# frozen_string_literal: true

require_relative "signals"
require_relative "timers"

module Hubrelay
  # The part of Reactor that knows which callers wait, and which of them reads.
  #
  # A thread that has to wait becomes the *leader* if there is none: it reads the connection for all waiting threads. So
  # the thread that has published reads its own Reply, and no other thread has to wake up for that. The others stand by.
  # Fibers of a scheduler never lead, since they could not be woken from a wait for a socket. The supervisor reads for
  # them, and wakes them in batches.
  # @api private
  module Leading
    # For this long after the last leader the supervisor does not read the socket: the next caller may come soon, and
    # should not have to take it over from the supervisor. Seconds.
    GRACE = 0.05
    # When more waiters than this stand by, those that are done are removed. The limit grows to twice the number of
    # those that are left.
    MIN_SWEEP = 64

    # Decides how the waiter waits: it leads or stands by. With the lock held.
    def take_role(waiter)
      return if waiter.done? || @leader.equal?(waiter)

      if Fiber.current_scheduler
        stand_by(@fibers, waiter)
        wake_supervisor unless @leader || @watches_all
      elsif @leader || !leadable?
        stand_by(@standing, waiter)
      else
        become_leader(waiter)
      end
    end

    # Waits in the waiter's role until it is done. False at the deadline, but only after at least one read or wait.
    def attend(waiter, deadline)
      until waiter.done?
        if @leader.equal?(waiter)
          lead(waiter, deadline)
        else
          waiter.gate.wait(deadline && [0, deadline - Clock.now].max)
          synchronize { take_role(waiter) } unless waiter.done?
        end
        return waiter.done? if deadline && Clock.now >= deadline
      end
      true
    end

    # The waiter no longer waits, for whatever reason. Of the waiters that are done, only the leader has to resign here:
    # the others are skipped when the next leader is chosen.
    def leave(waiter)
      return if waiter.gate.nil? || (waiter.done? && !@leader.equal?(waiter))

      synchronize do
        @fibers.delete(waiter)
        was_woken = @standing.delete(waiter)
        if @leader.equal?(waiter)
          resign
        elsif was_woken && @leader.nil?
          promote # perhaps it was woken to lead
        end
      end
    end

    private

    def stand_by(group, waiter)
      waiter.gate = Gate.new unless waiter.gate.is_a?(Gate)
      group[waiter] = true
      return if group.size <= @sweep_above

      group.delete_if { |each, _| each.done? }
      @sweep_above = [MIN_SWEEP, 2 * group.size].max
    end

    # There is a connection that a thread may read for all waiters.
    def leadable?
      link = @core.link
      !link.nil? && link.reading && @sockets.key?(link)
    end

    def become_leader(waiter)
      @standing.delete(waiter) if waiter.gate
      @leader = waiter
      @led_ios = [@sockets[@core.link], @leader_wake.io] unless @led_link.equal?(@core.link)
      @led_link = @core.link
      waiter.gate = @leader_wake
      wake_supervisor if @watches_all
    end

    # Reads for all waiters: one step.
    def lead(waiter, deadline)
      seconds = deadline && [0, deadline - Clock.now].max
      is_readable = await_input(waiter, seconds)
      synchronize do
        waiter.gate = nil # nobody has to be woken if it is settled now
        read(@led_link) if is_readable
        @leader_wake.clear
        perform unless idle?
        if waiter.done?
          resign
        elsif !@led_link.equal?(@core.link) || !@led_link.reading
          resign
          take_role(waiter)
        else
          waiter.gate = @leader_wake
        end
      end
    end

    def await_input(waiter, seconds)
      waiter.link.equal?(@led_link) ? await_reply(seconds) : await_anything(seconds)
    rescue IOError, SystemCallError
      true # the socket is broken; the next read will report it
    end

    # A publish that was written to the led link is settled by a read there, or by the end of the link. Only the
    # supervisor may also read there, before it gives up a relay that hangs. So the leader checks once a second.
    def await_reply(seconds)
      @led_ios[0].wait_readable(seconds && seconds < 1 ? seconds : 1)
    end

    # Any other request may be settled by another thread, which then signals.
    def await_anything(seconds)
      ready, = IO.select(@led_ios, nil, nil, seconds)
      ready&.include?(@led_ios[0])
    end

    # The leader stops. Another waiter takes its place, or the supervisor does after a while.
    def resign
      @leader = nil
      @last_lead = @led_link.last_read
      is_left = promote && @sleeps_until <= @last_lead + (2 * GRACE)
      wake_supervisor unless is_left && @retired.empty?
    end

    # Wakes a waiter that stands by, so that it leads. False if the supervisor has to read at once.
    def promote
      waiter, = @standing.first
      while waiter&.done?
        @standing.delete(waiter)
        waiter, = @standing.first
      end
      return !fibers_wait? if waiter.nil?

      waiter.gate.signal if leadable?
      true
    end

    # A fiber waits for something that the supervisor has to read.
    def fibers_wait?
      @fibers.delete_if { |waiter, _| waiter.done? } unless @fibers.empty?
      !@fibers.empty?
    end
  end
  private_constant :Leading
end
