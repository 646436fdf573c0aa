# frozen_string_literal: true

require_relative "helper"

# The codec by all of proto/vectors, as its README says.
class VectorsTest < Minitest::Test
  include Internals

  FOLDER = File.expand_path("../../../vectors", __dir__)
  KINDS = { "hello" => Wire::Hello, "publish" => Wire::Publish, "subscribe" => Wire::Subscribe,
            "unsubscribe" => Wire::Unsubscribe, "ping" => Wire::Ping, "welcome" => Wire::Welcome,
            "message" => Wire::Delivery, "reply" => Wire::Reply, "status" => Hubrelay::Status,
            "loss" => Hubrelay::Loss, "error" => Wire::Failure, "revoked" => Hubrelay::Revoked }.freeze

  def self.load(name)
    JSON.parse(File.read(File.join(FOLDER, name)))
  end

  { "client-frames.json" => Wire::CLIENT_KINDS, "relay-frames.json" => Wire::RELAY_KINDS }.each do |file, kinds|
    VectorsTest.load(file).fetch("vectors").each do |vector|
      define_method("test_#{file}: #{vector['name']}") do
        body = [vector["body"]].pack("H*")
        if vector.key?("error")
          error = assert_raises(Codec::ProtocolError) { refuse_none(Codec.decode(body, kinds)) }
          assert_equal vector["error"], "CODE_#{error.code.to_s.upcase}"
        else
          check_frame(vector, body, kinds)
        end
      end
    end
  end

  # A relay calls a client's frame of no known kind malformed; to a client it is none.
  def refuse_none(frame)
    raise Codec::ProtocolError.new(:malformed, "no known kind") if frame.nil?
  end

  def check_frame(vector, body, kinds)
    decoded = Codec.decode(body, kinds)
    return assert_nil(decoded) if vector["frame"].nil?

    expected = frame_of(vector["frame"])
    assert_equal expected, decoded
    assert_equal body, Codec.encode(expected).byteslice(4..) if vector["canonical"]
  end

  def frame_of(json)
    name, fields = json.first
    build(KINDS.fetch(name), fields)
  end

  def build(kind, fields)
    types = Wire::FIELDS.fetch(kind).to_h
    kind.new(**fields.to_h { |name, value| [name.to_sym, value_of(types.fetch(name.to_sym), value)] })
  end

  def value_of(type, value)
    case type
    when :bytes then [value].pack("H*")
    when :uint64 then Integer(value)
    when :status then build(Hubrelay::Status, value)
    when :outcome, :state, :code, :cause
      value.is_a?(Integer) ? value : value.delete_prefix("#{type.to_s.upcase}_").downcase.to_sym
    else value
    end
  end

  # Every stream of a relay, split at every byte, through a Link that hands over what is no Message and no Reply.
  VectorsTest.load("streams.json").fetch("framing").each do |stream|
    define_method("test_framing: #{stream['name']}") do
      chunks = stream["chunks"].map { |chunk| [chunk].pack("H*") }
      whole = chunks.join
      splits = (0..whole.bytesize).map { |at| [whole.byteslice(0, at), whole.byteslice(at..)] }
      [chunks, whole.each_char.to_a, *splits].each { |parts| check_stream(stream, parts.map(&:b)) }
    end
  end

  # Bodies as the Link cuts them out of the stream.
  class Cutter < Link
    attr_reader :bodies

    def initialize(first_limit, limit)
      super({}, nil)
      @max_frame = first_limit
      @limit = limit
      @bodies = []
    end

    private

    def take_short_reply(*)
      false
    end

    def take_body(data, position, finish)
      @bodies << data.byteslice(position, finish - position)
      @max_frame = @limit
    end
  end

  def check_stream(stream, parts)
    limit = stream["max_frame_bytes"]
    link = Cutter.new(stream["sender"] == "client" ? 4096 : limit, limit)
    error = nil
    begin
      parts.each { |part| link.feed(part) }
    rescue Codec::ProtocolError => e
      error = "CODE_#{e.code.to_s.upcase}"
    end
    assert_equal stream["bodies"], link.bodies.map { |body| body.unpack1("H*") }
    stream["error"] ? assert_equal(stream["error"], error) : assert_nil(error)
    rest = stream["rest"]
    assert_equal rest, link.instance_variable_get(:@rest).unpack1("H*") if rest && !error
  end
end
