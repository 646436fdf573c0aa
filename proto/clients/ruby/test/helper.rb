# frozen_string_literal: true

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))

require "minitest/autorun"
require "json"
require "timeout"
require "hubrelay"
require "hubrelay/testing"

# The parts of the gem that are its own affair, as private constants are.
module Internals
  %i[Wire Codec FastCodec Link Core Waiter EventQueue Names Backoff Watch Timers Glob Outbox PublishTarget Clock
     Listener Request].each { |name| const_set(name, Hubrelay.const_get(name)) }
end

module Helpers
  # So that a busy machine does not make a test fail. Seconds.
  PATIENCE = 60

  def eventually(what = "it")
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + PATIENCE
    until yield
      flunk "#{what} did not happen" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      Thread.pass
    end
  end

  # The next event of one of these classes; others are passed over.
  def next_event(stream, *kinds)
    loop do
      event = stream.pop(timeout: PATIENCE) or flunk "no #{kinds.join(' or ')} came"
      return event if kinds.any? { |kind| event.is_a?(kind) }
    end
  end

  def with_client(**options)
    Hubrelay::Testing::FakeRelay.open do |relay|
      yield relay, relay.client(gap_jitter: 0, **options).ready(timeout: PATIENCE)
    end
  end

  # A relay that says Welcome, and answers nothing.
  def with_silent_relay(**options)
    ours, theirs = UNIXSocket.pair
    welcome = Hubrelay.const_get(:Wire)::Welcome.new(version: 1, relay_id: "A", max_frame_bytes: 1 << 20,
                                                     max_payload_bytes: 1 << 19, features: ["settled"],
                                                     status: Hubrelay::Status.new(state: :up, publishing: true))
    ours.write(Hubrelay.const_get(:Codec).encode(welcome))
    client = Hubrelay::Client.new("silent", connector: ->(_) { theirs }, unanswered: 1, **options).ready
    yield client, ours
  ensure
    client.close(drain: 0)
    ours.close
  end
end

# A Core with a relay that the test plays, without sockets and threads.
module PlayedRelay
  include Internals

  UP = Hubrelay::Status.new(state: :up, publishing: true, receiving: true)
  STOPPING = Hubrelay::Status.new(state: :stopping, publishing: true, receiving: true, cause: :stopping)

  def new_core(**options)
    Core.new("test", Hubrelay::Options.new(gap_jitter: 0, **options), Hubrelay::Counters.new)
  end

  # A started Core and its Link, which has said Welcome.
  def connected_core(features: %w[patterns settled fence], status: UP, **options)
    core = new_core(**options)
    core.start
    [core, welcome(core, features:, status:)]
  end

  # Opens the connection that the core asks for, and says Welcome.
  def welcome(core, relay_id: "A", features: %w[patterns settled fence], status: UP, max_frame_bytes: 1 << 20)
    link = core.opening
    core.opened(link)
    say(core, link, Wire::Welcome.new(version: 1, relay_id:, max_frame_bytes:, status:,
                                      max_payload_bytes: max_frame_bytes - 4096, features:))
    link
  end

  def say(core, link, frame)
    core.received(link, Codec.encode(frame))
  end

  def reply(core, link, request, outcome = :ok, **fields)
    say(core, link, Wire::Reply.new(id: request.id, outcome:, **fields))
  end

  # The frames that were written on the link since the last call.
  def written(link)
    data = String.new
    until link.outbox.empty?
      part = link.outbox.to_write
      data << part
      link.outbox.wrote(part.bytesize)
    end
    frames = []
    until data.empty?
      size = data.unpack1("N")
      frames << Codec.decode(data.byteslice(4, size), Wire::CLIENT_KINDS)
      data = data.byteslice((4 + size)..)
    end
    frames
  end

  def subscribe(core, *channels)
    Waiter.new.tap { |waiter| core.subscribing.subscribe(channels, [], waiter) }
  end

  def listen(core, *channels)
    listener = Listener.new(core.new_queue)
    core.subscribing.listen(listener, channels, [], waiter = Waiter.new)
    [listener, waiter]
  end

  def publish(core, channel = "room", payload = "x", wait: true)
    Waiter.new.tap { |waiter| core.publishing.publish(channel, payload, waiter, wait) }
  end

  def fire(core, name)
    core.tick(core.timers.due_at(name))
  end

  def events(queue)
    found = []
    while (event = queue.take)
      found << event
    end
    found
  end
end
