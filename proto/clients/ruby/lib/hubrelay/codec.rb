# frozen_string_literal: true

require_relative "wire"

module Hubrelay
  # Converts frames to bytes and back: the part of protobuf (proto3) that hubrelay.proto uses.
  #
  # `encode` and `decode` handle every frame of both sides, by the tables of Wire. FastCodec does the same for the most
  # frequent frames.
  # @api private
  module Codec
    # The bytes are not a valid frame. `code` is the code that a relay would answer.
    class ProtocolError < StandardError
      attr_reader :code

      def initialize(code, detail)
        super("#{code}: #{detail}")
        @code = code
      end
    end

    UINT32 = 0xFFFFFFFF
    UINT64 = 0xFFFFFFFFFFFFFFFF
    MAX_FIELD_NUMBER = (1 << 29) - 1

    module_function

    # A number as protobuf writes it: 7 bits in each byte, the lowest bits first.
    def varint(number)
      bytes = String.new(capacity: 10)
      while number > 0x7F
        bytes << ((number & 0x7F) | 0x80)
        number >>= 7
      end
      bytes << number
    end

    # A field of bytes: tag, length, content.
    def bytes_field(number, content)
      varint((number << 3) | 2) << varint(content.bytesize) << content.b
    end

    # A body with its length before it.
    def framed(body)
      [body.bytesize].pack("N") << body
    end

    # A frame of either side as it is written to the socket, with its length first.
    def encode(frame)
      kinds = Wire::CLIENT_KINDS.include?(frame.class) ? Wire::CLIENT_KINDS : Wire::RELAY_KINDS
      framed(bytes_field(kinds.index(frame.class) + 1, encode_fields(frame)))
    end

    # The frame in a body, or nil if its kind is not known here. Raises ProtocolError.
    def decode(body, kinds = Wire::RELAY_KINDS)
      number = found = nil
      each_field(body) do |field, value|
        next unless value.is_a?(String) && field <= kinds.size

        found = {} unless field == number # of several kinds the last counts; a kind that comes twice in a row is merged
        number = field
        decode_fields(kinds[number - 1], value, found)
      end
      return unless number

      found[:status] = Status.new(**found[:status]) if found[:status]
      kinds[number - 1].new(**found)
    end

    def encode_fields(message)
      Wire::FIELDS.fetch(message.class).each_with_index.with_object(String.new) do |((name, type), index), bytes|
        value = message[name]
        encode_field(bytes, index + 1, type, value) unless value == Wire::DEFAULTS[type]
      end
    end
    private_class_method :encode_fields

    def encode_field(bytes, number, type, value)
      case type
      when :strings then value.each { |item| bytes << bytes_field(number, item) }
      when :string, :bytes then bytes << bytes_field(number, value)
      when :status then bytes << bytes_field(number, encode_fields(value))
      when :bool then bytes << varint(number << 3) << 1
      when :uint32, :uint64 then bytes << varint(number << 3) << varint(value)
      else bytes << varint(number << 3) << varint(Wire::NUMBERS.fetch(type).fetch(value, value) & UINT64)
      end
    end
    private_class_method :encode_field

    # Decodes these bytes as fields of a kind, and adds them by name to those in `found`. A Status is a Hash there.
    def decode_fields(kind, data, found)
      fields = Wire::FIELDS.fetch(kind)
      each_field(data) do |number, value|
        name, type = fields[number - 1]
        next if type.nil? || value.is_a?(Integer) == %i[string bytes strings status].include?(type)

        case type
        when :strings then (found[name] ||= []) << text(value)
        when :status then decode_fields(Status, value, found[name] ||= {}) # one that comes twice is merged
        else found[name] = decode_value(type, value)
        end
      end
    end
    private_class_method :decode_fields

    def decode_value(type, value)
      case type
      when :uint64, :bytes then value
      when :uint32 then value & UINT32
      when :bool then value != 0
      when :string then text(value)
      else
        number = ((value & UINT32) ^ 0x80000000) - 0x80000000 # an enumeration's number has a sign
        Wire::ENUMS.fetch(type).fetch(number, number)
      end
    end
    private_class_method :decode_value

    def text(bytes)
      string = bytes.dup.force_encoding(Encoding::UTF_8)
      raise ProtocolError.new(:malformed, "a string is not UTF-8") unless string.valid_encoding?

      string.freeze
    end
    private_class_method :text

    # Yields the number and value of each field; the value is an Integer or a String. Fields of fixed width are left
    # out, since the schema does not use them.
    def each_field(data)
      position = 0
      while position < data.bytesize
        tag, position = read_varint(data, position)
        number = tag >> 3
        raise ProtocolError.new(:malformed, "field number #{number}") unless number.between?(1, MAX_FIELD_NUMBER)

        value, position = read_value(data, position, tag & 7)
        raise ProtocolError.new(:malformed, "field #{number} is cut off") if position > data.bytesize

        yield number, value if value
      end
    end
    private_class_method :each_field

    def read_value(data, position, wire_type)
      case wire_type
      when 0 then read_varint(data, position)
      when 1 then [nil, position + 8]
      when 2
        size, position = read_varint(data, position)
        [(data.byteslice(position, size) if size <= data.bytesize), position + size]
      when 5 then [nil, position + 4]
      else raise ProtocolError.new(:malformed, "wire type #{wire_type}")
      end
    end
    private_class_method :read_value

    # The number, at most 64 bits of it, and the position after it.
    def read_varint(data, position)
      number = 0
      0.step(63, 7) do |shift|
        byte = data.getbyte(position) or raise ProtocolError.new(:malformed, "a varint is cut off")
        position += 1
        number |= (byte & 0x7F) << shift
        return number & UINT64, position if byte < 0x80
      end
      raise ProtocolError.new(:malformed, "a varint of more than ten bytes")
    end
  end
  private_constant :Codec
end
