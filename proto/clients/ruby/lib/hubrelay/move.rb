# frozen_string_literal: true

require "securerandom"
require_relative "event_queue"
require_relative "link"

module Hubrelay
  # Moves from a relay that is stopping to the next one, so that no message is missed and none comes twice.
  #
  # Both connections subscribe to a channel of their own, the fence, and one message is published there. Redis sends its
  # messages to all subscribers in one order, so the fence has the same place on both connections. The former
  # connection's messages count before it, and the next one's after it. PROTOCOL.md has a diagram.
  # @api private
  class Move
    # The memory for the next connection's messages until the fence comes on the former one, in bytes.
    MAX_KEPT_BYTES = 4 << 20
    INEXACT = "moved to another relay"
    # The messages of a connection that was left do not count.
    DISCARD = ->(_name, _message) {}

    # The two Links; the name of the fence, or nil if there is none.
    attr_reader :old, :new, :fence

    # The move ends by `core.moved`, with the reason for a Gap, or nil if it was exact.
    def initialize(core, old, new)
      @core = core
      @old = old
      @new = new
      @fence = "__hubrelay:fence:#{SecureRandom.hex(8)}" if [old, new].all? { |link| link.feature?("fence") }
      @name = Name.new(@fence, pattern: false) if @fence
      @asked = false # whether the fence was asked for
      @in_force = 0 # on how many of the two connections the fence is in force
      @published = @counting = @over = @old_passed = @new_passed = false
      @kept = [] # [Name, Message], or [nil, Loss]
      @kept_bytes = 0
      old.message_handler = method(:take_from_old)
      new.message_handler = method(:take_from_new)
    end

    # Subscribes to the fence. The next connection has been asked for all names already.
    def begin
      return unless @fence

      @asked = true
      [@old, @new].each { |link| link.ask(Request.new { |reply| fence_answered(reply) }, 3, [@name]) }
    end

    # Continues if the next connection's Subscribes are in force.
    def consider
      return if @over || (@counting && @fence.nil?)
      return if !@new.restoring.empty? || (@new.pending && !@core.status.receiving)

      start_counting unless @counting
      publish_fence if @fence && @in_force == 2 && !@published
    end

    # The fence's message has come on this connection.
    def fence_came(link)
      if link.equal?(@old)
        @old_passed = true
      elsif link.equal?(@new)
        @new_passed = true
        forget_kept
      end
      finish(nil) if @old_passed && @new_passed
    end

    # The next connection reports dropped messages. That is reported in its place if those messages count.
    def loss_came(loss)
      keep(nil, loss, EventQueue::EVENT_BYTES) if @counting
    end

    # From now on the next connection's messages count, and so do those that it has sent since its last Reply.
    def give_up(reason)
      finish(reason)
    end

    # The next connection has ended, and the former one continues.
    def abandon
      @over = true
      @core.timers.cancel(:fence)
      @old.message_handler = @core.method(:deliver)
      # What the former connection sent after its fence was left for the next one to deliver.
      @core.gaps.note("the next relay ended while it took over") if @old_passed
      unsubscribe(@old)
    end

    private

    def start_counting
      @counting = true
      if @fence
        @core.timers.set(:fence, @core.options.successor)
      else
        give_up(INEXACT)
      end
    end

    def publish_fence
      @published = true
      request = Request.new { |reply| give_up(INEXACT) if reply && reply.outcome != :ok }
      @new.publish_request(request, @fence)
    end

    def fence_answered(reply)
      return if @over || reply.nil?

      if reply.outcome == :ok
        @in_force += 1
      else
        @fence = nil
      end
      consider
      give_up(INEXACT) if @fence.nil? && @counting
    end

    def finish(reason)
      return if @over

      @over = true
      @core.timers.cancel(:fence)
      @old.message_handler = DISCARD
      @new.message_handler = @core.method(:deliver)
      @kept.each { |name, event| name ? @core.deliver(name, event) : @core.tell_lost_messages(event) }
      @kept = []
      unsubscribe(@new)
      @core.moved(reason)
    end

    def unsubscribe(link)
      link.ask(Request.new, 4, [@name]) if @asked && !link.ended?
    end

    def take_from_old(name, message)
      @core.deliver(name, message) unless @old_passed
    end

    def take_from_new(name, message)
      return unless @counting

      keep(name, message, EventQueue.bytes_of(message))
      return if @kept_bytes <= MAX_KEPT_BYTES

      if @new_passed
        give_up("#{INEXACT}, and its messages were too many to keep")
      else # before the fence the former connection delivers these messages
        forget_kept
      end
    end

    def keep(name, event, bytes)
      @kept << [name, event]
      @kept_bytes += bytes
    end

    def forget_kept
      @kept = []
      @kept_bytes = 0
    end
  end
  private_constant :Move
end
