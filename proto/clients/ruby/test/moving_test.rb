# frozen_string_literal: true

require_relative "helper"

# From a relay that is stopping to the next one. The test plays both.
class MovingTest < Minitest::Test
  include PlayedRelay

  # A Core that listens to "room" and whose relay is stopping: with its connection and the listener's queue.
  def stopping_core
    core, old = connected_core
    listener, = listen(core, "room")
    reply(core, old, written(old).grep(Wire::Subscribe).first)
    say(core, old, STOPPING)
    events(core.events)
    [core, old, listener.queue]
  end

  def answer_all(core, link)
    until (requests = written(link).reject { |frame| frame.is_a?(Wire::Hello) }).empty?
      requests.each { |request| reply(core, link, request) }
    end
  end

  def test_the_old_status_is_told_again_when_the_successor_ends_if_another_was_told_since
    [true, false].each do |is_told|
      core, old, queue = stopping_core
      new = welcome(core, relay_id: "B")
      answer_all(core, new) if is_told
      core.ended(new, "closed")
      assert_equal is_told ? %i[up stopping] : [], events(core.events).map(&:state)
      assert_equal STOPPING, core.status
      assert_same old, core.serving
      assert_nil core.timers.due_at(:gap)
      assert_empty events(queue)
    end
  end

  def test_a_successor_that_says_stopping_is_closed_and_the_old_one_goes_on
    core, old, queue = stopping_core
    new = welcome(core, relay_id: "B")
    say(core, new, STOPPING)
    assert_predicate new, :ended?
    assert_same old, core.serving
    refute old.shut_when_written
    assert_operator core.timers.due_at(:successor), :<=, Clock.now + 0.25
    deliver(core, old, "goes on")
    assert_equal ["goes on"], events(queue).map(&:payload)
    assert_empty events(core.events)
    fire(core, :attempt)
    assert_same welcome(core, relay_id: "C"), core.next_serving
  end

  def test_what_a_relay_that_was_left_has_not_answered_is_pending_and_asked_for_at_the_next_one
    core, old, queue = stopping_core
    waiter = subscribe(core, "late")
    core.subscribing.unsubscribe(["other"], [], ended = Waiter.new)
    written(old)
    fire(core, :successor)
    new = welcome(core, relay_id: "B")
    answer_all(core, new)
    fire(core, :gap)
    core.ended(old, "closed")
    assert_equal %i[pending ok], [waiter.value, ended.value]
    answer_all(core, new)
    fire(core, :gap)
    assert_equal [Hubrelay::Gap] * 2, events(queue).map(&:class)
  end

  # A Core that has listened to "room" and moves from one relay to another. Both have the fence, whose name is last.
  def moving_core
    core, old = connected_core
    listener, = listen(core, "room")
    reply(core, old, written(old).grep(Wire::Subscribe).first)
    say(core, old, STOPPING)
    new = welcome(core, relay_id: "B")
    restore, fence = written(new).grep(Wire::Subscribe)
    [restore, fence].each { |request| reply(core, new, request) }
    reply(core, old, written(old).grep(Wire::Subscribe).first)
    assert_equal fence.channels[0], written(new).grep(Wire::Publish).first.channel
    [core, old, new, listener, fence.channels[0]]
  end

  def deliver(core, link, payload, channel: "room")
    say(core, link, Wire::Delivery.new(channel:, payload:))
  end

  def test_a_move_by_a_fence_misses_and_doubles_nothing
    %i[old new].each do |first|
      core, old, new, listener, fence = moving_core
      (first == :old ? [old, new] : [new, old]).each do |link|
        deliver(core, link, "before")
        deliver(core, link, "", channel: fence)
        deliver(core, link, "behind")
      end
      assert_equal %w[before behind], events(listener.queue).map(&:payload)
      assert old.shut_when_written
      assert_same new, core.serving
      assert_nil core.timers.due_at(:gap)
    end
  end

  def test_a_move_whose_fence_does_not_come_is_a_gap_and_loses_nothing_behind_the_restore
    core, old, new, listener, = moving_core
    deliver(core, old, "1")
    deliver(core, new, "1")
    deliver(core, new, "2")
    fire(core, :fence)
    deliver(core, old, "2")
    deliver(core, new, "3")
    assert_equal %w[1 1 2 3], events(listener.queue).map(&:payload)
    refute_nil core.timers.due_at(:gap)
  end
end
