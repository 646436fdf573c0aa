# frozen_string_literal: true

require_relative "helper"

# The fast ways of the codec give what the slow ones do.
class FastCodecTest < Minitest::Test
  include Internals

  SIZES = [0, 1, 127, 128, 200, 16_383, 16_384].freeze

  def test_a_publish_is_encoded_alike
    sizes = [1, 100, 101, 127, 128, 512].product(SIZES, [0, 1, 127, 128, 16_384, (1 << 53) - 1])
    [*sizes, [6, 70_000, 1], [6, 1 << 21, 300]].each do |name_size, size, id|
      channel = "n" * name_size
      payload = "\xFF".b * size
      outbox = Outbox.new
      target = PublishTarget.new(channel)
      2.times { outbox.add_publish(target, payload, id) }
      expected = Codec.encode(Wire::Publish.new(channel:, payload:, id:))
      assert_equal expected * 2, outbox.to_write
      assert_equal expected.bytesize * 2, outbox.size
      assert_equal expected.bytesize - 4, target.body_length(size, id)
    end
  end

  def test_a_head_that_was_kept_is_for_one_size_of_payload_and_id
    target = PublishTarget.new("room")
    outbox = Outbox.new
    frames = [["a", 1], ["bb", 1], ["bb", 128], ["", 128], ["a", 1]].map do |payload, id|
      outbox.add_publish(target, payload, id)
      Codec.encode(Wire::Publish.new(channel: "room", payload:, id:))
    end
    assert_equal frames.join, outbox.to_write
  end

  def test_text_of_any_encoding_goes_as_its_bytes
    ["é", "é".encode("UTF-16LE"), "\xFF".b, "é".encode("ISO-8859-1")].each do |payload|
      outbox = Outbox.new
      2.times { outbox.add_publish(PublishTarget.new("ü"), payload, 1) }
      frame = Codec.decode(outbox.to_write.byteslice(4, (outbox.size / 2) - 4), Wire::CLIENT_KINDS)
      assert_equal payload.b, frame.payload
    end
  end

  def test_replies_and_messages_are_read_alike_or_left_to_the_slow_way
    numbers = [0, 1, 127, 128, 16_383, 16_384, 1 << 40]
    replies = numbers.product(numbers).map do |id, receivers|
      Wire::Reply.new(id:, outcome: :ok, receivers:)
    end
    replies += [Wire::Reply.new(id: 1, outcome: :refused, detail: "no"),
                Wire::Reply.new(id: 1, outcome: :ok, detail: "x")]
    replies.each do |reply|
      data = Codec.encode(reply)
      id, receivers = FastCodec.reply(data, 5, data.bytesize)
      assert_equal [reply.id, reply.receivers, :ok, ""], [id, receivers, reply.outcome, reply.detail] if id
    end
    [*SIZES, 70_000, 1 << 21].product([1, 127, 128, 512], ["", "p*"]) do |size, name_size, pattern|
      message = Wire::Delivery.new(channel: "n" * name_size, payload: "x" * size, pattern:)
      data = Codec.encode(message)
      channel, payload = FastCodec.message(data, 5, data.bytesize)
      assert_equal [message.channel, message.payload, ""], [channel, payload, pattern] if channel
    end
  end

  # The usual ones are not left to the slow way.
  def test_the_usual_frames_are_read_fast
    reply = Codec.encode(Wire::Reply.new(id: 300, outcome: :ok, receivers: 2))
    assert_equal [300, 2], FastCodec.reply(reply, 5, reply.bytesize)
    message = Codec.encode(Wire::Delivery.new(channel: "room.7", payload: "x" * 200))
    assert_equal ["room.7", "x" * 200], FastCodec.message(message, 5, message.bytesize)
  end

  # The length of this channel takes two bytes. With one of them taken for the whole, all the rest would fit, too.
  def test_a_channel_of_128_bytes_is_left_to_the_slow_way
    data = Codec.encode(Wire::Delivery.new(channel: "#{'n' * 127}\x12", payload: "x" * 17))
    assert_nil FastCodec.message(data, 5, data.bytesize)
  end

  # What is read fast is never read as something else: every body of the vectors, and each with one byte changed.
  def test_no_body_is_misread
    vectors = JSON.parse(File.read(File.expand_path("../../../vectors/relay-frames.json", __dir__))).fetch("vectors")
    bodies = vectors.map { |vector| [vector["body"]].pack("H*") }.select { |body| body.bytesize.between?(4, 200) }
    bodies.each do |body|
      (0...body.bytesize).each do |at|
        [body.getbyte(at), 0, 1, 0x7F, 0x80, body.getbyte(at) ^ 1].each do |byte|
          changed = body.dup
          changed.setbyte(at, byte)
          compare(changed)
        end
      end
    end
  end

  def compare(body)
    fast = case body.getbyte(0)
           when FastCodec::REPLY then FastCodec.reply(body, 1, body.bytesize) if body.bytesize > 4
           when FastCodec::MESSAGE then FastCodec.message(body, 1, body.bytesize)
           end
    return unless fast

    frame = begin
      Codec.decode(body)
    rescue Codec::ProtocolError
      nil # a name that is not UTF-8: the Link finds no route for it
    end
    return unless frame

    slow = frame.is_a?(Wire::Reply) ? [frame.id, frame.receivers] : [frame.channel.b, frame.payload]
    assert_equal slow, fast, body.unpack1("H*")
  end
end
