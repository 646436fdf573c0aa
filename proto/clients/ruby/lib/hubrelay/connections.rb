# frozen_string_literal: true

require_relative "link"
require_relative "move"
require_relative "telling"

module Hubrelay
  # The part of Core that manages the connections: attempts, Welcome, STOPPING, leaving, and the one way in which each
  # connection ends.
  # @api private
  module Connections
    # The Links: the one with the newest Welcome; the one without a Welcome yet; the one whose relay is stopping, which
    # still serves during a move, and is then read to its end.
    attr_reader :link, :opening, :old

    # Seconds between two checks whether the relay has closed a connection that is left unread.
    UNREAD_PERIOD = 1.0

    # The connection whose answers count.
    def serving
      @move ? @move.old : @link
    end

    # During a move, the connection that comes next.
    def next_serving
      @move&.new
    end

    # The connections that have sent a Welcome.
    def links
      [@link, @old].compact
    end

    # The move has ended. If messages may have been missed, `reason` says why.
    def moved(reason)
      move = @move
      @move = nil
      return unless move

      gaps.note(reason) if reason && names.holds_any?
      leave(move.old) unless move.old.ended?
      follow(move.new)
      reconcile
      gaps.await(move.new.unanswered_subscribes)
      consider_gap
    end

    # Makes the serving connection hold the wanted names, and no others.
    def reconcile
      subscribing.reconcile(@link) if @link&.writable? && @move.nil?
    end

    # A restore, or a part of it, has been answered.
    def restored(link)
      # What this means at the end of a connection is decided elsewhere.
      return if link.ended? || !link.restoring.empty? || !link.equal?(@link)

      tell_status(@status_to_tell) if @status_to_tell
      @move&.consider
    end

    private

    # Attempts

    def attempt
      timers.cancel(:attempt)
      return if @opening || closing?

      @opening = Link.new(names.channels, method(:deliver)) { |link, frame| take_frame(link, frame) }
      actions << [:open, @opening]
    end

    def take_first_frame(link, frame)
      case frame
      when Wire::Welcome
        frame = frame.with(status: Status.new) unless frame.status
        refusal = reason_to_refuse(frame)
        refusal ? finish(link, refusal) : take_welcome(link, frame)
      when Wire::Failure
        hopeless = %i[version not_allowed].include?(frame.code)
        finish(link, "#{frame.code}: #{frame.detail}".delete_suffix(": "), hopeless:)
      else
        finish(link, "the relay's first frame is not Welcome")
      end
    end

    # Why the client does not stay with this relay; nil if it does.
    def reason_to_refuse(welcome)
      former = @link || @old
      if welcome.status.state == :stopping || former&.welcome&.relay_id == welcome.relay_id
        "the relay is stopping"
      elsif welcome.version > 1
        "the relay speaks version #{welcome.version}, which this client does not"
      end
    end

    def take_welcome(link, welcome)
      link.welcomed(welcome)
      @opening = nil
      @why = nil
      @features = welcome.features
      %i[handshake successor first].each { |name| timers.cancel(name) }
      timers.set(:watch, @watch.period)
      counters.reconnects += 1 if @was_connected
      @was_connected = true
      log(:info, "connected to relay #{welcome.relay_id}, version #{welcome.relay_version}")
      serve_from_now(link, welcome.status)
      @ready_waiters.shift.resolve until @ready_waiters.empty?
    end

    def serve_from_now(link, status)
      former = @link
      @link = link
      link.status = status
      @old_gaps_seen = @gaps_seen
      @gaps_seen = status.gaps
      begin_move(former, link) if former
      subscribing.restore(link, names)
      @move.begin if @move && names.holds_any?
      new_status(link, status)
      if @move.nil?
        follow(link)
      elsif names.holds_any?
        @move.consider
      else
        @move.give_up(nil) # there are no subscriptions, so no messages to move
      end
    end

    def begin_move(former, link)
      finish(@old, "another relay is stopping") if @old
      @old = former
      @move = Move.new(self, former, link)
      read_on(former)
    end

    def attempt_failed(why, hopeless: false)
      is_news = @why != why
      @why = why
      log(:warn, "cannot connect to a relay: #{why}") if is_news
      if @link.nil?
        publishing.reason = "no connection to a relay: #{why}"
        if !closing? && ((hopeless && is_news) || !@told)
          tell_status(Telling.no_relay(why))
        else
          @status = Telling.no_relay(why)
        end
        timers.cancel(:first)
        release_publishes
      end
      timers.set(:attempt, @backoff.next_delay(hopeless:)) unless closing?
    end

    # Moving and leaving

    # From now on publishes go to this connection, once the former one has answered what it owes.
    def follow(link)
      publishing.link = link
      publishing.held = !@old.nil?
      timers.set(:publishes, options.successor) if @old
      started
      pump
    end

    def relay_is_stopping(link)
      link.stopping = true
      @backoff.ended(Clock.now - link.welcomed_at)
      return if closing?

      timers.set(:successor, options.successor)
      attempt
    end

    # Writes no more to this connection, and reads it to its end.
    def leave(link)
      finish(@old, "another relay is stopping") if @old && !@old.equal?(link)
      @old = link
      link.message_handler = Move::DISCARD
      settle_and_shut(link)
      timers.set(:drain, options.drain)
    end

    def settle_and_shut(link)
      timers.cancel(:watch) if link.equal?(@link) # no Pings after the shutdown
      link.settle_sends if link.unsettled.positive? && link.feature?("settled") && link.writable?
      link.shut_when_written = true
      read_on(link)
    end

    def read_on(link)
      return if link.reading

      link.reading = true
      actions << [:reading, link]
    end

    # The end of a connection

    # The one way in which a connection ends.
    def finish(link, why, hopeless: false)
      return if link.ended?

      actions << [:close, link]
      return finish_attempt(link, why, hopeless) if link.equal?(@opening)

      is_settled = link.shut && link.at_its_end && !link.owed? # everything that it owed has arrived
      unknown, unsent = link.finish
      unsent += fail_waiting(why) if link.equal?(@link) && @move.nil?
      tell_own_loss(unsent, is_settled ? 0 : unknown)
      if link.equal?(@link)
        @move ? next_ended(@move, why) : link_ended(link, why)
      elsif link.equal?(@old)
        old_ended
      end
    end

    def finish_attempt(link, why, hopeless)
      @opening = nil
      link.finish
      timers.cancel(:handshake)
      attempt_failed(why, hopeless:)
    end

    def old_ended
      @old = nil
      timers.cancel(:drain)
      @move&.give_up(Move::INEXACT)
      release_publishes
      return if closing?

      reconcile # asks the new connection for what the old one has not answered
      consider_gap
    end

    # The waiting publishes have no connection any more. Returns how many posts are lost by that.
    def fail_waiting(why)
      publishing.link = nil
      publishing.reason = "no connection to a relay: #{why}"
      publishing.held = false
      publishing.pump
    end

    # The next connection has ended during a move: the former one continues, its Status counts again, and another
    # attempt is made.
    def next_ended(move, why)
      move.abandon
      @move = nil
      @link = move.old
      @old = nil
      @gaps_seen = @old_gaps_seen
      attempt_failed(why)
      timers.set(:successor, options.successor)
      @status_to_tell = nil
      gaps.receiving(@link.status.receiving, @link.unanswered_subscribes)
      tell_status(@link.status) unless @status.equal?(@link.status)
      consider_gap
    end

    def link_ended(link, why)
      @link = nil
      timers.cancel(:watch)
      timers.cancel(:successor)
      @backoff.ended(Clock.now - link.welcomed_at)
      without_relay(why)
      attempt_failed(why) unless closing? || @opening
    end

    def without_relay(why)
      lost = fail_waiting(why)
      @status_to_tell = nil
      gaps.receiving(false, [])
      gaps.note("the connection to the relay was lost") if names.holds_any?
      @why = why
      if closing?
        @status = Telling.no_relay(why) # the application has closed the client itself
      else
        log(:warn, "not connected to a relay: #{why}")
        tell_status(Telling.no_relay(why))
      end
      tell_own_loss(lost, 0)
      release_publishes
    end

    def release_publishes
      timers.cancel(:publishes)
      publishing.held = false
      started
      pump
    end

    # The first attempt to connect has ended.
    def started
      return unless starting?

      @starting = false
      subscribing.started
    end

    def pump
      tell_own_loss(publishing.pump, 0)
    end

    def new_status(link, status)
      gaps.receiving(status.receiving, link.unanswered_subscribes)
      if status.state == :up && !link.restoring.empty?
        @status_to_tell = status
      else
        tell_status(status)
      end
      consider_gap
    end
  end
  private_constant :Connections
end
