# frozen_string_literal: true

require_relative "codec"

module Hubrelay
  # Fast code for the most frequent frames, without the tables: Publish, a Reply with OK, and a Message without a
  # pattern. If a frame does not look exactly as a relay writes it, the result is nil, and Codec has to decode it.
  # @api private
  module FastCodec
    MESSAGE = 0x12
    REPLY = 0x1A

    module_function

    # A Publish up to its payload, with its length first. `channel_field` is `Codec.bytes_field(1, channel)`; `id_size`
    # is the number of bytes of the id, 0 if there is none.
    def publish_head(channel_field, payload_size, id_size)
      content = content_size(channel_field, payload_size, id_size)
      head = [1 + varint_size(content) + content].pack("N") << 0x12
      append_varint(head, content) << channel_field
      append_varint(head << 0x12, payload_size) if payload_size.positive?
      head
    end

    # The length of the body of a Publish.
    def publish_length(channel_field, payload_size, id_size)
      content = content_size(channel_field, payload_size, id_size)
      1 + varint_size(content) + content
    end

    def content_size(channel_field, payload_size, id_size)
      content = channel_field.bytesize
      content += 1 + varint_size(payload_size) + payload_size if payload_size.positive?
      content += 1 + id_size if id_size.positive?
      content
    end

    def varint_size(number)
      return number < 0x80 ? 1 : 2 if number < 0x4000

      (number.bit_length + 6) / 7
    end

    def append_varint(out, number)
      return out << number if number < 0x80
      return out << ((number & 0x7F) | 0x80) << (number >> 7) if number < 0x4000

      append_varint(out << ((number & 0x7F) | 0x80), number >> 7)
    end

    # Most Replies look like this: OK, and an id and receivers below 128. These are the first eight bytes without the
    # id, and the next four without the receivers.
    SHORT_REPLY = 0x00000008_1A06_08
    SHORT_REPLY_REST = 0x10_01_18
    SHORT_REPLY_BYTES = 12

    # The id and receivers of a Reply with OK and nothing else, of up to 127 bytes. `position` is just after its tag,
    # `finish` just after the frame.
    def reply(data, position, finish)
      return unless data.getbyte(position) == finish - position - 1 && data.getbyte(position + 1) == 0x08

      id = data.getbyte(position + 2)
      position += 3
      if id > 0x7F
        second = data.getbyte(position)
        return if second > 0x7F # an id of more than 14 bits

        id = (id & 0x7F) | (second << 7)
        position += 1
      end
      return unless data.getbyte(position) == 0x10 && data.getbyte(position + 1) == 1 && position + 2 <= finish
      return [id, 0] if position + 2 == finish

      receivers = data.getbyte(position + 3)
      [id, receivers] if position + 4 == finish && data.getbyte(position + 2) == 0x18 && receivers < 0x80
    end

    # The channel and payload of a Message without a pattern, with a channel of up to 127 bytes. The arguments are those
    # of `reply`.
    def message(data, position, finish)
      size, position = short_varint(data, position)
      return unless size && size > 3 && position + size == finish && data.getbyte(position) == 0x0A

      channel_size = data.getbyte(position + 1)
      payload_tag = position + 2 + channel_size
      return if channel_size > 0x7F || payload_tag >= finish || data.getbyte(payload_tag) != 0x12

      size, start = short_varint(data, payload_tag + 1)
      return unless size && start + size == finish

      [data.byteslice(position + 2, channel_size), slice(data, start, size)]
    end

    # A part of a read buffer. Ruby shares the memory of a slice at the end of a String, so a small payload would keep
    # the whole buffer. Such a slice is copied.
    def slice(data, start, size)
      return data.byteslice(start, size) if start + size < data.bytesize

      data.unpack1("a#{size}", offset: start)
    end

    # A number of up to 21 bits, and the position after it.
    def short_varint(data, position)
      first = data.getbyte(position)
      return first, position + 1 if first.nil? || first < 0x80

      second = data.getbyte(position + 1)
      return if second.nil?
      return (first & 0x7F) | (second << 7), position + 2 if second < 0x80

      third = data.getbyte(position + 2)
      return (first & 0x7F) | ((second & 0x7F) << 7) | (third << 14), position + 3 if third && third < 0x80
    end
  end
  private_constant :FastCodec
end
