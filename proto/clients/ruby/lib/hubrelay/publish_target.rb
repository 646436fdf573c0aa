# frozen_string_literal: true

require_relative "fast_codec"

module Hubrelay
  # A channel to publish to, encoded as the start of a Publish. It is worth keeping: the head of a frame is the same for
  # all payloads of one size.
  # @api private
  class PublishTarget
    # `channel` has been checked already.
    def initialize(channel)
      @field = Codec.bytes_field(1, channel).freeze
      @head = nil
      @size = @id_size = -1 # the sizes of payload and id that the head is made for
    end

    # The frame up to its payload.
    def head(size, id)
      id_size = id < 0x80 ? (id.zero? ? 0 : 1) : FastCodec.varint_size(id) # rubocop:disable Style/NestedTernaryOperator
      return @head if size == @size && id_size == @id_size

      @size = size
      @id_size = id_size
      @head = FastCodec.publish_head(@field, size, id_size).freeze
    end

    # The length of the whole body.
    def body_length(size, id)
      FastCodec.publish_length(@field, size, id.zero? ? 0 : FastCodec.varint_size(id))
    end
  end
  private_constant :PublishTarget
end
