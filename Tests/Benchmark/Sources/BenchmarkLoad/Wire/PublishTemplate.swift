internal import RelayCore

/// A publish as it goes over the wire, built once. Only the channel's digits, the stamp and the id change from message
/// to message, and all of them keep their size.
struct PublishTemplate {
    /// Ids count from here, so that each is a varint of five bytes. There are enough for 34 billion messages.
    static let firstID: UInt64 = 1 << 28

    private let bytes: [UInt8]
    /// Where each part that changes begins.
    private let digits: Int
    private let payload: Int
    /// Nil if there is no id, as in a command for Redis.
    private let id: Int?

    var byteCount: Int { bytes.count }

    /// A frame for the relay.
    static func frame(names: ChannelNames, payloadBytes: Int) -> PublishTemplate {
        precondition(payloadBytes >= MessageStamp.byteCount)
        let count =
            WireWriter.size(ofBytes: names.byteCount) + WireWriter.size(ofBytes: payloadBytes)
            + WireWriter.size(ofField: firstID)
        let total = 4 + WireWriter.size(ofBytes: count)
        var (digits, payload) = (0, 0)
        let bytes = [UInt8](unsafeUninitializedCapacity: total) { buffer, initialized in
            guard let start = buffer.baseAddress else { return }
            var writer = WireWriter(start)
            writer.frameLength(total - 4)
            writer.header(2, count: count)
            writer.header(1, count: names.byteCount)
            names.stem.withUnsafeBytes { writer.raw($0) }
            digits = writer.position - start
            for _ in 0..<ChannelNames.digits { writer.byte(UInt8(ascii: "0")) }
            writer.header(2, count: payloadBytes)
            payload = writer.position - start
            for index in 0..<payloadBytes { writer.byte(filler(index)) }
            writer.field(3, firstID)
            initialized = writer.position - start
        }
        precondition(bytes.count == total, "a frame has another size than computed")
        return PublishTemplate(bytes: bytes, digits: digits, payload: payload, id: total - 5)
    }

    /// A PUBLISH for Redis, as an array of strings (RESP).
    static func command(names: ChannelNames, payloadBytes: Int) -> PublishTemplate {
        precondition(payloadBytes >= MessageStamp.byteCount)
        var bytes = Array("*3\r\n$7\r\nPUBLISH\r\n$\(names.byteCount)\r\n".utf8) + names.stem
        let digits = bytes.count
        bytes += Array(repeating: UInt8(ascii: "0"), count: ChannelNames.digits)
        bytes += Array("\r\n$\(payloadBytes)\r\n".utf8)
        let payload = bytes.count
        bytes += (0..<payloadBytes).map(filler) + Array("\r\n".utf8)
        return PublishTemplate(bytes: bytes, digits: digits, payload: payload, id: nil)
    }

    /// Writes one message to `place`, which has room for `byteCount`.
    @inline(__always)
    func write(_ stamp: MessageStamp, id number: UInt64, to place: UnsafeMutableRawPointer) {
        bytes.withUnsafeBytes { place.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count) }
        ChannelNames.write(stamp.channel, to: place + digits)
        stamp.write(to: place + payload)
        guard let id else { return }
        var writer = WireWriter((place + id).assumingMemoryBound(to: UInt8.self))
        writer.varint(number)
    }

    private static func filler(_ index: Int) -> UInt8 { UInt8(ascii: "a") + UInt8(index % 26) }
}
