# frozen_string_literal: true

require_relative "helper"
require "logger"
require "stringio"
require "tmpdir"

# The client with threads, on a relay in memory.
class ClientTest < Minitest::Test
  include Helpers

  def test_a_message_makes_the_whole_way
    with_client do |relay, client|
      client.listen("room.7", patterns: ["user.*"]) do |subscription|
        assert_equal :ok, subscription.outcome
        assert_equal 1, client.publish("room.7", "é")
        relay.publish("user.1", "x")
        first, second = Array.new(2) { subscription.pop(timeout: PATIENCE) }
        assert_equal Hubrelay::Message.new("room.7", "é".b, nil), first
        assert_equal [Encoding::UTF_8, Encoding::BINARY], [first.channel.encoding, first.payload.encoding]
        assert_equal ["user.1", "user.*"], [second.channel, second.pattern]
      end
      assert_equal 0, client.publish("room.7", "nobody")
      assert_equal 2, client.counters.sent
    end
  end

  def test_each_ends_when_another_thread_closes
    with_client do |_, client|
      subscription = client.listen("room")
      reader = Thread.new { subscription.each.to_a }
      client.publish("room", "1")
      eventually("a thread that waits") { reader.stop? }
      subscription.close
      assert_operator reader.value.size, :<=, 1
      assert_predicate subscription, :closed?
      assert_nil subscription.pop
      subscription.close
    end
  end

  def test_a_subscription_is_enumerable
    with_client do |relay, client|
      subscription = client.listen("room")
      3.times { |number| relay.publish("room", number.to_s) }
      assert_equal %w[0 1], subscription.first(2).map(&:payload)
      assert_equal "2", subscription.lazy.map(&:payload).first
      assert_nil subscription.pop(timeout: 0)
    end
  end

  def test_many_threads_share_a_client
    with_client do |relay, client|
      subscription = client.listen("room")
      threads = Array.new(20) { |thread| Thread.new { 50.times { |n| client.publish("room", "#{thread} #{n}") } } }
      received = Array.new(1000) { next_event(subscription, Hubrelay::Message).payload.split.map(&:to_i) }
      threads.each(&:join)
      received.group_by(&:first).each_value { |of_one| assert_equal (0...50).to_a, of_one.map(&:last) }
      assert_equal 1000, relay.published.size
    end
  end

  # The first one leads and the second stands by for ever; the publishes that stand by behind it leave nothing behind.
  def test_publishes_behind_those_who_wait_for_ever_are_forgotten
    with_client do |_, client|
      listening = Array.new(2) { |number| Thread.new { client.listen("room.#{number}").to_a } }
      eventually("two threads that wait") { listening.all?(&:stop?) }
      500.times { client.publish("other", "x") }
      standing = client.reactor.instance_variable_get(:@standing)
      assert_operator standing.size, :<=, 70
      listening.each(&:kill).each(&:join)
    end
  end

  def test_each_failure_has_its_error
    with_client do |relay, client|
      relay.refuse("secret")
      assert_raises(Hubrelay::RefusedError) { client.publish("secret", "x") }
      error = assert_raises(Hubrelay::RefusedError) { client.listen("room", "secret") }
      assert_equal ["secret"], error.channels
      assert_raises(Hubrelay::InvalidError) { client.publish("__hubrelay:x", "x") }
      assert_raises(Hubrelay::InvalidError) { client.publish("\xFF", "x") }
      assert_raises(Hubrelay::InvalidError) { client.listen }
      relay.outage
      assert_raises(Hubrelay::NotConnectedError) { client.publish("room", "x") }
      assert_equal({ refused: 1, invalid: 2, not_connected: 1 }, client.counters.failed)
      client.close
      assert_raises(Hubrelay::ClosedError) { client.publish("room", "x") }
      assert_raises(Hubrelay::ClosedError) { client.connect }
      assert_predicate client, :closed?
      client.close
    end
  end

  def test_an_outage_is_a_status_and_a_gap
    with_client do |relay, client|
      client.listen("room") do |subscription|
        relay.outage("Redis is away")
        assert_equal :pending, client.subscribe("other")
        relay.recover
        gap = next_event(subscription, Hubrelay::Gap)
        assert_includes gap.reasons, "Redis is away"
        down = next_event(client.events, Hubrelay::Status) until down&.state == :down
        assert_equal [:closed, true], [down.cause, down.connected?]
      end
    end
  end

  def test_a_connection_that_ends_is_made_anew
    with_client do |relay, client|
      subscription = client.listen("room")
      relay.disconnect
      next_event(subscription, Hubrelay::Gap)
      eventually("a message") { relay.publish("room", "again") == 1 }
      assert_equal "again", next_event(subscription, Hubrelay::Message).payload
      assert_equal 1, client.counters.reconnects
    end
  end

  def test_a_revoked_name_ends_its_subscription
    with_client do |relay, client|
      subscription = client.listen("room", "other")
      relay.revoke("room")
      revoked = subscription.to_a.last
      assert_equal ["room"], revoked.channels
      assert_predicate subscription, :closed?
      eventually("an unsubscribe") { relay.publish("other", "x").zero? }
    end
  end

  def test_a_post_that_is_lost_is_told
    with_client do |relay, client|
      client.post("room", "x")
      client.ping(settled: true, timeout: PATIENCE)
      assert_equal ["x"], relay.published.map(&:payload)
      relay.refuse("room")
      client.post("room", "x")
      assert_equal [1, :refused], next_event(client.events, Hubrelay::Loss).to_h.values_at(:publishes, :cause)
    end
  end

  def test_plain_subscribes_come_in_events
    with_client do |relay, client|
      assert_equal :ok, client.subscribe("room")
      relay.publish("room", "x")
      assert_equal "x", next_event(client.events, Hubrelay::Message).payload
      assert_equal :ok, client.unsubscribe("room")
      assert_equal 0, relay.publish("room", "y")
    end
  end

  def test_without_a_relay_the_errors_say_why
    Dir.mktmpdir do |folder|
      path = File.join(folder, "relay.sock")
      client = Hubrelay::Client.new(path)
      error = assert_raises(Hubrelay::NotConnectedError) { client.publish("room", "x") }
      assert_match(/#{path}: No such file or directory/, error.message)
      error = assert_raises(Hubrelay::NotConnectedError) { client.ready(timeout: 0.01) }
      assert_match(/#{path}: No such file/, error.message)
      assert_equal [:no_relay, false], [client.status.cause, client.status.connected?]
      client.close
    end
    client = Hubrelay::Client.new("/#{'x' * 200}")
    assert_match(/too long/, assert_raises(Hubrelay::NotConnectedError) { client.publish("room", "x") }.message)
    client.close
  end

  def test_a_publish_has_a_timeout_of_its_own
    with_silent_relay do |client|
      assert_raises(Hubrelay::TimeoutError) { client.publish("room", "x", timeout: 0.01) }
      assert_raises(Hubrelay::CongestedError) { client.publish("room", "x", timeout: 0.01) }
      assert_raises(Hubrelay::CongestedError) { client.publish("room", "x", wait: false) }
      assert_raises(Hubrelay::TimeoutError) { client.listen("room", timeout: 0.01) }
    end
  end

  def test_a_caller_may_be_interrupted_by_any_exception
    with_silent_relay do |client, relay|
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { client.publish("room", "x") } }
      # The second one waits for room, and is withdrawn.
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { client.publish("room", "never sent") } }
      refute_predicate client.reactor.core.publishing, :waiting?
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { client.events.to_a } }
      waiting = Thread.new { client.publish("room", "x") }
      eventually("a thread that waits") { waiting.stop? }
      waiting.kill.join
      client.close(drain: 0)
      refute_includes relay.read, "never sent"
    end
  end

  # Timeouts hit at every place, again and again, and nothing breaks.
  def test_an_exception_anywhere_in_a_wait_leaves_the_gate_unlocked
    gate_class = Hubrelay.send(:const_get, :Gate)
    places = (1..).take_while do |place|
      gate = gate_class.new
      was_raised = raise_at_event(place) { gate.wait(0) }
      refute_predicate gate.instance_variable_get(:@mutex), :locked?, "after an exception at event #{place}"
      was_raised
    end
    assert_operator places.size, :>, 5
  end

  # Raises in the block, when Ruby has done so many steps there.
  def raise_at_event(place, &)
    thread = Thread.current
    events = 0
    trace = TracePoint.new(:line, :call, :return, :c_call, :c_return) do
      raise "event #{place}" if Thread.current == thread && (events += 1) == place
    end
    trace.enable(&)
    false
  rescue RuntimeError
    true
  end

  def test_a_storm_of_timeouts_breaks_nothing
    with_client do |_, client|
      threads = Array.new(4) do |seed|
        Thread.new do
          random = Random.new(seed)
          60.times do
            Timeout.timeout(random.rand(0.0001..0.002)) { 5.times { client.publish("room", "x") } }
          rescue Timeout::Error
            nil
          end
        end
      end
      threads.each(&:join)
      assert_equal 0, client.publish("room", "x", timeout: PATIENCE)
      client.ping(timeout: PATIENCE)
    end
  end

  def test_the_relay_in_memory_ends_though_others_connect_all_the_time
    Dir.mktmpdir do |folder|
      path = File.join(folder, "relay.sock")
      relay = Hubrelay::Testing::FakeRelay.new(path)
      sockets = []
      connecting = Thread.new { loop { sockets << UNIXSocket.new(path) } }
      connecting.report_on_exception = false
      eventually("connections") { sockets.size > 50 }
      assert Thread.new { relay.close }.join(PATIENCE), "it does not end"
      assert_raises(SystemCallError) { connecting.value } # there is no relay any more
      sockets.each(&:close)
    end
  end

  # Records what it is called for.
  class Recorder < Hubrelay::Hooks
    attr_reader :calls

    def initialize
      super
      @calls = []
    end

    def before_publish(channel, _payload)
      @calls << [:before_publish, channel]
      @calls.size
    end

    def after_publish(context, receivers, error)
      @calls << [:after_publish, context, receivers, error.class]
    end

    def before_delivery(message)
      @calls << [:before_delivery, message.payload]
    end

    def after_delivery(message)
      @calls << [:after_delivery, message.payload]
    end
  end

  def test_hooks_are_called_around_publishes_and_deliveries
    hooks = Recorder.new
    with_client(hooks:) do |relay, client|
      client.listen("room") do |subscription|
        client.publish("room", "x")
        subscription.pop
        subscription.pop(timeout: 0)
        relay.publish("room", "from elsewhere")
        subscription.pop
        relay.refuse("room")
        assert_raises(Hubrelay::RefusedError) { client.publish("room", "y") }
        client.post("room", "z")
      end
    end
    assert_equal [[:before_publish, "room"], [:after_publish, 1, 1, NilClass], [:before_delivery, "x"],
                  [:after_delivery, "x"], [:before_delivery, "from elsewhere"],
                  [:before_publish, "room"], [:after_publish, 6, nil, Hubrelay::RefusedError],
                  [:before_publish, "room"], [:after_publish, 8, nil, NilClass],
                  [:after_delivery, "from elsewhere"]], hooks.calls
  end

  def test_the_logger_gets_a_line_for_each_change_and_may_fail
    output = StringIO.new
    with_client(logger: Logger.new(output)) do |relay, client|
      relay.disconnect
      eventually("a reconnect") { output.string.scan("connected to relay fake-1").size == 2 }
      assert_match(/WARN .*not connected to a relay: the relay closed the connection/, output.string)
      client.close
    end
    failing = Object.new
    def failing.info(_text)
      raise "full"
    end
    _, errors = capture_io do
      with_client(logger: failing) { |_, client| client.ping }
    end
    assert_match(/the logger has failed: full/, errors)
  end

  def test_close_waits_for_what_is_owed_and_ends_events
    with_client do |_, client|
      waiting = Thread.new { client.events.to_a.last }
      client.post("room", "x")
      client.close
      assert waiting.join(PATIENCE)
      assert_nil client.events.pop
    end
  end

  def test_open_closes_the_client_behind_its_block
    Hubrelay::Testing::FakeRelay.open do |relay|
      inside = nil
      result = Hubrelay::Client.open("fake", connector: relay.method(:connect)) do |client|
        inside = client
        client.publish("room", "x")
      end
      assert_equal 0, result
      assert_predicate inside, :closed?
      assert_match(/Hubrelay::Client fake/, inside.inspect)
    end
  end

  def test_no_thread_and_no_descriptor_is_left_behind
    open_files = -> { Dir.children("/proc/self/fd").size }
    threads = Thread.list.size
    before = open_files.call
    3.times { with_client { |_, client| client.publish("room", "x") } }
    assert_equal threads, Thread.list.size
    assert_operator open_files.call, :<=, before + 1 # Dir's own
  end
end
