# frozen_string_literal: true

require_relative "helper"
require "logger"
require "stringio"

# Those who take events: threads that are ended, clients that are not started, hooks.
class TakingTest < Minitest::Test
  include Helpers

  def await_lock(thread)
    eventually("a thread that waits for the lock") { thread.backtrace&.first&.end_with?("`lock'") }
  end

  # Runs the block in a thread, and ends that while it waits for the lock of the client.
  def end_in_the_middle(client, how)
    may_go = Thread::Queue.new
    thread = Thread.new do
      may_go.pop
      yield
    end
    thread.report_on_exception = false
    client.reactor.synchronize do
      may_go << true
      await_lock(thread)
      how == :kill ? thread.kill : thread.raise(Interrupt)
    end
    begin
      thread.join(PATIENCE)
    rescue Interrupt
      nil
    end
    refute_predicate thread, :alive?
  end

  def test_a_thread_that_is_ended_leaves_no_leader_behind
    %i[kill raise].each do |how|
      with_client do |_, client|
        subscription = client.listen("room")
        end_in_the_middle(client, how) { subscription.pop }
        next_event(client.events, Hubrelay::Status)
        end_in_the_middle(client, how) { client.events.to_a }
        assert_nil client.reactor.instance_variable_get(:@leader)
        assert_empty subscription.instance_variable_get(:@queue).waiters
        assert_equal 1, client.publish("room", "x", timeout: PATIENCE)
      end
    end
  end

  # Two wait, one is woken for the message and ended before it takes it: the other one gets it.
  def test_a_message_for_which_an_ended_thread_was_woken_goes_to_another_one
    with_client do |_, client|
      subscription = client.listen("room")
      taken = Thread::Queue.new
      queue = subscription.instance_variable_get(:@queue)
      takers = Array.new(2) do |others|
        Thread.new { taken << subscription.pop }.tap { eventually("one that waits") { queue.waiters.size > others } }
      end
      client.reactor.synchronize do
        queue.put(Hubrelay::Gap.new)
        await_lock(takers[0])
        takers[0].kill
      end
      assert_kind_of Hubrelay::Gap, Timeout.timeout(PATIENCE) { taken.pop }
      takers.each(&:kill).each(&:join)
    end
  end

  def test_taking_events_starts_the_client
    Hubrelay::Testing::FakeRelay.open do |relay|
      client = relay.client
      assert_predicate client.events.pop(timeout: PATIENCE), :up?
      other = relay.client
      assert_predicate Thread.new { other.events.first }.value, :up?
      unused = relay.client
      unused.close
      assert_nil unused.events.pop
    end
  end

  def test_a_wrong_timeout_is_found_before_anything_is_sent
    with_client do |relay, client|
      subscription = client.listen("room")
      assert_raises(TypeError) { client.publish("room", "x", timeout: "1") }
      assert_raises(ArgumentError) { client.publish("room", "x", timeout: Float::NAN) }
      assert_raises(TypeError) { client.close(drain: "1") }
      assert_raises(TypeError) { subscription.pop(timeout: :long) }
      refute_predicate client, :closed?
      assert_equal 1, client.publish("room", "y", timeout: Float::INFINITY)
      assert_equal ["y"], relay.published.map(&:payload)
    end
  end

  # Says what is taken, by which thread.
  class Tracing < Hubrelay::Hooks
    attr_reader :calls

    def initialize
      super
      @calls = Thread::Queue.new
    end

    def before_delivery(message)
      @calls << [Thread.current, :before, message.payload]
    end

    def after_delivery(message)
      @calls << [Thread.current, :after, message.payload]
    end
  end

  def test_hooks_of_several_takers_are_each_ones_own
    hooks = Tracing.new
    with_client(hooks:) do |relay, client|
      subscription = client.listen("room")
      go_on = Thread::Queue.new
      takers = Array.new(2) { Thread.new { subscription.each { go_on.pop } } }
      2.times { |number| relay.publish("room", number.to_s) }
      eventually("two messages") { hooks.calls.size == 2 }
      2.times { go_on << true }
      eventually("two ends") { hooks.calls.size == 4 }
      calls = Array.new(4) { hooks.calls.pop }
      takers.each do |taker|
        before, after = calls.select { |call| call[0] == taker }.map { |call| call.drop(1) }
        assert_equal [[:before, before[1]], [:after, before[1]]], [before, after]
      end
      subscription.close
      takers.each(&:join)
    end
  end

  # All of its hooks raise.
  class Failing < Hubrelay::Hooks
    %i[before_publish after_publish before_delivery after_delivery].each do |name|
      define_method(name) { |*| raise "#{name} is broken" }
    end
  end

  def test_hooks_that_raise_are_logged_and_lose_nothing
    output = StringIO.new
    with_client(hooks: Failing.new, logger: Logger.new(output)) do |_, client|
      client.listen("room") do |subscription|
        assert_equal 1, client.publish("room", "x")
        assert_nil client.post("room", "y")
        assert_equal %w[x y], subscription.first(2).map(&:payload)
      end
      assert_raises(Hubrelay::InvalidError) { client.publish("", "x") }
    end
    Failing.instance_methods(false).each { |name| assert_includes output.string, "#{name} is broken" }
    _, errors = capture_io { with_client(hooks: Failing.new) { |_, client| client.publish("room", "x") } }
    assert_match(/a hook has failed: RuntimeError: before_publish is broken/, errors)
  end
end
