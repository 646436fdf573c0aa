/// One reply of Redis (RESP2).
package enum RedisValue: Equatable, Sendable {
    case status(String)
    case error(String)
    case integer(Int)
    case bulk([UInt8])
    case null
    case array([RedisValue])

    package var integer: Int? {
        if case .integer(let value) = self { return value }
        return nil
    }

    package var bytes: [UInt8]? {
        if case .bulk(let bytes) = self { return bytes }
        return nil
    }

    package var text: String? {
        switch self {
        case .status(let text), .error(let text): text
        case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        case .integer, .null, .array: nil
        }
    }

    package var array: [RedisValue]? {
        if case .array(let values) = self { return values }
        return nil
    }
}

/// Parses RESP2 from bytes that arrive in pieces. It trusts its input, because the tests started the server that
/// replies.
struct RedisReplyParser {
    private var bytes: [UInt8] = []
    private var position = 0

    mutating func feed(_ more: [UInt8]) {
        if position > 0 {
            bytes.removeFirst(position)
            position = 0
        }
        bytes += more
    }

    /// The next whole reply; nil if it is not complete yet.
    mutating func next() -> RedisValue? {
        var cursor = position
        guard let value = value(at: &cursor) else { return nil }
        position = cursor
        return value
    }

    private func value(at cursor: inout Int) -> RedisValue? {
        guard let line = line(at: &cursor), let kind = line.first else { return nil }
        let rest = String(decoding: line.dropFirst(), as: UTF8.self)
        switch kind {
        case UInt8(ascii: "+"): return .status(rest)
        case UInt8(ascii: "-"): return .error(rest)
        case UInt8(ascii: ":"): return .integer(Int(rest) ?? 0)
        case UInt8(ascii: "$"):
            guard let count = Int(rest), count >= 0 else { return .null }
            guard cursor + count + 2 <= bytes.count else { return nil }
            defer { cursor += count + 2 }
            return .bulk(Array(bytes[cursor..<cursor + count]))
        default:
            guard let count = Int(rest), count >= 0 else { return .null }
            var values: [RedisValue] = []
            for _ in 0..<count {
                guard let element = value(at: &cursor) else { return nil }
                values.append(element)
            }
            return .array(values)
        }
    }

    private func line(at cursor: inout Int) -> ArraySlice<UInt8>? {
        guard let end = bytes[cursor...].firstIndex(of: UInt8(ascii: "\r")), end + 1 < bytes.count else {
            return nil
        }
        defer { cursor = end + 2 }
        return bytes[cursor..<end]
    }
}
