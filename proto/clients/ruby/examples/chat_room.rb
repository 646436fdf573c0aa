# frozen_string_literal: true

# A chat server for nc or telnet, of which any number may run, on any number of hosts, beside one relay each:
#
#     ruby -I lib examples/chat_room.rb --relay /tmp/chat.sock --listen 127.0.0.1:7001
#     nc 127.0.0.1 7001
#
# The first line that is typed is the name of a room, the others are said there.
require "hubrelay"
require "logger"
require "optparse"
require "socket"

# Guests, and what brings them together.
class ChatRoom
  def initialize(client)
    @client = client
  end

  # Takes guests until the server is closed.
  def serve(server)
    loop do
      guest = server.accept
      Thread.new { host(guest) }
    end
  rescue IOError
    nil # the server was closed
  end

  private

  # Serves one guest, to the end.
  def host(guest)
    room = guest.gets(chomp: true) or return
    channel = "room.#{room}"
    @client.listen(channel) do |subscription|
      Thread.new { deliver(subscription, guest) }
      guest.each_line(chomp: true) { |line| say(channel, line, guest) }
    end
  rescue Hubrelay::Error => e
    guest.puts "* #{e.message}"
  rescue SystemCallError, IOError
    nil # the guest is gone
  ensure
    guest.close
  end

  def say(channel, line, guest)
    @client.publish(channel, line)
  rescue Hubrelay::InterruptedError
    guest.puts "* that may have been said, or not"
  rescue Hubrelay::Error => e
    guest.puts "* that was not said: #{e.message}"
  end

  # Brings a guest what is said in the room. A guest who does not read gets a Loss, and disturbs nobody.
  def deliver(subscription, guest)
    subscription.each do |event|
      case event
      in Hubrelay::Message(payload:) then guest.write(payload, "\n")
      in Hubrelay::Gap(reasons:) then guest.puts "* something may be missing here: #{reasons.join(', ')}"
      in Hubrelay::Loss(messages:) then guest.puts "* #{messages} messages are missing here"
      in Hubrelay::Revoked(detail:) then guest.puts "* this room is closed: #{detail}"
      end
    end
  rescue SystemCallError, IOError
    nil # the guest is gone
  end
end

options = { relay: Hubrelay::Client::DEFAULT_PATH, listen: "127.0.0.1:7001" }
OptionParser.new do |parser|
  parser.on("--relay SOCKET", "the relay's socket")
  parser.on("--listen ADDRESS", "address for guests")
end.parse!(into: options)

host, _, port = options[:listen].rpartition(":")
server = TCPServer.new(host, Integer(port))
client = Hubrelay::Client.new(options[:relay], name: "chatroom", logger: Logger.new($stderr)).connect
warn "listening on #{server.addr[3]}:#{server.addr[1]}"
begin
  ChatRoom.new(client).serve(server)
rescue Interrupt
  server.close
  client.close
end
