/// Reads the replies that come with every message in place, in the memory where they arrived: integers, which answer
/// PUBLISH, and messages. That saves two copies and hiredis' walk through their elements, two thirds of the cost of
/// reading a message.
///
/// This is not a second parser: a reply is taken only if it is complete, and exactly as Redis writes it. Everything
/// else is left to hiredis, which interprets it, or says what is wrong with it.
extension ReplyReader {
    /// Hands over the whole replies at the beginning of `bytes`. Only to be called between two replies.
    /// - Returns: how many bytes these replies have.
    func readInPlace(_ bytes: UnsafeRawBufferPointer) -> Int {
        var cursor = ReplyCursor(bytes)
        var read = 0
        while !isStopped, let reply = cursor.next(), cursor.offset - read <= maxReplyBytes {
            read = cursor.offset
            tell(reply)
        }
        return read
    }

    @inline(__always)
    private func tell(_ reply: ReplyCursor.Reply) {
        borrowedSink._withUnsafeGuaranteedRef { sink in
            switch reply {
            case .integer(let value): sink.integer(value)
            case .message(let channel, let payload): sink.message(channel: channel, payload: payload)
            case .patternMessage(let pattern, let channel, let payload):
                sink.patternMessage(pattern: pattern, channel: channel, payload: payload)
            }
        }
    }
}

/// Goes from reply to reply through bytes that it does not own.
struct ReplyCursor {
    enum Reply {
        case integer(Int64)
        case message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer)
        case patternMessage(
            pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer)
    }

    private let start: UnsafeRawPointer
    // Never past `end`: every step forward is checked against it first.
    private var position: UnsafeRawPointer
    private let end: UnsafeRawPointer

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address. Nothing is read through the substitute.
        start = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        position = start
        end = start + bytes.count
    }

    /// Bytes before the position.
    @inline(__always)
    var offset: Int { position - start }

    @inline(__always)
    private var left: Int { end - position }

    /// The reply that begins here; nil if it is of another kind, or not complete. The position must not be used any
    /// more then.
    @inline(__always)
    mutating func next() -> Reply? {
        guard left >= 4 else { return nil }
        if byte(0) == UInt8(ascii: ":") {
            position += 1
            return number().map { .integer(Int64($0)) }
        }
        return message()
    }

    /// Whether `bytes` may begin with a reply that is read in place.
    static func mayBegin(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // An integer, or an array whose first string has seven or eight bytes.
        guard let first = bytes.first else { return false }
        if first == UInt8(ascii: ":") { return true }
        return first == UInt8(ascii: "*") && bytes.count > 5 && 55...56 ~= bytes[5]
    }

    @inline(__always)
    private mutating func message() -> Reply? {
        guard left >= 24 else { return nil }
        let (announced, kind) = (word(at: 0), word(at: 8))
        if announced == Self.word("*3\r\n$7\r\n"), kind == Self.word("message\r"), byte(16) == UInt8(ascii: "\n") {
            position += 17
            guard let channel = string(), let payload = string() else { return nil }
            return .message(channel: channel, payload: payload)
        }
        guard byte(16) == UInt8(ascii: "\r"), byte(17) == UInt8(ascii: "\n") else { return nil }
        position += 18
        if announced == Self.word("*3\r\n$8\r\n"), kind == Self.word("smessage") {
            guard let channel = string(), let payload = string() else { return nil }
            return .message(channel: channel, payload: payload)
        }
        if announced == Self.word("*4\r\n$8\r\n"), kind == Self.word("pmessage") {
            guard let pattern = string(), let channel = string(), let payload = string() else { return nil }
            return .patternMessage(pattern: pattern, channel: channel, payload: payload)
        }
        return nil
    }

    /// A bulk string with its head and its line end.
    @inline(__always)
    private mutating func string() -> UnsafeRawBufferPointer? {
        guard left > 0, byte(0) == UInt8(ascii: "$") else { return nil }
        position += 1
        guard let count = number(), left >= count + 2 else { return nil }
        let bytes = UnsafeRawBufferPointer(start: position, count: count)
        guard byte(count) == UInt8(ascii: "\r"), byte(count + 1) == UInt8(ascii: "\n") else { return nil }
        position += count + 2
        return bytes
    }

    /// A number of one to nine digits as Redis writes it, without leading zeros, and its line end.
    @inline(__always)
    private mutating func number() -> Int? {
        guard left >= 3, var value = digit(0) else { return nil }
        var digits = 1
        let most = min(left - 2, 9)
        while digits < most, let next = digit(digits) {
            guard value > 0 else { return nil }
            value = value * 10 + next
            digits += 1
        }
        guard byte(digits) == UInt8(ascii: "\r"), byte(digits + 1) == UInt8(ascii: "\n") else { return nil }
        position += digits + 2
        return value
    }

    @inline(__always)
    private func digit(_ offset: Int) -> Int? {
        let digit = byte(offset) &- UInt8(ascii: "0")
        return digit < 10 ? Int(digit) : nil
    }

    @inline(__always)
    private func byte(_ offset: Int) -> UInt8 {
        assert(0..<left ~= offset, "only what is there is looked at")
        return position.load(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    private func word(at offset: Int) -> UInt64 {
        assert(0...(left - 8) ~= offset, "only what is there is looked at")
        return position.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// Eight characters as they lie in memory.
    @inline(__always)
    private static func word(_ text: StaticString) -> UInt64 {
        assert(text.utf8CodeUnitCount == 8)
        return UnsafeRawPointer(text.utf8Start).loadUnaligned(as: UInt64.self)
    }
}
