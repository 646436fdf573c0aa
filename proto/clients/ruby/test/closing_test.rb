# frozen_string_literal: true

require_relative "helper"

# What may happen between `close` and the end.
class ClosingTest < Minitest::Test
  include PlayedRelay

  def close(core, drain = nil)
    Waiter.new.tap { |waiter| core.close(drain, waiter) }
  end

  # A Core that closes while a publish has no Reply, its writing side shut.
  def draining_core(*listeners)
    core, link = connected_core
    listeners = listeners.map { |name| listen(core, name)[0] }
    written(link).grep(Wire::Subscribe).each { |request| reply(core, link, request) }
    owed = publish(core)
    published = written(link).last
    closed = close(core)
    link.shut = true
    assert_empty written(link)
    [core, link, published, owed, closed, listeners]
  end

  def test_behind_the_shutdown_there_are_no_pings
    core, link, published, owed, closed, = draining_core
    assert_nil core.timers.due_at(:watch)
    core.tick(Clock.now + 6)
    assert_empty written(link)
    reply(core, link, published, receivers: 2)
    assert_equal [2, true, true], [owed.value, closed.done?, core.closed?]
  end

  def test_a_subscription_that_ends_while_the_client_closes_writes_nothing
    core, link, published, _, closed, listeners = draining_core("room", "other")
    core.subscribing.unlisten(listeners[0])
    say(core, link, Hubrelay::Revoked.new(channels: ["other"]))
    assert_empty written(link)
    refute_predicate closed, :done?
    reply(core, link, published)
    assert_predicate closed, :done?
  end

  def test_a_request_on_a_link_that_is_shut_is_answered_at_once
    core, link = connected_core
    publish(core)
    written(link)
    close(core)
    answers = []
    ask = -> { Request.new { |reply| answers << reply } }
    name = Names.new.entries_of(["room"], [])
    link.ask(ask.call, 3, name)
    link.ping(ask.call)
    link.publish_request(ask.call, "room")
    assert_equal [nil, nil, nil], answers
    assert_empty written(link)
    assert_empty link.requests
  end

  def test_close_waits_for_the_first_connection_with_what_was_asked_for_before
    core = new_core
    core.start
    core.publishing.post("room", "posted")
    published = publish(core)
    closed = close(core)
    link = welcome(core)
    frames = written(link)
    assert_equal %w[posted x], frames.grep(Wire::Publish).map(&:payload)
    frames.drop(1).reject { |frame| frame.id.zero? }.each { |frame| reply(core, link, frame) }
    assert_equal [0, true], [published.value, closed.done?]
    assert_equal 0, core.counters.lost_publishes
  end

  def test_posts_that_no_connection_came_for_are_told_and_counted
    [->(core) { core.failed(core.opening, "nobody there") }, ->(core) { fire(core, :first) },
     ->(core) { fire(core, :close) }].each do |ends|
      core = new_core
      core.start
      2.times { core.publishing.post("room", "x") }
      closed = close(core)
      refute_predicate closed, :done?
      ends.call(core)
      assert_predicate closed, :done?
      assert_equal [2], events(core.events).grep(Hubrelay::Loss).map(&:publishes)
      assert_equal 2, core.counters.lost_publishes
    end
  end

  def test_close_ends_at_once_when_nothing_waits_for_the_first_connection
    core = new_core
    core.start
    assert_predicate close(core), :done?
  end

  def test_a_post_that_waited_and_is_too_large_for_the_relay_that_comes_is_invalid
    core = new_core
    core.start
    core.publishing.post("room", "x" * 2000)
    core.publishing.post("room", "y")
    link = welcome(core, max_frame_bytes: 5000)
    assert_equal ["y"], written(link).grep(Wire::Publish).map(&:payload)
    losses = events(core.events).grep(Hubrelay::Loss)
    assert_equal [[1, :invalid, true]], losses.map { |loss| loss.to_h.values_at(:publishes, :cause, :local) }
    assert_match(/has 2000 bytes/, losses[0].reason)
    assert_equal 1, core.counters.lost_publishes
  end

  # A relay that is left has refused what another subscription joined: that one's own request goes to the next relay.
  def test_what_joined_a_refused_subscribe_is_not_asked_for_where_nothing_is_written_any_more
    core, link = connected_core
    _, first = listen(core, "room", "secret")
    listener, second = listen(core, "room")
    asked = written(link).last
    say(core, link, STOPPING)
    fire(core, :successor)
    written(link)
    reply(core, link, asked, :refused, channels: ["secret"])
    assert_raises(Hubrelay::RefusedError) { first.value }
    assert_equal :pending, second.value
    assert_empty written(link)
    assert_includes written(welcome(core, relay_id: "B")).grep(Wire::Subscribe).flat_map(&:channels), "room"
    refute listener.over
  end
end

# The same with sockets: a relay that answers nothing, and a client that closes.
class ClosingClientTest < Minitest::Test
  include Helpers

  # Every round of this raised IOError before the client queued nothing behind its shutdown.
  def test_subscriptions_may_be_closed_while_the_client_closes
    with_silent_relay(unanswered: 10) do |client|
      listeners = Array.new(3) { |number| Thread.new { client.listen("room.#{number}") } }
      eventually("three that wait") { client.reactor.synchronize { client.reactor.core.serving.requests.size == 3 } }
      closing = Thread.new { client.close(drain: 1) }
      eventually("the shutdown") { client.reactor.synchronize { client.reactor.core.links.any?(&:shut) } }
      listeners.each(&:kill).each(&:join) # each closes its subscription on the way out
      assert closing.join(PATIENCE), "close hangs"
    end
  end

  # A socket of a connector that raises what it likes.
  def test_whatever_a_socket_raises_ends_its_connection_only
    Hubrelay::Testing::FakeRelay.open do |relay|
      sockets = []
      client = Hubrelay::Client.new("fake", connector: ->(path) { relay.connect(path).tap { |s| sockets << s } }).ready
      listening = client.listen("room")
      broken = sockets.first
      broken.define_singleton_method(:write_nonblock) { |*, **| raise IOError, "closed stream" }
      assert_raises(Hubrelay::Error) { client.publish("room", "x", timeout: PATIENCE) }
      eventually("a publish") { publishes?(client) }
      client.close
      assert_predicate listening, :closed?
    end
  end

  def publishes?(client)
    client.publish("room", "x")
    true
  rescue Hubrelay::NotConnectedError
    false
  end
end
