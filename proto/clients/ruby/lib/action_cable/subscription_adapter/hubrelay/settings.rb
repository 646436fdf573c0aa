# frozen_string_literal: true

require "active_support/core_ext/hash/keys"
require "active_support/core_ext/object/blank"
require "digest"
require "hubrelay"
require "uri"

module ActionCable
  module SubscriptionAdapter
    class Hubrelay < Base
      # The checked options of config/cable.yml.
      #
      # - +socket+: the relay's socket; by default ::Hubrelay::Client::DEFAULT_PATH
      # - +url+: the same as a URL, <tt>hubrelay:///run/hubrelay/hubrelay.sock</tt>
      # - +channel_prefix+: put before every channel, followed by a colon
      # - +id+: the name of the connection in the relay's log; by default <tt>ActionCable-PID-</tt> and the process id
      # - +timeout+: how many seconds a broadcast waits for Redis's answer; by default 5
      # - +events_stream+: a broadcasting on which this process notifies its own clients of changes of state and of gaps
      # - +reconnect_on_gap+: whether WebSockets are closed when messages may have been missed, so that the clients
      #   reconnect
      # - any option of ::Hubrelay::Client, such as +gap_jitter+
      #
      # @api private
      class Settings
        # The maximum length of a channel at a relay, in bytes.
        MAX_NAME_BYTES = 512
        # Names that begin like this are reserved for the relay.
        RESERVED = "__hubrelay:"
        HASHED = "sha256:"
        MAX_PREFIX_BYTES = MAX_NAME_BYTES - ":".bytesize - HASHED.bytesize - 64
        OWN = %i[adapter socket url channel_prefix id timeout events_stream reconnect_on_gap].freeze
        private_constant :MAX_NAME_BYTES, :RESERVED, :HASHED, :MAX_PREFIX_BYTES, :OWN

        attr_reader :path, :timeout

        # @param cable [Hash] the content of cable.yml for this environment
        # @raise [ArgumentError]
        def initialize(cable)
          @cable = cable.to_h.symbolize_keys
          check_names
          @path = path_of(@cable[:socket], @cable[:url])
          @prefix = checked_prefix(@cable[:channel_prefix])
          @timeout = checked_timeout(@cable.fetch(:timeout, 5))
          @events_stream = checked_stream(@cable[:events_stream])
          @reconnects_on_gap = checked_switch(:reconnect_on_gap, @cable.fetch(:reconnect_on_gap, false))
        end

        def reconnect_on_gap?
          @reconnects_on_gap
        end

        # The relay's name for the broadcasting for events, or nil.
        def events_stream
          @events_stream && relay_name([@prefix, @events_stream].compact.join(":"))
        end

        # A new client, which connects at its first use.
        def new_client(logger)
          options = @cable.except(*OWN)
          name = @cable.key?(:id) ? @cable[:id].to_s : "ActionCable-PID-#{Process.pid}"
          ::Hubrelay::Client.new(@path, name:, logger:, **options)
        rescue ArgumentError, ::Hubrelay::InvalidError => e
          raise ArgumentError, "config/cable.yml: #{e.message}"
        end

        # The relay's name for a channel. It is the same name, unless the relay does not allow that one. Then it is
        # +sha256:+ and the SHA-256 of the channel's bytes, in 64 hexadecimal digits. If there is a +channel_prefix+, it
        # stands before this with its colon. A name that begins with +sha256:+ itself is hashed, too, so that two
        # channels never share a name at the relay.
        #
        # @param channel [String] with the prefix
        # @return [String] UTF-8
        def relay_name(channel)
          name = channel.encoding == Encoding::UTF_8 ? channel : channel.dup.force_encoding(Encoding::UTF_8)
          bare = @prefix ? name.b.delete_prefix("#{@prefix}:".b) : name
          return name if possible?(name) && !bare.start_with?(HASHED)

          [@prefix, "#{HASHED}#{Digest::SHA256.hexdigest(bare)}"].compact.join(":")
        end

        private

        def possible?(name)
          name.bytesize.between?(1, MAX_NAME_BYTES) && name.valid_encoding? && !name.start_with?(RESERVED)
        end

        def check_names
          unknown = @cable.keys - OWN - ::Hubrelay::Options.members
          return if unknown.empty?

          fail_with "unknown: #{unknown.join(', ')}; there are #{(OWN + ::Hubrelay::Options.members).join(', ')}"
        end

        def path_of(socket, url)
          fail_with "socket and url exclude each other" if socket && url
          return path_of_url(url) if url
          return ::Hubrelay::Client::DEFAULT_PATH if socket.nil?

          fail_with "socket must be a path, not #{socket.inspect}" if !socket.is_a?(String) || socket.empty?
          socket
        end

        def path_of_url(url)
          parts = URI.parse(url.to_s)
          others = [parts.host, parts.userinfo, parts.port, parts.query, parts.fragment]
          is_right = parts.scheme == "hubrelay" && parts.path.present? && others.all?(&:blank?)
          return URI::DEFAULT_PARSER.unescape(parts.path) if is_right

          fail_with "url must be of the form hubrelay:///run/hubrelay/hubrelay.sock"
        rescue URI::InvalidURIError
          fail_with "url is no URL"
        end

        def checked_prefix(prefix)
          return if prefix.nil?

          text = prefix.to_s.dup.force_encoding(Encoding::UTF_8)
          fail_with "channel_prefix is not UTF-8" unless text.valid_encoding?
          fail_with "channel_prefix must not begin with #{RESERVED}" if "#{text}:".start_with?(RESERVED)
          return text if text.bytesize <= MAX_PREFIX_BYTES

          fail_with "channel_prefix has #{text.bytesize} bytes; #{MAX_PREFIX_BYTES} are allowed"
        end

        def checked_timeout(timeout)
          return timeout if timeout.nil? || (timeout.is_a?(Numeric) && timeout.positive?)

          fail_with "timeout must be a number of seconds above 0, not #{timeout.inspect}"
        end

        def checked_stream(stream)
          return stream if stream.nil? || (stream.is_a?(String) && !stream.empty?)

          fail_with "events_stream must be the name of a broadcasting, not #{stream.inspect}"
        end

        def checked_switch(name, value)
          return value if [true, false].include?(value)

          fail_with "#{name} must be true or false, not #{value.inspect}"
        end

        def fail_with(text)
          raise ArgumentError, "config/cable.yml: #{text}"
        end
      end
    end
  end
end
