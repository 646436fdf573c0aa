# frozen_string_literal: true

require_relative "signals"
require_relative "timers"

module Hubrelay
  # The part of Reactor that knows who waits, and who of them reads.
  #
  # A thread that waits for something becomes the *leader* if there is none: it reads the connection for all that wait,
  # so the thread that has published reads its own Reply, and no other thread has to wake up for that. The others stand
  # by. Fibers of a scheduler never lead, since they could not be woken from a wait for a socket: the supervisor reads
  # for them, and wakes them by batches.
  # @api private
  module Leading
    # So long after the last leader the supervisor leaves the socket alone: perhaps the next caller comes soon, and
    # should not have to take it from the supervisor. Seconds.
    GRACE = 0.05
    # So many waiters may stand by before those that are done are looked for. It doubles with those that are not.
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

    # Waits until it is done, in the role that it has. False at the deadline, after one look at least.
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

    # The waiter waits no more, for whatever reason. Of those that are done, only the leader has something to leave: the
    # others are passed over by whoever looks for the next leader.
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

    # There is a connection that a thread may read for all.
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

    # Reads for all who wait: one step.
    def lead(waiter, deadline)
      seconds = deadline && [0, deadline - Clock.now].max
      is_readable = await_input(waiter, seconds)
      synchronize do
        waiter.gate = nil # nobody is to be woken when it is settled now
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
      true # the socket is broken, which reading it says
    end

    # A publish that was written to the link that it leads is settled by what is read there, or by the link's end. Only
    # the supervisor may read there, too, before it gives up a relay that hangs: so it looks once a second.
    def await_reply(seconds)
      @led_ios[0].wait_readable(seconds && seconds < 1 ? seconds : 1)
    end

    # Anything else may be settled by another thread, which signals.
    def await_anything(seconds)
      ready, = IO.select(@led_ios, nil, nil, seconds)
      ready&.include?(@led_ios[0])
    end

    # The leader waits no more: another one takes its place, or the supervisor does after a while.
    def resign
      @leader = nil
      @last_lead = @led_link.last_read
      is_left = promote && @sleeps_until <= @last_lead + (2 * GRACE)
      wake_supervisor unless is_left && @retired.empty?
    end

    # Wakes one who stands by, to lead. False if the supervisor has to read at once.
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

    # Some fiber waits for what the supervisor has to read.
    def fibers_wait?
      @fibers.delete_if { |waiter, _| waiter.done? } unless @fibers.empty?
      !@fibers.empty?
    end
  end
  private_constant :Leading
end
