internal import RelayCore

/// A frame of the relay, with only what a run needs of it, decoded without copying.
enum RelayEvent {
    case welcome(isUp: Bool, relayVersion: String)
    case message(payload: UnsafeRawBufferPointer)
    case reply(id: UInt64, isOK: Bool, detail: UnsafeRawBufferPointer?)
    case status(isUp: Bool)
    /// Messages that the relay dropped for this connection.
    case loss(messages: UInt64)
    case error(detail: String)
    case revoked
    case other

    /// Decodes the body of one frame.
    /// - Throws: `WireError` for bytes that are not a protobuf message.
    @inline(__always)
    static func decode(_ body: UnsafeRawBufferPointer) throws(WireError) -> RelayEvent {
        var reader = WireReader(body)
        guard let frame = try reader.next(), case .bytes(let content) = frame.value else { return .other }
        switch frame.number {
        case 2: return .message(payload: try text(content))
        case 3: return try reply(content)
        case 1: return try welcome(content)
        case 4: return .status(isUp: try isUp(content))
        case 5: return .loss(messages: try number(2, of: content))
        case 6: return .error(detail: String(decoding: try text(content), as: UTF8.self))
        case 7: return .revoked
        default: return .other
        }
    }

    /// Field 2: the payload of a Message, or the detail of an Error.
    @inline(__always)
    private static func text(_ content: UnsafeRawBufferPointer) throws(WireError) -> UnsafeRawBufferPointer {
        try bytes(2, of: content) ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }

    @inline(__always)
    private static func reply(_ content: UnsafeRawBufferPointer) throws(WireError) -> RelayEvent {
        var reader = WireReader(content)
        var (id, outcome): (UInt64, UInt64) = (0, 0)
        var detail: UnsafeRawBufferPointer?
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let value)): id = value
            case (2, .varint(let value)): outcome = value
            case (4, .bytes(let text)): detail = text
            default: continue
            }
        }
        return .reply(id: id, isOK: outcome == UInt64(Outcome.ok.rawValue), detail: detail)
    }

    private static func welcome(_ content: UnsafeRawBufferPointer) throws(WireError) -> RelayEvent {
        let version = try bytes(2, of: content).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let status = try bytes(5, of: content)
        return .welcome(isUp: try status.map(isUp) ?? false, relayVersion: version)
    }

    private static func isUp(_ status: UnsafeRawBufferPointer) throws(WireError) -> Bool {
        try number(1, of: status) == UInt64(State.up.rawValue)
    }

    /// The last field with this number that has bytes.
    @inline(__always)
    private static func bytes(
        _ number: UInt32, of content: UnsafeRawBufferPointer
    ) throws(WireError) -> UnsafeRawBufferPointer? {
        var reader = WireReader(content)
        var found: UnsafeRawBufferPointer?
        while let field = try reader.next() {
            if field.number == number, case .bytes(let bytes) = field.value { found = bytes }
        }
        return found
    }

    private static func number(_ number: UInt32, of content: UnsafeRawBufferPointer) throws(WireError) -> UInt64 {
        var reader = WireReader(content)
        var found: UInt64 = 0
        while let field = try reader.next() {
            if field.number == number, case .varint(let value) = field.value { found = value }
        }
        return found
    }
}
