# frozen_string_literal: true

require_relative "codec"
require_relative "errors"

module Hubrelay
  # One channel or pattern, and its listeners.
  # @api private
  class Name
    # In UTF-8, frozen.
    attr_reader :text
    # The name as a field of a Subscribe.
    attr_reader :field
    # The subscriptions, and the queues where messages of the name go. Both are Hashes to true, in the order of arrival.
    # Removing an entry is fast: a channel may have ten thousand listeners.
    attr_reader :listeners, :queues
    # Whether `subscribe` has subscribed to it: by the last answer, and by the last request, which may be unanswered.
    attr_accessor :plain, :wants_plain

    def initialize(text, pattern:)
      @text = text
      @pattern = pattern
      @field = Codec.bytes_field(pattern ? 3 : 2, text).freeze
      @plain = @wants_plain = false
      @listeners = {}.compare_by_identity
      @queues = {}.compare_by_identity
    end

    def pattern?
      @pattern
    end

    # The application has asked for it, and has not given it up.
    def wanted?
      @wants_plain || !@listeners.empty?
    end

    # Its messages are delivered: a request for it was granted, or waits for a relay.
    def held?
      !@queues.empty?
    end
  end
  private_constant :Name

  # All names that the application wants, or whose last request is still unanswered.
  # @api private
  class Names
    include Enumerable

    MAX_BYTES = 512
    MAX_CLIENT_NAME_BYTES = 64

    class << self
      # The name in UTF-8, frozen. A Symbol stands for its text. Raises TypeError. Raises InvalidError for a wrong
      # length or encoding: a relay ends the connection over a name that is not UTF-8.
      def checked(name, what = "channel")
        text = utf8(name, what)
        return text if text.bytesize.between?(1, MAX_BYTES)

        raise InvalidError, "the #{what} has #{text.bytesize} bytes; 1 to #{MAX_BYTES} are allowed"
      end

      # The name of a client, in UTF-8. Raises InvalidError.
      def checked_client_name(name)
        text = utf8(name, "client's name")
        return text if text.bytesize <= MAX_CLIENT_NAME_BYTES

        raise InvalidError, "the client's name has #{text.bytesize} bytes; #{MAX_CLIENT_NAME_BYTES} are allowed"
      end

      # Checked channels and patterns, in two frozen Arrays. Raises InvalidError.
      def checked_lists(channels, patterns)
        channels = channels.map { |name| checked(name) }.uniq.freeze
        patterns = Array(patterns).map { |name| checked(name, "pattern") }.uniq.freeze
        raise InvalidError, "no channel and no pattern is named" if channels.empty? && patterns.empty?

        [channels, patterns]
      end

      # The texts of the channels and of the patterns, in two Arrays.
      def texts(names)
        names.partition { |name| !name.pattern? }.map { |part| part.map(&:text).freeze }
      end

      # The names in portions. Each portion fits into one Subscribe or Unsubscribe.
      def in_frames(names, max_frame_bytes)
        room = max_frame_bytes - 32 # the frame's tag and length, and the id
        size = 0
        names.slice_when do |before, after|
          size += before.field.bytesize
          is_full = size + after.field.bytesize > room
          size = 0 if is_full
          is_full
        end
      end

      private

      # Bytes are taken as they are; text of another encoding is converted.
      def utf8(name, what)
        name = name.name if name.is_a?(Symbol)
        raise TypeError, "the #{what} must be a String, not #{name.class}" unless name.is_a?(String)

        bytes_as_they_are = [Encoding::UTF_8, Encoding::BINARY, Encoding::US_ASCII].include?(name.encoding)
        text = bytes_as_they_are ? name.dup.force_encoding(Encoding::UTF_8) : name.encode(Encoding::UTF_8)
        raise InvalidError, "the #{what} is not UTF-8" unless text.valid_encoding?

        text.freeze
      rescue EncodingError => e
        raise InvalidError, "the #{what} cannot be written as UTF-8: #{e.message}"
      end
    end

    # By the bytes of the name, in encoding BINARY.
    attr_reader :channels, :patterns

    def initialize
      @channels = {}
      @patterns = {}
    end

    def each(&)
      (@channels.values + @patterns.values).each(&)
    end

    # Whether messages of any name are delivered.
    def holds_any?
      @channels.any? { |_, name| name.held? } || @patterns.any? { |_, name| name.held? }
    end

    # The entries of these names, which have been checked. Adds missing entries.
    def entries_of(channels, patterns)
      channels.map { |text| @channels[text.b] ||= Name.new(text, pattern: false) } +
        patterns.map { |text| @patterns[text.b] ||= Name.new(text, pattern: true) }
    end

    # The entries of these names, as far as there are any.
    def find_entries(channels, patterns)
      @channels.values_at(*channels.map(&:b)).compact + @patterns.values_at(*patterns.map(&:b)).compact
    end

    # Drops the entries of names that nobody wants or hears.
    def forget_unwanted(names)
      names.each do |name|
        next if name.wanted? || name.plain || name.held?

        table = name.pattern? ? @patterns : @channels
        key = name.text.b
        table.delete(key) if table[key].equal?(name)
      end
    end
  end
  private_constant :Names
end
