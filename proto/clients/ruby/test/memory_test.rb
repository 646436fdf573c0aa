# frozen_string_literal: true

require_relative "helper"
require "objspace"

# What events hold, and how long frames take to read.
class MemoryTest < Minitest::Test
  include PlayedRelay

  def test_events_are_frozen_since_all_who_listen_share_them
    core, link = connected_core
    queues = Array.new(2) { listen(core, "room")[0].queue }
    reply(core, link, written(link).last)
    subscribed = Waiter.new
    core.subscribing.subscribe([], ["r*"], subscribed)
    reply(core, link, written(link).last)
    say(core, link, Wire::Delivery.new(channel: "room", payload: "x"))
    say(core, link, Wire::Delivery.new(channel: "room", payload: "x", pattern: "r*"))
    messages = [*queues.flat_map { |queue| events(queue) }, *events(core.events).grep(Hubrelay::Message)]
    assert_equal [nil, nil, "r*"], messages.map(&:pattern)
    messages.each do |message|
      assert_predicate message, :frozen?
      assert_predicate message.payload, :frozen?
      assert_raises(FrozenError) { message.payload << "y" }
    end
  end

  # Whether Ruby keeps another String's memory for this one.
  def shared?(string)
    JSON.parse(ObjectSpace.dump(string))["shared"]
  end

  def test_a_payload_at_the_end_of_what_was_read_does_not_keep_all_of_it
    core, link = connected_core
    listener, = listen(core, "room")
    reply(core, link, written(link).last)
    frames = Array.new(3) { Codec.encode(Wire::Delivery.new(channel: "room", payload: "x" * 40)) }.join
    read = ("-" * 4096) << frames
    link.feed(read.byteslice(4096..))
    listener.queue.take until listener.queue.size == 1
    refute shared?(listener.queue.take.payload)
    core.subscribing.subscribe([], ["r*"], Waiter.new)
    reply(core, link, written(link).last)
    link.feed(Codec.encode(Wire::Delivery.new(channel: "room", payload: "x" * 40, pattern: "r*")))
    refute shared?(events(core.events).grep(Hubrelay::Message).last.payload)
  end

  # Eight times the names take about eight times as long, and not 64 times.
  def test_a_long_list_is_read_in_linear_time
    seconds = [5_000, 40_000].map do |count|
      body = Codec.encode(Hubrelay::Revoked.new(channels: Array.new(count) { |n| "room.#{n}" })).byteslice(4..)
      Array.new(3) do
        started = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
        assert_equal count, Codec.decode(body).channels.size
        Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - started
      end.min
    end
    assert_operator seconds[1], :<, 32 * seconds[0]
  end

  def test_failures_are_counted_whole
    counters = Hubrelay::Counters.new
    error = Hubrelay::ClosedError.new
    Array.new(4) { Thread.new { 500.times { counters.count_failure(error) } } }.each(&:join)
    assert_equal({ closed: 2000 }, counters.failed)
    counters.failed.clear # a copy
    assert_equal 2000, counters.to_h[:failed][:closed]
  end
end
