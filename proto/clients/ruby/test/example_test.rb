# frozen_string_literal: true

require_relative "helper"
require "open3"
require "rbconfig"
require "tmpdir"

# The example runs: the guests of two chat servers on one relay meet in a room.
class ExampleTest < Minitest::Test
  include Helpers

  ROOT = File.expand_path("..", __dir__)

  def setup
    @servers = []
    # Who runs the tests in the background may have it ignored, which a server would inherit.
    @interrupt = trap("INT", "DEFAULT")
  end

  def teardown
    @servers.each do |server|
      Process.kill(:INT, server.pid)
      server.value
    end
    trap("INT", @interrupt)
  end

  # The port of a chat server, which ends with the test.
  def server(path)
    _, output, server = Open3.popen2e(RbConfig.ruby, "-w", "-I", File.join(ROOT, "lib"),
                                      File.join(ROOT, "examples/chat_room.rb"), "--relay", path,
                                      "--listen", "127.0.0.1:0")
    @servers << server
    Integer(output.each_line.find { |line| line.start_with?("listening") }[/\d+$/])
  end

  def guest(port)
    guest = TCPSocket.new("127.0.0.1", port)
    guest.puts "lobby"
    guest
  end

  def hear(guest, text)
    Timeout.timeout(PATIENCE) do
      guest.each_line(chomp: true).find do |line|
        line == text
      end
    end or flunk "not heard: #{text}"
  end

  def test_guests_of_two_servers_meet_in_a_room
    Dir.mktmpdir do |folder|
      Hubrelay::Testing::FakeRelay.open(File.join(folder, "relay.sock")) do |relay|
        guests = Array.new(2) { guest(server(relay.path)) }
        # A guest has entered the room when he hears himself.
        guests.each_with_index do |guest, number|
          guest.puts "hello from #{number}"
          hear(guest, "hello from #{number}")
        end
        guests[1].puts "how are you?"
        hear(guests[0], "how are you?")
        assert_equal ["room.lobby"], relay.published.map(&:channel).uniq
        guests.each(&:close)
      end
    end
  end
end
