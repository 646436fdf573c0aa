# frozen_string_literal: true

require_relative "helper"

# The rules without sockets and threads: the test plays relay, and lets the time come.
class CoreTest < Minitest::Test
  include PlayedRelay

  def test_hello_is_first_and_what_was_asked_before_waits_for_welcome
    core = new_core
    core.start
    waiter = subscribe(core, "room")
    posted = publish(core)
    link = welcome(core)
    hello, subscribed, published = written(link)
    assert_equal Wire::Hello.new(version: 1, client_name: "test"), hello
    assert_equal [["room"], "room"], [subscribed.channels, published.channel]
    reply(core, link, subscribed)
    reply(core, link, published, receivers: 3)
    assert_equal [:ok, 3], [waiter.value, posted.value]
  end

  def test_without_a_relay_a_publish_fails_at_once_and_a_subscribe_is_pending
    core = new_core
    core.start
    waiter = subscribe(core, "room")
    early = publish(core)
    core.failed(core.opening, "nobody there")
    assert_equal :pending, waiter.value
    assert_match(/nobody there/, assert_raises(Hubrelay::NotConnectedError) { early.value }.message)
    assert_raises(Hubrelay::NotConnectedError) { publish(core) }
    assert_equal [false, :no_relay, :down], [core.status.connected, core.status.cause, core.status.state]
    fire(core, :attempt)
    link = welcome(core)
    assert_equal [["room"]], written(link).grep(Wire::Subscribe).map(&:channels)
  end

  def test_at_the_end_what_was_written_is_interrupted_and_what_was_not_is_not_connected
    core, link = connected_core
    written(link)
    sent = publish(core)
    written(link)
    unsent = publish(core)
    core.ended(link, "closed")
    assert_raises(Hubrelay::InterruptedError) { sent.value }
    assert_raises(Hubrelay::NotConnectedError) { unsent.value }
  end

  def test_publishes_beyond_the_bound_wait_or_are_congested
    core, link = connected_core(unanswered: 1)
    first = publish(core)
    second = publish(core)
    assert_raises(Hubrelay::CongestedError) { publish(core, wait: false) }
    request = written(link).last
    assert_empty written(link)
    reply(core, link, request)
    assert first.done?
    reply(core, link, written(link).last)
    assert_equal 0, second.value
  end

  def test_payloads_are_checked_by_the_numbers_of_this_welcome
    core = new_core
    core.start
    welcome(core, max_frame_bytes: 5000)
    assert_raises(Hubrelay::InvalidError) { publish(core, "room", "x" * 905) }
    publish(core, "room", "x" * 904)
    assert_raises(TypeError) { core.publishing.post("room", :symbol) }
  end

  def test_two_listeners_are_one_subscription_at_the_relay
    core, link = connected_core
    first, first_waiter = listen(core, "room")
    second, second_waiter = listen(core, "room")
    requests = written(link).grep(Wire::Subscribe)
    assert_equal 1, requests.size
    refute second_waiter.done?
    reply(core, link, requests[0])
    assert_equal %i[ok ok], [first_waiter.value, second_waiter.value]
    say(core, link, Wire::Delivery.new(channel: "room", payload: "hi"))
    assert_equal [["hi"], ["hi"]], [first, second].map { |listener| events(listener.queue).map(&:payload) }
    core.subscribing.unlisten(first)
    assert_empty written(link)
    core.subscribing.unlisten(second)
    assert_equal [["room"]], written(link).map(&:channels)
  end

  def test_a_listener_that_joins_a_refused_subscribe_asks_for_itself
    core, link = connected_core
    _, first_waiter = listen(core, "bad", "room")
    _, second_waiter = listen(core, "room")
    request = written(link).grep(Wire::Subscribe).first
    reply(core, link, request, :refused, channels: ["bad"])
    error = assert_raises(Hubrelay::RefusedError) { first_waiter.value }
    assert_equal ["bad"], error.channels
    again = written(link).grep(Wire::Subscribe).first
    assert_equal ["room"], again.channels
    reply(core, link, again)
    assert_equal :ok, second_waiter.value
  end

  def test_a_restore_that_is_refused_is_asked_for_again_without_the_name
    core, link = connected_core
    waiters = %w[a b c].map { |name| subscribe(core, name) }
    written(link).grep(Wire::Subscribe).each { |request| reply(core, link, request) }
    assert_equal [:ok] * 3, waiters.map(&:value)
    core.ended(link, "closed")
    fire(core, :attempt)
    link = welcome(core, relay_id: "B")
    reply(core, link, written(link).grep(Wire::Subscribe).first, :refused, channels: ["b"], detail: "NOPERM")
    again = written(link).grep(Wire::Subscribe).first
    assert_equal %w[a c], again.channels
    reply(core, link, again)
    fire(core, :gap)
    revoked, up, gap = events(core.events).last(3)
    assert_equal ["b"], revoked.channels
    assert_predicate up, :up?
    assert_equal ["the connection to the relay was lost"], gap.reasons
  end

  def test_posts_are_unknown_unless_they_are_settled_or_in_a_loss
    core, link = connected_core
    5.times { core.publishing.post("room", "x") }
    fire(core, :settle)
    ping = written(link).grep(Wire::Ping).first
    assert_predicate ping, :settled
    reply(core, link, ping)
    3.times { core.publishing.post("room", "x") }
    written(link)
    say(core, link, Hubrelay::Loss.new(publishes: 1, cause: :refused))
    core.ended(link, "closed")
    losses = events(core.events).grep(Hubrelay::Loss)
    assert_equal [[1, 0, false], [0, 2, true]], losses.map { |loss|
                                                  [loss.publishes, loss.publishes_unknown, loss.local]
                                                }
  end

  def test_posts_that_were_not_written_are_in_the_same_loss_as_those_that_are_unknown
    core, link = connected_core
    core.publishing.post("room", "written")
    written(link)
    core.publishing.post("room", "not written")
    core.ended(link, "closed")
    loss, = events(core.events).grep(Hubrelay::Loss)
    assert_equal [1, 1, :no_relay, true], [loss.publishes, loss.publishes_unknown, loss.cause, loss.local]
  end

  def core_with_a_post_that_waits_for_the_next_connection
    core, old = connected_core
    say(core, old, STOPPING)
    new = welcome(core, relay_id: "B")
    core.publishing.post("room", "waits until the old connection has ended")
    refute_includes written(new).map(&:class), Wire::Publish
    [core, new]
  end

  def test_posts_that_wait_for_the_next_connection_are_lost_with_it
    core, new = core_with_a_post_that_waits_for_the_next_connection
    core.ended(new, "closed")
    losses = events(core.events).grep(Hubrelay::Loss)
    assert_equal([[1, :no_relay]], losses.map { |loss| [loss.publishes, loss.cause] })
  end

  def test_posts_that_wait_for_the_next_connection_are_written_by_close
    core, new = core_with_a_post_that_waits_for_the_next_connection
    core.close(1, Waiter.new)
    assert_includes written(new).map(&:class), Wire::Publish
    assert_empty events(core.events).grep(Hubrelay::Loss)
  end

  def test_after_an_end_in_order_nothing_is_unknown_after_another_one_it_is
    [false, true].each do |failed|
      core, old = connected_core(features: [])
      core.publishing.post("room", "x")
      say(core, old, STOPPING)
      welcome(core, relay_id: "B")
      written(old)
      assert old.shut_when_written
      old.shut = true
      core.ended(old, "closed", failed:)
      assert_equal failed ? [1] : [], events(core.events).grep(Hubrelay::Loss).map(&:publishes_unknown)
    end
  end

  def test_a_ping_fails_as_a_publish_does_at_the_end_of_a_connection
    core, link = connected_core
    pings = [false, true, false, true].map.with_index do |settled, index|
      written(link) if index == 2
      Waiter.new.tap { |waiter| core.ping(waiter, settled) }
    end
    core.ended(link, "closed")
    pings.first(2).each { |ping| assert_raises(Hubrelay::InterruptedError) { ping.value } }
    pings.last(2).each { |ping| assert_raises(Hubrelay::NotConnectedError) { ping.value } }
  end

  def test_no_event_tells_of_the_end_that_the_application_has_asked_for
    [true, false].each do |is_connected|
      core = new_core
      core.start
      written(welcome(core)) if is_connected
      events(core.events)
      core.close(1, Waiter.new)
      assert_empty events(core.events)
      assert_predicate core, :closed?
      assert_equal :no_relay, core.status.cause
    end
  end

  def test_a_silent_relay_is_asked_by_a_ping_and_given_up
    core, link = connected_core(ping_owed: 5, ping_timeout: 5)
    waiter = publish(core)
    written(link)
    due = core.timers.due_at(:watch)
    core.tick(due + 0.1)
    ping = written(link).grep(Wire::Ping).first
    refute_nil ping
    core.tick(due + 5.2)
    assert_raises(Hubrelay::InterruptedError) { waiter.value }
    assert_nil core.link
  end

  def test_while_the_socket_is_left_unread_its_end_is_looked_for_every_second
    core, link = connected_core(events_bytes: 1000)
    subscribe(core, "room")
    reply(core, link, written(link).grep(Wire::Subscribe).first)
    3.times { say(core, link, Wire::Delivery.new(channel: "room", payload: "x" * 500)) }
    refute link.reading
    core.actions.clear
    2.times do
      assert_operator core.timers.due_at(:watch), :<=, Clock.now + 1
      fire(core, :watch)
    end
    assert_equal [[:check, link]] * 2, core.actions
  end

  def test_a_timer_that_is_late_proves_nothing
    core, link = connected_core(ping_owed: 5, ping_timeout: 5)
    publish(core)
    due = core.timers.due_at(:watch)
    core.tick(due + 0.1)
    core.tick(due + 60)
    assert_same link, core.link
  end

  def test_a_relay_that_breaks_the_protocol_ends_its_connection_and_nothing_else
    core, link = connected_core
    core.received(link, "\x00\x00\x00\x02\xFF\xFF".b)
    assert_predicate link, :ended?
    fire(core, :attempt)
    assert_same welcome(core), core.link
    core.received(core.link, [1 << 31].pack("N"))
    assert_nil core.link
  end

  def test_replies_that_nobody_waits_for_do_no_harm
    core, link = connected_core
    [0, 5, 300, (1 << 64) - 1].each { |id| say(core, link, Wire::Reply.new(id:, outcome: :ok, receivers: 1)) }
    say(core, link, Wire::Reply.new(id: 9, outcome: 99))
    waiter = publish(core)
    reply(core, link, written(link).last, 99)
    error = assert_raises(Hubrelay::UnknownError) { waiter.value }
    assert_equal 99, error.outcome
  end
end
