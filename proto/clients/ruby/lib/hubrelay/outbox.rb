# frozen_string_literal: true

require "set"
require_relative "fast_codec"

module Hubrelay
  # The bytes of one connection that the socket has not accepted.
  #
  #     @batch  |..written..|.......unsent.......|     begins with a frame
  #     @next   |.......unsent.......|                 becomes the batch when that is written
  # @api private
  class Outbox
    # How many bytes wait.
    attr_reader :size

    def initialize
      @batch = String.new
      @next = String.new
      @written = 0
      @size = 0
    end

    def empty?
      @size.zero?
    end

    # Adds a frame that starts with its length.
    def add(frame)
      @next << frame
      @size += frame.bytesize
    end

    # Adds a Publish. `target` is the PublishTarget of the channel.
    def add_publish(target, payload, id)
      payload = payload.b unless payload.encoding == Encoding::BINARY || payload.ascii_only?
      frames = @next
      before = frames.bytesize
      frames << target.head(payload.bytesize, id) << payload
      FastCodec.append_varint(frames << 0x18, id) unless id.zero?
      @size += frames.bytesize - before
    end

    # The next bytes to write to the socket; valid only until the next call of any method here.
    def to_write
      if @written >= @batch.bytesize
        @batch.clear
        @batch, @next = @next, @batch
        @written = 0
      end
      @written.zero? ? @batch : @batch.byteslice(@written, @batch.bytesize - @written)
    end

    # The socket has accepted this many bytes.
    def wrote(count)
      @written += count
      @size -= count
    end

    # The ids of the requests that were not written completely, and how many publishes without an id are among them.
    # Empties the outbox.
    def take_unwritten
      data = @batch << @next
      ids = Set.new
      sends = position = 0
      while position < data.bytesize
        finish = position + 4 + data.unpack1("N", offset: position)
        if finish > @written
          frame = Codec.decode(data.byteslice(position + 4, finish - position - 4),
                               Wire::CLIENT_KINDS)
        end
        if frame && !frame.is_a?(Wire::Hello)
          ids << frame.id
          sends += 1 if frame.is_a?(Wire::Publish) && frame.id.zero?
        end
        position = finish
      end
      initialize
      [ids, sends]
    end
  end
  private_constant :Outbox
end
