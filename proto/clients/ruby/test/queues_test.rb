# frozen_string_literal: true

require_relative "helper"

class EventQueueTest < Minitest::Test
  include Internals

  def setup
    @counters = Hubrelay::Counters.new
  end

  def queue(limit: 1000, total: 10_000)
    EventQueue.new(limit, total, @counters)
  end

  def said(payload, channel: "c", pattern: nil)
    Hubrelay::Message.new(channel, payload, pattern)
  end

  def drain(queue)
    events = []
    while (event = queue.take)
      events << event
    end
    events
  end

  def test_what_does_not_fit_is_a_loss_in_its_place_and_a_gap
    queue = queue()
    assert queue.put_message(said("x" * 800))
    3.times { refute queue.put_message(said("y" * 800)) }
    assert_equal "x" * 800, queue.take.payload
    assert queue.put_message(said("z"))
    loss, gap, behind = drain(queue)
    assert_equal [3, :slow_reader, true], [loss.messages, loss.cause, loss.local]
    assert_kind_of Hubrelay::Gap, gap
    assert_equal "z", behind.payload
    assert_equal [0, 0, 3], [queue.bytes, @counters.queued_bytes, @counters.lost_messages]
  end

  def test_a_loss_behind_the_last_message_is_told_too
    queue = queue()
    queue.put_message(said("x" * 2000))
    queue.put_message(said("y"))
    assert_equal [Hubrelay::Message, Hubrelay::Loss, Hubrelay::Gap], drain(queue).map(&:class)
  end

  def test_an_empty_queue_takes_any_one_message
    assert queue(limit: 10).put_message(said("x" * 100_000))
  end

  def test_all_queues_together_are_bounded
    first = queue(total: 1500)
    second = queue(total: 1500)
    assert first.put_message(said("x" * 800))
    assert second.put_message(said("x" * 100))
    refute second.put_message(said("x" * 800))
    assert_predicate first, :full? if @counters.queued_bytes >= 1500
    first.clear
    assert_operator @counters.queued_bytes, :<, 500
  end

  def test_losses_of_one_kind_with_nothing_between_are_merged
    queue = queue()
    2.times { queue.put(Hubrelay::Loss.new(publishes: 2, cause: :refused)) }
    queue.put(Hubrelay::Loss.new(publishes: 1, cause: :invalid))
    assert_equal [4, 1], drain(queue).map(&:publishes)
  end

  def test_of_status_and_gap_the_newest_are_kept_and_losses_all
    queue = queue()
    queue.put(Hubrelay::Loss.new(messages: 7))
    queue.put(Hubrelay::Revoked.new(channels: ["a"]))
    (EventQueue::MAX_NOTICES + 10).times { |number| queue.put(Hubrelay::Status.new(gaps: number)) }
    events = drain(queue)
    assert_equal EventQueue::MAX_NOTICES, events.size
    assert_equal [Hubrelay::Loss, Hubrelay::Revoked], events.first(2).map(&:class)
    assert_equal EventQueue::MAX_NOTICES + 9, events.last.gaps
    assert_equal 0, queue.bytes
  end

  def test_messages_of_names_are_forgotten
    queue = queue()
    [said("1", channel: "a"), said("2", channel: "b"), said("3", channel: "a", pattern: "a*"),
     said("4", channel: "a", pattern: "?")].each { |each| queue.put_message(each) }
    queue.remove_messages(["a"], ["a*"])
    assert_equal %w[2 4], drain(queue).map(&:payload)
    assert_equal 0, @counters.queued_bytes
  end

  def test_one_of_those_who_wait_is_woken_for_each_event_and_all_at_the_end
    queue = queue()
    waiters = Array.new(3) { Waiter.new.tap { |waiter| queue.waiters << waiter } }
    queue.put_message(said("1"))
    assert_equal [true, false, false], waiters.map(&:done?)
    queue.give_up(waiters[0]) # it was woken for an event that it does not take
    assert_equal [true, true, false], waiters.map(&:done?)
    queue.finish
    assert waiters.all?(&:done?)
  end
end
