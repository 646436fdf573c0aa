# frozen_string_literal: true

require_relative "helper"
require "open3"
require "rbconfig"
require "tmpdir"

# Forks, and the end of a process.
class ProcessesTest < Minitest::Test
  include Helpers

  LIB = File.expand_path("../lib", __dir__)

  def with_relay
    Dir.mktmpdir do |folder|
      Hubrelay::Testing::FakeRelay.open(File.join(folder, "relay.sock")) { |relay| yield relay, relay.path }
    end
  end

  def ruby(source, *arguments)
    output, status = Open3.capture2e({ "RUBYOPT" => "-w" }, "timeout", "120", RbConfig.ruby, "-I", LIB, "-e",
                                     "require 'hubrelay'; require 'timeout'\n#{source}", *arguments)
    assert_predicate status, :success?, output
    output
  end

  def test_a_process_that_does_not_close_its_client_ends
    with_relay do |_, path|
      assert_equal "0\n", ruby(<<~RUBY, path)
        client = Hubrelay::Client.new(ARGV[0]).ready
        p client.publish("room", "x")
      RUBY
    end
  end

  # The child has a client of its own, without subscriptions, and the parent's connection lives on.
  FORKED = <<~RUBY
    client = Hubrelay::Client.new(ARGV[0]).ready
    subscription = client.listen("room")
    busy = Thread.new { loop { client.publish("busy", "x") } }
    child = CALL do
      client.publish("child", "x")
      exit!(subscription.pop.nil? && client.counters.sent == 1 && client.events.pop(timeout: 30) ? 0 : 1)
    end
    Process.wait(child)
    busy.kill.join
    p $?.exitstatus, client.counters.reconnects, client.publish("room", "x"), subscription.pop.payload
    client.close
  RUBY

  def test_a_child_begins_anew_and_the_parent_notices_nothing
    with_relay do |relay, path|
      %w[fork Process.fork].each do |call|
        assert_equal "0\n0\n1\n\"x\"\n", ruby(FORKED.sub("CALL", call), path)
      end
      assert_equal 2, relay.published.count { |message| message.channel == "child" }
    end
  end

  # They are collected at any time, also in the middle of a fork.
  def test_clients_that_nobody_holds_any_more_do_no_harm_at_a_fork
    assert_equal "true\n", ruby(<<~RUBY)
      made = Array.new(20) do
        200.times { Hubrelay::Client.new("/nowhere") }
        Process.wait2(fork { exit!(0) }).last
      end
      p made.all?(&:success?)
    RUBY
  end

  # Ruby allows no mutex there: the child finds out by its pid.
  def test_a_trap_handler_may_fork
    with_relay do |relay, path|
      assert_equal "0\n0\n", ruby(<<~RUBY, path)
        client = Hubrelay::Client.new(ARGV[0]).ready
        child = nil
        trap("USR1") { child = fork { exec(#{RbConfig.ruby.inspect}, "-e", "exit 0") } }
        Process.kill(:USR1, Process.pid)
        Thread.pass until child
        p Process.wait2(child)[1].exitstatus
        p client.publish("parent", "x", timeout: 30)
      RUBY
      assert_equal 1, relay.published.size
    end
  end

  def test_a_fork_that_ruby_does_not_see_is_noticed_at_first_use
    with_relay do |relay, path|
      ruby(<<~RUBY, path)
        client = Hubrelay::Client.new(ARGV[0]).ready
        client.publish("parent", "x")
        Process.daemon(true, true)
        client.publish("daemon", "x")
        client.close
      RUBY
      eventually("the daemon's publish") { relay.published.any? { |message| message.channel == "daemon" } }
    end
  end

  def test_a_child_may_be_forked_in_the_middle_of_anything
    with_relay do |_, path|
      assert_equal "[0]\n", ruby(<<~RUBY, path)
        client = Hubrelay::Client.new(ARGV[0]).ready
        4.times { |n| Thread.new { loop { client.listen("r\#{n}") { client.publish("busy", "x") } } } }
        children = Array.new(10) { fork { client.publish("child", "x", timeout: 30); exit!(0) } }
        p children.map { |child| Process.wait2(child)[1].exitstatus }.uniq
      RUBY
    end
  end

  def test_descriptors_are_close_on_exec
    with_client do |_, client|
      client.publish("room", "x")
      open_here = Dir.children("/proc/self/fd").map { |fd| File.readlink("/proc/self/fd/#{fd}") rescue nil } # rubocop:disable Style/RescueModifier
      inherited, = Open3.capture2("ls", "-l", "/proc/self/fd")
      assert(open_here.compact.any? { |target| target.start_with?("socket:") })
      refute_match(/socket:/, inherited)
    end
  end
end
