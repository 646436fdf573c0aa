/// Where the error is in a frame that cannot be decoded. It is searched only after decoding has failed, so valid frames
/// cost nothing for it.
struct FrameFault: Equatable {
    let error: WireError
    /// The field, such as `publish.channel`; by its number, such as `publish.9`, if this version does not know it.
    let field: String

    /// For people, in an Error frame and the log.
    var text: String { "\(field) is invalid: \(error.explanation)" }

    /// The kinds of a ClientFrame and their fields, numbered from 1. The fields with numbers in `texts` must be UTF-8.
    private static let kinds: [(name: String, fields: [String], texts: ClosedRange<UInt32>?)] = [
        ("hello", ["version", "client_name"], 2...2), ("publish", ["channel", "payload", "id"], 1...1),
        ("subscribe", ["id", "channels", "patterns"], 2...3), ("unsubscribe", ["id", "channels", "patterns"], 2...3),
        ("ping", ["id", "settled"], nil),
    ]

    /// - Parameter body: the body of a frame for which `ClientFrame.decodeAny` has thrown.
    /// - Returns: nil if nothing is wrong with it.
    init?(in body: UnsafeRawBufferPointer) {
        var kind: UInt32 = 0
        var content = UnsafeRawBufferPointer(start: nil, count: 0)
        let outer = Self.firstFault(in: body, texts: nil) { number, bytes in
            if 1...5 ~= number { (kind, content) = (number, bytes) }
        }
        if let outer {
            let isKnown = 1...5 ~= outer.number
            (error, field) = (outer.error, isKnown ? Self.kinds[Int(outer.number) - 1].name : "field \(outer.number)")
            return
        }
        guard kind != 0 else { return nil }
        let (name, fields, texts) = Self.kinds[Int(kind) - 1]
        guard let inner = Self.firstFault(in: content, texts: texts, { _, _ in }) else { return nil }
        error = inner.error
        let isKnown = 1...UInt32(fields.count) ~= inner.number
        field = "\(name).\(isKnown ? fields[Int(inner.number) - 1] : "\(inner.number)")"
    }

    /// The number of the first field that is wrong; 0 if not even that can be read.
    private static func firstFault(
        in bytes: UnsafeRawBufferPointer, texts: ClosedRange<UInt32>?,
        _ visit: (UInt32, UnsafeRawBufferPointer) -> Void
    ) -> (error: WireError, number: UInt32)? {
        var reader = WireReader(bytes)
        while true {
            let start = bytes.count - reader.bytesLeft
            do throws(WireError) {
                guard let field = try reader.next() else { return nil }
                guard case .bytes(let content) = field.value else { continue }
                if texts?.contains(field.number) == true, !isValidUTF8(content) { return (.badUTF8, field.number) }
                visit(field.number, content)
            } catch {
                return (error, number(at: start, of: bytes))
            }
        }
    }

    /// The field number in the tag that begins at `start`; 0 if there is none.
    private static func number(at start: Int, of bytes: UnsafeRawBufferPointer) -> UInt32 {
        var tag: UInt64 = 0
        for (index, byte) in bytes[start...].prefix(5).enumerated() {
            tag |= UInt64(byte & 0x7f) << (7 * UInt64(index))
            if byte < 0x80 { return UInt32(truncatingIfNeeded: tag >> 3) }
        }
        return 0
    }
}

extension WireError {
    /// For people, in an Error frame.
    var explanation: String {
        switch self {
        case .truncated: "a field ends beyond its message"
        case .varintTooLong: "a varint of over ten bytes"
        case .badFieldNumber: "a field number out of range"
        case .badWireType: "a group or an unknown wire type"
        case .badUTF8: "a string that is not UTF-8"
        }
    }
}
