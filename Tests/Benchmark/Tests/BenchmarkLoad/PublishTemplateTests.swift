internal import RESP
internal import RedisWire
internal import Testing

@testable internal import BenchmarkLoad
@testable internal import RelayCore

@Suite("Publishes as they go over the wire")
struct PublishTemplateTests {
    static let sizes = [16, 100, 127, 128, 16 << 10, 1 << 20]

    @Test("the relay reads the channel, the stamp and the id that were written", arguments: sizes)
    func frame(payloadBytes: Int) throws {
        let names = ChannelNames(stem: "run.", count: 200_000)
        let template = PublishTemplate.frame(names: names, payloadBytes: payloadBytes)
        for (stamp, id) in cases {
            let bytes = written(template, stamp, id)
            try bytes.withUnsafeBytes { bytes in
                let length = Int(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
                #expect(length == bytes.count - 4)
                let body = UnsafeRawBufferPointer(rebasing: bytes[4...])
                guard let publish = try publish(in: body) else {
                    Issue.record("no Publish")
                    return
                }
                #expect(Array(publish.channel) == name(stamp.channel, of: names))
                #expect(publish.payload.count == payloadBytes)
                #expect(MessageStamp(publish.payload) == stamp)
                #expect(publish.id == id)
            }
        }
    }

    /// Reads the Publish as the relay does.
    private func publish(
        in body: UnsafeRawBufferPointer
    ) throws -> (channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, id: UInt64)? {
        if let plain = PlainPublish(body) { return (plain.channel, plain.payload, plain.id) }
        guard case .publish(let channel, let payload, let id)? = try ClientFrame.decodeAny(body) else { return nil }
        return (channel, payload, id)
    }

    @Test("Redis reads the same", arguments: sizes)
    func command(payloadBytes: Int) throws {
        let names = ChannelNames(stem: "bench:run.", count: 200_000)
        let template = PublishTemplate.command(names: names, payloadBytes: payloadBytes)
        for (stamp, id) in cases {
            let sink = RecordingSink()
            try written(template, stamp, id).withUnsafeBytes { try ReplyReader(sink: sink).feed($0) }
            guard case .array(let parts)? = sink.replies.first, parts.count == 3, case .bulk(let payload) = parts[2]
            else {
                Issue.record("no PUBLISH: \(sink.replies)")
                return
            }
            #expect(parts[0] == .bulk(Array("PUBLISH".utf8)))
            #expect(parts[1] == .bulk(name(stamp.channel, of: names)))
            #expect(payload.count == payloadBytes)
            #expect(payload.withUnsafeBytes { MessageStamp($0) } == stamp)
        }
    }

    @Test("a payload without room for a stamp has none")
    func shortPayload() {
        #expect([UInt8](repeating: 0, count: 15).withUnsafeBytes { MessageStamp($0) } == nil)
    }

    @Test("channels have names of one length, with all digits")
    func channelNames() {
        let names = ChannelNames(stem: "a.", count: 1_000_000)
        #expect(String(decoding: name(0, of: names), as: UTF8.self) == "a.000000")
        #expect(String(decoding: name(123_456, of: names), as: UTF8.self) == "a.123456")
        #expect(String(decoding: name(999_999, of: names), as: UTF8.self) == "a.999999")
        #expect(names.byteCount == 8)
    }

    private let cases: [(MessageStamp, UInt64)] = [
        (MessageStamp(number: 0, channel: 0, sequence: 0), PublishTemplate.firstID),
        (MessageStamp(number: 1 << 40, channel: 199_999, sequence: .max), PublishTemplate.firstID + 1_000_000_000),
    ]

    /// The message, written over the remains of another message.
    private func written(_ template: PublishTemplate, _ stamp: MessageStamp, _ id: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xFF, count: template.byteCount)
        bytes.withUnsafeMutableBytes { template.write(stamp, id: id, to: $0.baseAddress!) }
        return bytes
    }

    private func name(_ index: UInt32, of names: ChannelNames) -> [UInt8] {
        var bytes: [UInt8] = []
        names.append(Int(index), to: &bytes)
        return bytes
    }
}

private final class RecordingSink: ReplySink {
    var replies: [RedisValue] = []

    override func reply(_ value: RedisValue) { replies.append(value) }
}
