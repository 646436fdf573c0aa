# frozen_string_literal: true

require_relative "helper"
require "logger"
require "stringio"

# The thread of the client's own, and what may happen to it.
class SupervisorTest < Minitest::Test
  include Helpers

  def supervisor_of(client)
    client.reactor.instance_variable_get(:@supervisor)
  end

  def test_a_failure_in_it_ends_the_connection_and_the_client_goes_on
    output = StringIO.new
    with_client(logger: Logger.new(output)) do |_, client|
      subscription = client.listen("room")
      reactor = client.reactor
      failures = 2
      reactor.synchronize do
        reactor.define_singleton_method(:prepare) do
          failures -= 1
          failures.negative? ? super() : raise("cannot happen")
        end
        reactor.send(:wake_supervisor)
      end
      assert_kind_of Hubrelay::Gap, next_event(subscription, Hubrelay::Gap)
      assert_equal 1, client.publish("room", "x", timeout: PATIENCE)
      assert_match(/the client's thread has failed: .*cannot happen/, output.string)
      assert_match(/not connected to a relay: the client has failed: RuntimeError: cannot happen/, output.string)
    end
  end

  def test_when_somebody_ends_it_the_next_use_starts_it_anew
    with_client do |relay, client|
      supervisor_of(client).kill.join
      client.connect
      relay.disconnect # only the supervisor sees this, and connects again
      next_event(client.events, Hubrelay::Status) until client.counters.reconnects == 1
      supervisor_of(client).kill.join
      assert_equal 0, client.publish("room", "x", timeout: PATIENCE)
    end
  end

  def test_close_does_not_depend_on_it
    with_silent_relay do |client|
      assert_raises(Hubrelay::InterruptedError) { client.publish("room", "x", timeout: 0) }
      supervisor_of(client).kill.join
      assert Thread.new { client.close(drain: 0.01) }.join(PATIENCE), "close hangs"
    end
  end

  def test_a_connector_does_not_hold_the_lock
    connecting = Thread::Queue.new
    may_end = Thread::Queue.new
    client = Hubrelay::Client.new("slow", connector: lambda { |_|
      connecting << Thread.pending_interrupt?
      may_end.pop
      raise Errno::ECONNREFUSED
    })
    client.connect
    connecting.pop
    Timeout.timeout(PATIENCE) { client.reactor.synchronize { assert_predicate client.reactor.core, :starting? } }
    closing = Thread.new { client.close }
    may_end << true
    assert closing.join(PATIENCE), "close hangs"
  end

  def test_a_socket_that_comes_after_close_is_closed
    connecting = Thread::Queue.new
    may_end = Thread::Queue.new
    ours, theirs = UNIXSocket.pair
    client = Hubrelay::Client.new("slow", connector: lambda { |_|
      connecting << true
      may_end.pop
      theirs
    })
    client.connect
    connecting.pop
    closing = Thread.new { client.close }
    eventually("close") { client.closed? }
    may_end << true
    assert closing.join(PATIENCE), "close hangs"
    assert_predicate theirs, :closed?
    assert_nil ours.read_nonblock(1, exception: false)
  end

  # It may be the Reply for which that thread waits at the socket, and nowhere else.
  def test_what_has_come_for_a_thread_that_leads_is_left_to_it
    with_silent_relay do |client, relay|
      reactor = client.reactor
      reactor.synchronize do
        link = reactor.core.link
        socket = reactor.instance_variable_get(:@sockets).fetch(link)
        reactor.instance_variable_set(:@led_link, link)
        reactor.instance_variable_set(:@leader, Internals::Waiter.new)
        relay.write(Internals::Codec.encode(Hubrelay::Status.new(state: :down)))
        reactor.send(:take, [socket], [])
        assert socket.wait_readable(0), "the supervisor has read it"
      ensure
        reactor.instance_variable_set(:@leader, nil)
        reactor.send(:wake_supervisor)
      end
      eventually { client.status.state == :down }
    end
  end
end
