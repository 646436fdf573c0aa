# frozen_string_literal: true

require_relative "helper"

begin
  require "async"
rescue LoadError
  warn "fibers are not tested: there is no gem `async`"
end

# The same client with fibers of a scheduler: what waits lets other fibers run.
class FibersTest < Minitest::Test
  include Helpers

  def in_reactor(&)
    skip "there is no gem async" unless defined?(Async)
    Timeout.timeout(PATIENCE) { Thread.new { Async(&).wait }.value }
  end

  def test_many_fibers_publish_at_a_time
    with_client do |relay, client|
      results = in_reactor do |task|
        Array.new(50) { |number| task.async { client.publish("room", number.to_s) } }.map(&:wait)
      end
      assert_equal [0] * 50, results
      assert_equal (0...50).map(&:to_s), relay.published.map(&:payload).sort_by(&:to_i)
    end
  end

  def test_a_fiber_that_listens_lets_others_run
    with_client do |relay, client|
      in_reactor do |task|
        subscription = client.listen("room")
        listening = task.async { subscription.first(3).map(&:payload) }
        ticks = 0
        ticking = task.async do |ticker|
          3.times do
            ticker.sleep(0.001)
            ticks += 1
          end
        end
        3.times { |number| client.publish("room", number.to_s) }
        assert_equal %w[0 1 2], listening.wait
        ticking.wait
        assert_equal 3, ticks
        subscription.close
      end
      assert_equal 3, relay.published.size
    end
  end

  def test_a_fiber_is_woken_when_another_one_closes_its_subscription
    with_client do |_, client|
      ended = in_reactor do |task|
        subscription = client.listen("room")
        listening = task.async { subscription.to_a && :ended }
        task.async { subscription.close }
        listening.wait
      end
      assert_equal :ended, ended
    end
  end

  def test_a_fiber_may_be_stopped_and_may_have_a_timeout
    with_client do |relay, client|
      in_reactor do |task|
        subscription = client.listen("room")
        listening = task.async { subscription.pop }
        listening.stop
        assert_nil subscription.pop(timeout: 0.01)
        assert_raises(Async::TimeoutError) { task.with_timeout(0.01) { subscription.pop } }
        relay.publish("room", "x")
        assert_equal "x", subscription.pop(timeout: PATIENCE).payload
      end
    end
  end

  def test_fibers_and_threads_share_a_client
    with_client do |relay, client|
      threads = Array.new(4) { Thread.new { 50.times { client.publish("room", "thread") } } }
      in_reactor do |task|
        Array.new(4) { task.async { 50.times { client.publish("room", "fiber") } } }.each(&:wait)
      end
      threads.each(&:join)
      assert_equal({ "thread" => 200, "fiber" => 200 }, relay.published.map(&:payload).tally)
    end
  end
end
