/// RESP2 read in the slow and obvious way, from the protocol's definition and without hiredis. The reader is compared
/// with it. It calls a sink in the same way.
struct PlainReplies {
    enum End: Error {
        /// The input ends between two replies, or within one.
        case incomplete
        /// No reader may go on after this place.
        case malformed
    }

    private var rest: ArraySlice<UInt8>

    /// Reads everything, and returns whether the input ended in something malformed.
    static func read(_ input: UnsafeRawBufferPointer, into sink: ReplySink) -> Bool {
        var replies = PlainReplies(rest: Array(input)[...])
        do throws(End) {
            while true { try deliver(try replies.value(depth: 0), to: sink) }
        } catch {
            return error == .malformed
        }
    }

    /// - Parameter isDropped: whether the value is the payload of a message, or a part of it. If it is an array,
    ///   nothing of it is kept.
    private mutating func value(depth: Int, isDropped: Bool = false) throws(End) -> RedisValue {
        guard let type = rest.popFirst() else { throw .incomplete }
        switch type {
        case UInt8(ascii: "+"): return .status(try line().withUnsafeBytes { RedisText.cleaned($0) })
        case UInt8(ascii: "-"): return .error(try line().withUnsafeBytes { RedisText.cleaned($0) })
        case UInt8(ascii: ":"): return .integer(try number())
        case UInt8(ascii: "$"):
            let count = try number()
            if count == -1 { return .nilValue }
            guard 0...ReplyLimits().maxReplyBytes ~= Int(count) else { throw .malformed }
            // hiredis takes the two bytes after a string for an end of line, whatever they are.
            guard rest.count >= Int(count) + 2 else { throw .incomplete }
            defer { rest = rest.dropFirst(Int(count) + 2) }
            return .bulk(Array(rest.prefix(Int(count))))
        case UInt8(ascii: "*"):
            let count = try number()
            if count == -1 { return .nilValue }
            let most = isDropped ? ReplyLimits().maxValues : ReplyLimits().maxElements
            guard 0...most ~= Int(count) else { throw .malformed }
            guard count == 0 || depth < ReplyLimits().maxDepth else { throw .malformed }
            var elements: [RedisValue] = []
            for _ in 0..<count {
                let isPayload = depth == 0 && Self.isPayload(of: elements, in: Int(count))
                elements.append(try value(depth: depth + 1, isDropped: isDropped || isPayload))
            }
            return .array(elements)
        default: throw .malformed
        }
    }

    /// Whether the value after these elements of an array is the payload of a message.
    private static func isPayload(of elements: [RedisValue], in count: Int) -> Bool {
        guard elements.count == count - 1, case .bulk(let word)? = elements.first else { return false }
        switch String(decoding: word, as: UTF8.self) {
        case "message", "smessage": return count == 3
        case "pmessage": return count == 4
        default: return false
        }
    }

    private mutating func line() throws(End) -> [UInt8] {
        for index in rest.indices.dropLast() where rest[index] == 13 && rest[index + 1] == 10 {
            defer { rest = rest[(index + 2)...] }
            return Array(rest[..<index])
        }
        throw .incomplete
    }

    /// A number as Redis writes it: the only sign is a minus, and there are no leading zeros.
    private mutating func number() throws(End) -> Int64 {
        let text = String(decoding: try line(), as: UTF8.self)
        guard let number = Int64(text), String(number) == text else { throw .malformed }
        return number
    }

    private static func deliver(_ value: RedisValue, to sink: ReplySink) throws(End) {
        switch value {
        case .integer(let number): sink.integer(number)
        case .array(let elements):
            guard case .bulk(let word)? = elements.first,
                let kind = PushKind(rawValue: String(decoding: word, as: UTF8.self))
            else { return sink.reply(value) }
            try deliver(kind, Array(elements.dropFirst()), to: sink)
        default: sink.reply(value)
        }
    }

    private enum PushKind: String {
        case message, smessage, pmessage, subscribe, unsubscribe, psubscribe, punsubscribe, ssubscribe, sunsubscribe
    }

    private static func deliver(_ kind: PushKind, _ elements: [RedisValue], to sink: ReplySink) throws(End) {
        switch (kind, elements.count) {
        case (.message, 2), (.smessage, 2):
            guard case .bulk(let channel) = elements[0] else { break }
            guard case .bulk(let payload) = elements[1] else { return sink.oddMessage() }
            return lend(channel) { channel in lend(payload) { sink.message(channel: channel, payload: $0) } }
        case (.pmessage, 3):
            guard case .bulk(let pattern) = elements[0], case .bulk(let channel) = elements[1] else { break }
            guard case .bulk(let payload) = elements[2] else { return sink.oddMessage() }
            return lend(pattern) { pattern in
                lend(channel) { channel in
                    lend(payload) { sink.patternMessage(pattern: pattern, channel: channel, payload: $0) }
                }
            }
        case (.subscribe, 2), (.unsubscribe, 2), (.psubscribe, 2), (.punsubscribe, 2),
            (.ssubscribe, 2), (.sunsubscribe, 2):
            guard let verb = SubscribeVerb(word: kind.rawValue),
                case .integer(let count) = elements[1], count >= 0
            else { break }
            if case .bulk(let name) = elements[0] {
                return lend(name) { sink.confirmation(verb, name: $0, count: count) }
            }
            guard elements[0] == .nilValue, [.unsubscribe, .punsubscribe, .sunsubscribe].contains(verb) else { break }
            return sink.confirmation(verb, name: nil, count: count)
        default: break
        }
        throw .malformed
    }

    private static func lend(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeBytes(body)
    }
}
