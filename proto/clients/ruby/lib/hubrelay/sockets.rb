# frozen_string_literal: true

require "socket"
require_relative "errors"

module Hubrelay
  # Sockets to a relay, and explanations of why there is none.
  # @api private
  module Sockets
    module_function

    # A connected Socket. Raises NotConnectedError; its message has the path and hints about what to check.
    def connect(path)
      socket = Socket.new(:UNIX, :STREAM) # close-on-exec, as all sockets of Ruby are
      socket.connect_nonblock(Socket.sockaddr_un(path)) # on a Unix socket this succeeds or fails at once
      socket
    rescue SystemCallError, ArgumentError => e
      socket&.close
      raise NotConnectedError, explain(path, e)
    end

    # A text for people: why a system call has failed.
    def text_of(error)
      error.is_a?(SystemCallError) ? error.class.new.message : error.message
    end

    # Whether the other side has closed the connection, even if bytes are left that it wrote before.
    def hung_up?(socket)
      data = socket.recv_nonblock(1, Socket::MSG_PEEK, exception: false)
      return true if data.nil? || data == "" # nothing is left to read, and the end is reached

      # Something is left to read. A write fails if the other side is gone, and an empty write does not disturb the
      # other side.
      socket.send("", Socket::MSG_NOSIGNAL)
      false
    rescue SystemCallError, IOError
      true
    end

    def explain(path, error)
      text = "#{path}: #{text_of(error)}"
      case error
      when Errno::EACCES
        text << " for uid #{Process.euid}, groups #{Process.groups.sort.join(',')}; #{owner_of(path)}"
      when Errno::EAGAIN
        text << " (the relay accepts no connections at present)"
      end
      text
    end
    private_class_method :explain

    def owner_of(path)
      stat = File.stat(path)
      format("the socket belongs to %<uid>d:%<gid>d, mode %<mode>04o", uid: stat.uid, gid: stat.gid,
                                                                       mode: stat.mode & 0o7777)
    rescue SystemCallError
      "a directory on the way to it cannot be entered"
    end
    private_class_method :owner_of
  end
  private_constant :Sockets
end
