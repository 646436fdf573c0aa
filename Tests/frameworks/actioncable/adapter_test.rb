# frozen_string_literal: true

require "minitest/autorun"
require "action_cable"
require "active_support/all"
require "digest"
require "hubrelay/testing"
require "tmpdir"

# The adapter in one process, with a relay in memory.
class AdapterTest < Minitest::Test
  PATIENCE = 60

  # Stands in for an open WebSocket.
  class Connection
    attr_reader :closed

    def close(**how)
      raise IOError, "gone" if how[:reason].nil?

      @closed = how
    end
  end

  def setup
    @directory = Dir.mktmpdir("hubrelay-")
    @socket = File.join(@directory, "relay.sock")
    @relay = Hubrelay::Testing::FakeRelay.new(@socket)
    @adapters = []
    @log = StringIO.new
  end

  def teardown
    @adapters.each(&:shutdown)
    @relay.close
    FileUtils.remove_entry(@directory)
  end

  def server(logger: Logger.new(@log), **cable)
    ActionCable::Server::Base.new(config: ActionCable::Server::Configuration.new).tap do |server|
      server.config.cable = { adapter: "hubrelay", socket: @socket, gap_jitter: 0, first_use: PATIENCE, **cable }
                            .with_indifferent_access
      server.config.logger = logger
    end
  end

  def adapter(**cable)
    adapter_of(server(**cable))
  end

  def adapter_of(server)
    server.pubsub.tap { |adapter| @adapters << adapter }
  end

  # Subscribes, and returns the queue of what comes and the queue of the confirmation.
  def listen(adapter, channel)
    messages = Thread::Queue.new
    confirmed = Thread::Queue.new
    adapter.subscribe(channel, ->(message) { messages << message }, -> { confirmed << true })
    [messages, confirmed]
  end

  def listen_and_wait(adapter, channel)
    messages, confirmed = listen(adapter, channel)
    take(confirmed)
    messages
  end

  def take(queue)
    Timeout.timeout(PATIENCE) { queue.pop }
  end

  # What is told by ActiveSupport::Notifications while the block runs.
  def told(name)
    events = Thread::Queue.new
    subscriber = ActiveSupport::Notifications.subscribe("#{name}.hubrelay") { |*, payload| events << payload[:event] }
    yield events
  ensure
    ActiveSupport::Notifications.unsubscribe(subscriber)
  end

  # Redis is lost, and the application knows.
  def outage
    told("status") do |states|
      @relay.outage
      Thread.pass until take(states).state == :down
    end
  end

  def eventually
    Timeout.timeout(PATIENCE) { Thread.pass until yield }
  end

  # Everything that the relay was asked for before has been answered.
  def settle(adapter)
    take(listen(adapter, "settled")[1])
  end

  def test_payloads_come_as_text
    messages = listen_and_wait(adapter, "room")
    adapter.broadcast("room", "grüße")
    text = take(messages)
    assert_equal "grüße", text
    assert_equal Encoding::UTF_8, text.encoding
    refute_predicate text, :frozen?, "as it is with Redis"
  end

  def test_the_prefix_stands_before_the_channel
    cable = adapter(channel_prefix: "app")
    messages = listen_and_wait(cable, "room")
    assert_equal 1, @relay.publish("app:room", "hello")
    assert_equal "hello", take(messages)
    cable.broadcast("room", "back")
    assert_equal "app:room", @relay.published.last.channel
  end

  # Other programs have to arrive at the same names.
  def test_names_that_no_relay_takes_are_hashed
    plain = adapter
    prefixed = adapter(channel_prefix: "app")
    { "a" * 513 => "sha256:#{Digest::SHA256.hexdigest('a' * 513)}",
      "a" * 512 => "a" * 512,
      "ä" * 256 => "ä" * 256,
      "ä" * 257 => "sha256:#{Digest::SHA256.hexdigest('ä' * 257)}",
      "" => "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "\xFFroom" => "sha256:#{Digest::SHA256.hexdigest("\xFFroom")}",
      "__hubrelay:x" => "sha256:#{Digest::SHA256.hexdigest('__hubrelay:x')}" }.each do |channel, name|
      plain.broadcast(channel, "x")
      assert_equal name, @relay.published.last.channel
    end
    prefixed.broadcast("a" * 509, "x")
    assert_equal "app:sha256:#{Digest::SHA256.hexdigest('a' * 509)}", @relay.published.last.channel
    prefixed.broadcast("\xFFroom".b, "x")
    assert_equal "app:sha256:#{Digest::SHA256.hexdigest("\xFFroom")}", @relay.published.last.channel
  end

  # Who may choose the name of a broadcasting hears no other one by that.
  def test_no_two_names_are_one_channel
    ["chat", nil].each do |channel_prefix|
      cable = adapter(channel_prefix:)
      long = "x" * 513
      guessed = listen_and_wait(cable, "sha256:#{Digest::SHA256.hexdigest(long)}")
      messages = listen_and_wait(cable, long)
      cable.broadcast(long, "private")
      assert_equal "private", take(messages)
      settle(cable)
      assert_empty guessed
      cable.broadcast("sha256:#{Digest::SHA256.hexdigest(long)}", "its own")
      assert_equal "its own", take(guessed)
    end
  end

  def test_a_long_name_is_heard
    messages = listen_and_wait(adapter, "ü" * 1000)
    adapter.broadcast("ü" * 1000, "hello")
    assert_equal "hello", take(messages)
  end

  def test_the_last_subscriber_that_leaves_ends_the_subscription
    cable = adapter
    stays = ->(_) {}
    cable.subscribe("room", stays)
    messages, confirmed = listen(cable, "room")
    take(confirmed)
    cable.unsubscribe("room", stays)
    settle(cable)
    assert_equal 1, @relay.publish("room", "for one")
    assert_equal "for one", take(messages)

    leaves = ->(_) {}
    cable.subscribe("hall", leaves)
    settle(cable)
    assert_equal 1, @relay.publish("hall", "for one")
    cable.unsubscribe("hall", leaves)
    settle(cable)
    assert_equal 0, @relay.publish("hall", "for nobody")
  end

  def test_each_subscriber_is_confirmed_once
    cable = adapter
    _, first = listen(cable, "room")
    take(first)
    3.times { take(listen(cable, "room")[1]) }
    assert_empty first
  end

  def test_a_subscription_in_an_outage_is_confirmed_after_it
    cable = adapter
    listen_and_wait(cable, "room")
    outage
    messages, confirmed = listen(cable, "hall")
    _, second_confirmed = listen(cable, "room") # others listen there already
    eventually { cable.client.counters.gaps.zero? && asked?(cable, "hall") }
    assert_empty confirmed
    @relay.recover
    take(confirmed)
    take(second_confirmed)
    assert_equal 1, @relay.publish("hall", "hello")
    assert_equal "hello", take(messages)
  end

  # The relay has answered a Subscribe that names it.
  def asked?(cable, channel)
    listener = cable.send(:listener)
    listener.instance_variable_get(:@lock).synchronize { listener.instance_variable_get(:@pending).key?(channel) }
  end

  def test_a_refused_name_does_not_keep_others_from_being_confirmed
    @relay.refuse("secret")
    cable = adapter
    told("revoked") do |revoked|
      @relay.leave # so that all are asked for by one request
      names = %w[a b secret c]
      queues = names.to_h { |name| [name, listen(cable, name)[1]] }
      @relay.come_back
      (names - ["secret"]).each { |name| take(queues[name]) }
      assert_equal ["secret"], take(revoked).channels
      assert_empty queues["secret"]
    end
    assert_match(/\[Hubrelay\] nothing comes on secret: NOPERM/, @log.string)
  end

  # One request for all would be pending as long as that part is away.
  def test_a_part_of_a_cluster_that_is_away_does_not_keep_others_from_being_confirmed
    cable = adapter
    cable.client.define_singleton_method(:status) { super().with(state: :degraded) }
    queues = ask_at_once(cable, %w[a b away c]) { |names| names.include?("away") ? :pending : :ok }
    %w[a b c].each { |name| take(queues[name]) }
    assert_empty queues["away"]
  end

  def test_what_exceeds_a_limit_does_not_keep_others_from_being_confirmed
    told("revoked") do |revoked|
      queues = ask_at_once(adapter, %w[a b much c]) do |names|
        names.include?("much") ? raise(Hubrelay::LimitError, "no room") : :ok
      end
      %w[a b c].each { |name| take(queues[name]) }
      assert_equal Hubrelay::Revoked.new(channels: ["much"], detail: "no room"), take(revoked)
      assert_empty queues["much"]
    end
  end

  # Asks for all of them by one request, which the block answers, and all that come of it. Returns the queues of the
  # confirmations by name.
  def ask_at_once(adapter, channels)
    asked = Thread::Queue.new
    go_on = Thread::Queue.new
    adapter.client.define_singleton_method(:subscribe) do |*names|
      asked << names
      go_on.pop if names == ["first"]
      yield names
    end
    listen(adapter, "first")
    take(asked)
    queues = channels.to_h { |name| [name, listen(adapter, name)[1]] }
    go_on << true
    assert_equal channels, take(asked)
    queues
  end

  def test_a_broadcast_that_fails_raises
    cable = adapter
    listen_and_wait(cable, "room")
    outage
    error = assert_raises(Hubrelay::NotConnectedError) { cable.broadcast("room", "lost") }
    assert_kind_of Hubrelay::Error, error
  end

  def test_what_is_too_large_names_the_cure
    error = assert_raises(Hubrelay::InvalidError) { adapter.broadcast("room", "x" * 1_100_000) }
    assert_match(/has 1100000 bytes; this relay takes 1048576 .*--max-payload.*broadcast less/, error.message)
  end

  def test_an_application_is_told
    cable = adapter
    listen_and_wait(cable, "room")
    told("gap") do |gaps|
      told("loss") do |losses|
        @relay.lose(3)
        assert_equal 3, take(losses).messages
        take(gaps)
      end
      @relay.outage
      @relay.recover
      refute_predicate take(gaps), :partial?
    end
    told("revoked") do |revoked|
      @relay.revoke("room")
      assert_equal ["room"], take(revoked).channels
    end
    assert_match(/\[Hubrelay\] down: broadcasts fail or are missed: Redis is away/, @log.string)
    assert_match(/\[Hubrelay\] up: /, @log.string)
    assert_match(/\[Hubrelay\] 3 messages were lost: slow reader/, @log.string)
  end

  def test_clients_are_told_by_the_events_stream
    cable = adapter(events_stream: "hubrelay", channel_prefix: "app")
    events = listen_and_wait(cable, "hubrelay")
    listen_and_wait(cable, "room")
    assert_equal 0, @relay.publish("app:hubrelay", "x"), "it is this process's alone"
    @relay.outage("redis.internal:6379 is away")
    @relay.recover
    found = []
    found = (found << JSON.parse(take(events))).sort_by { |event| event["at"] } until tells_all?(found)
    assert_equal({ "event" => "gap", "partial" => false }, found.last.except("at"))
    refute_match(/internal/, found.to_json)
  end

  # Action Cable's threads may swap what comes.
  def tells_all?(events)
    events.filter_map { |event| event["state"] }.last(2) == %w[down up] && events.last["event"] == "gap"
  end

  # Whoever comes in an outage learns of its end.
  def test_the_events_stream_is_confirmed_without_a_relay
    @relay.leave
    listen_and_wait(adapter(events_stream: "hubrelay"), "hubrelay")
  end

  def test_clients_are_told_to_connect_again
    cable_server = server(reconnect_on_gap: true)
    broken = Connection.new
    def broken.close(**) = raise(IOError, "gone")
    connection = Connection.new
    [broken, connection].each { |one| cable_server.add_connection(one) }
    listen_and_wait(adapter_of(cable_server), "room")
    @relay.outage
    @relay.recover
    eventually { connection.closed }
    assert_equal({ reason: "gap", reconnect: true }, connection.closed)
  end

  def test_connections_stay_open_otherwise
    cable_server = server
    connection = Connection.new
    cable_server.add_connection(connection)
    listen_and_wait(adapter_of(cable_server), "room")
    told("gap") do |gaps|
      @relay.outage
      @relay.recover
      take(gaps)
    end
    assert_nil connection.closed
  end

  def test_an_application_that_raises_loses_nothing
    cable = adapter
    raising = ActiveSupport::Notifications.subscribe("gap.hubrelay") { raise "the application's own fault" }
    messages = listen_and_wait(cable, "room")
    cable.subscribe("room", ->(_) { raise "another one" })
    settle(cable)
    @relay.outage
    @relay.recover
    eventually { @log.string.include?("the application's own fault") }
    @relay.publish("room", "hello")
    assert_equal "hello", take(messages)
  ensure
    ActiveSupport::Notifications.unsubscribe(raising)
  end

  # It is no StandardError, and would end the thread that takes all messages.
  def test_an_application_that_lacks_a_method_loses_nothing
    cable = adapter
    raising = ActiveSupport::Notifications.subscribe("gap.hubrelay") { raise NotImplementedError, "not written yet" }
    messages = listen_and_wait(cable, "room")
    @relay.outage
    @relay.recover
    eventually { @log.string.include?("not written yet") }
    @relay.publish("room", "hello")
    assert_equal "hello", take(messages)
  ensure
    ActiveSupport::Notifications.unsubscribe(raising)
  end

  def test_nothing_comes_after_shutdown_and_the_adapter_can_be_used_again
    cable = adapter
    messages = listen_and_wait(cable, "room")
    cable.shutdown
    cable.shutdown
    eventually { @relay.publish("room", "x").zero? } # the relay has read the end of the connection
    cable.unsubscribe("room", ->(_) {})
    cable.broadcast("room", "y")
    again = listen_and_wait(cable, "room")
    cable.broadcast("room", "z")
    assert_equal "z", take(again)
    assert_empty messages
  end

  def test_a_fork_has_a_client_and_subscribers_of_its_own
    cable = adapter
    messages = listen_and_wait(cable, "room")
    reader, writer = IO.pipe
    pid = fork do
      @adapters.clear
      theirs = listen_and_wait(cable, "child")
      cable.broadcast("child", "hello")
      writer.puts [take(theirs), cable.client.name == "ActionCable-PID-#{Process.pid}"].inspect
      writer.close
      exit!(0)
    end
    writer.close
    assert_equal "[\"hello\", true]\n", reader.read
    assert_predicate Process.wait2(pid).last, :success?
    cable.broadcast("room", "still here")
    assert_equal "still here", take(messages)
  end

  def test_servers_of_newer_versions_have_an_executor_of_their_own
    used = Thread::Queue.new
    cable_server = server
    executor = Object.new
    executor.define_singleton_method(:post) { |task = nil, &block| used << (task || block).call }
    cable_server.define_singleton_method(:executor) { executor }
    listen_and_wait(adapter_of(cable_server), "room")
    refute_empty used
  end

  def test_the_connection_has_the_id
    assert_equal "ActionCable-PID-#{Process.pid}", adapter.client.name
    assert_equal "web-1", adapter(id: "web-1").client.name
    assert_equal "", adapter(id: nil).client.name
  end

  def test_a_url_names_the_socket
    cable = adapter(socket: nil, url: "hubrelay://#{@socket.sub('relay', 'rel%61y')}")
    assert_equal @socket, cable.client.path
    assert_equal Hubrelay::Client::DEFAULT_PATH, adapter(socket: nil).client.path
  end

  def test_what_is_wrong_in_cable_yml_is_said
    { { sockt: "x" } => /unknown: sockt; there are adapter, socket, /,
      { url: "redis://localhost:6379/1", socket: nil } => %r{url must be of the form hubrelay:///},
      { url: "hubrelay://host/x", socket: nil } => /url must be of the form/,
      { url: "hubrelay://%", socket: nil } => /url is no URL/,
      { url: "hubrelay:///x" } => /socket and url exclude each other/,
      { socket: 7 } => /socket must be a path, not 7/,
      { channel_prefix: "x" * 441 } => /channel_prefix has 441 bytes; 440 are allowed/,
      { channel_prefix: "\xFF" } => /channel_prefix is not UTF-8/,
      { channel_prefix: "__hubrelay" } => /channel_prefix must not begin with __hubrelay:/,
      { id: "x" * 65 } => /the client's name has 65 bytes/,
      { timeout: 0 } => /timeout must be a number of seconds above 0, not 0/,
      { events_stream: "" } => /events_stream must be the name of a broadcasting/,
      { reconnect_on_gap: "yes" } => /reconnect_on_gap must be true or false, not "yes"/,
      { gap_jitter: "x" } => /gap_jitter must be a number/ }.each do |cable, message|
      error = assert_raises(ArgumentError, cable.inspect) { adapter(**cable) }
      assert_match message, error.message
      assert_match(%r{\Aconfig/cable\.yml: }, error.message)
      assert_includes @log.string, error.message
    end
  end
end
