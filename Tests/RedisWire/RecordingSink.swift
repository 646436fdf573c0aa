import RESP
import RedisWire

/// One call of a sink, with its own copy of the bytes.
enum Event: Equatable {
    case message([UInt8], [UInt8])
    case patternMessage([UInt8], [UInt8], [UInt8])
    case oddMessage
    case confirmation(SubscribeVerb, [UInt8]?, Int64)
    case integer(Int64)
    case reply(RedisValue)
}

/// Records every call, and can do something in the middle of each.
final class RecordingSink: ReplySink {
    private(set) var events: [Event] = []
    var onEvent: (Int) -> Void = { _ in }

    private func record(_ event: Event) {
        events.append(event)
        onEvent(events.count)
    }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        record(.message(Array(channel), Array(payload)))
    }

    override func patternMessage(
        pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) {
        record(.patternMessage(Array(pattern), Array(channel), Array(payload)))
    }

    override func oddMessage() { record(.oddMessage) }

    override func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) {
        record(.confirmation(verb, name.map { Array($0) }, count))
    }

    override func integer(_ value: Int64) { record(.integer(value)) }
    override func reply(_ value: RedisValue) { record(.reply(value)) }
}

/// A reader and the events that it has delivered.
final class Reading {
    let sink = RecordingSink()
    let reader: ReplyReader

    init(limits: ReplyLimits = ReplyLimits()) { reader = ReplyReader(limits: limits, sink: sink) }

    var events: [Event] { sink.events }

    /// Feeds an exact copy, which is freed afterwards, so that the sanitizer finds a read beyond it or after the feed.
    func feed(_ bytes: some Collection<UInt8>) throws(ReplyError) {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        piece.copyBytes(from: bytes)
        defer { piece.deallocate() }
        try reader.feed(UnsafeRawBufferPointer(piece))
    }

    /// Feeds pieces of `size` bytes.
    func feed(_ bytes: [UInt8], inPiecesOf size: Int) throws(ReplyError) {
        for start in stride(from: 0, to: bytes.count, by: size) {
            try feed(bytes[start..<min(start + size, bytes.count)])
        }
    }

    /// The error that feeding `bytes` throws; nil if it throws none.
    func error(feeding bytes: [UInt8], inPiecesOf size: Int = 1 << 20) -> ReplyError? {
        do throws(ReplyError) {
            try feed(bytes, inPiecesOf: size)
            return nil
        } catch {
            return error
        }
    }
}

extension [UInt8] {
    init(_ text: StaticString) { self = text.withUTF8Buffer { Array($0) } }
}
