/// The frames that the relay sends, encoded into the arena of the turn: the length, the tag of the kind, the fields.

/// Bytes in the arena. The layout is that of `struct iovec`, so that an array of ranges goes to the kernel as it is.
package struct OutputRange {
    package var base: UnsafeMutablePointer<UInt8>
    package var count: Int

    /// An empty range. Its address is compared with others, and never read or written through.
    static var none: OutputRange { OutputRange(base: UnsafeMutablePointer(bitPattern: 1).unsafelyUnwrapped, count: 0) }
}

extension Arena {
    private enum Kind: UInt8 {
        case welcome = 1
        case message, reply, status, loss, error, revoked
    }

    /// One frame with `count` bytes of fields, exactly as many as `write` must write.
    @inline(__always)
    private mutating func frame(_ kind: Kind, _ count: Int, _ write: (inout WireWriter) -> Void) -> OutputRange {
        let body = 1 + WireWriter.size(ofVarint: UInt64(count)) + count
        let start = allocate(4 + body)
        var writer = WireWriter(start)
        writer.frameLength(body)
        writer.header(kind.rawValue, count: count)
        write(&writer)
        assert(writer.position == start + 4 + body, "a frame's computed size differs from what was written")
        return OutputRange(base: start, count: 4 + body)
    }

    /// Whether the body of a Message whose fields have `size` bytes has at most `limit` bytes.
    @inline(__always)
    static func fits(_ size: Int, within limit: Int) -> Bool { WireWriter.size(ofBytes: size) <= limit }

    /// The bytes of a Message's fields.
    @inline(__always)
    static func messageSize(
        _ channel: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ pattern: UnsafeRawBufferPointer?
    ) -> Int {
        WireWriter.size(ofBytes: channel.count)
            + (payload.isEmpty ? 0 : WireWriter.size(ofBytes: payload.count))
            + (pattern.map { WireWriter.size(ofBytes: $0.count) } ?? 0)
    }

    /// A Message. `size` is the `messageSize` of its fields, which the caller has compared with a limit.
    @inline(__always)
    mutating func message(
        channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, pattern: UnsafeRawBufferPointer?, size: Int
    ) -> OutputRange {
        frame(.message, size) { writer in
            writer.field(1, channel, always: true)
            writer.field(2, payload)
            if let pattern { writer.field(3, pattern, always: true) }
        }
    }

    /// A Reply without a detail. It is short, so it is written first and measured after that.
    @inline(__always)
    mutating func reply(id: UInt64, outcome: Outcome, receivers: UInt64) -> OutputRange {
        let headerCount = 6  // the length of the body; then the Reply's tag and length, one byte each
        let mostFields = 11 + 2 + 11
        let start = allocate(headerCount + mostFields)
        var writer = WireWriter(start + headerCount)
        writer.field(1, id)
        writer.field(2, UInt64(outcome.rawValue))
        writer.field(3, receivers)
        let count = writer.position - start - headerCount
        assert(count <= mostFields, "a varint field with a small number is at most 11 bytes long")
        giveBack(mostFields - count)
        var header = WireWriter(start)
        header.frameLength(2 + count)
        header.header(Kind.reply.rawValue, count: count)
        return OutputRange(base: start, count: headerCount + count)
    }

    /// A Reply with a detail, to a request that was not carried out.
    /// - Parameter names: the names that Redis refused.
    mutating func reply(id: UInt64, outcome: Outcome, detail: String, names: NameLists = NameLists()) -> OutputRange {
        let count =
            WireWriter.size(ofField: id) + 2 + WireWriter.size(ofText: detail) + names.size
        return frame(.reply, count) { writer in
            writer.field(1, id)
            writer.field(2, UInt64(outcome.rawValue))
            writer.field(4, detail)
            for name in names.channels { writer.field(5, name, always: true) }
            for name in names.patterns { writer.field(6, name, always: true) }
        }
    }

    mutating func status(_ status: RelayStatus) -> OutputRange {
        frame(.status, Self.size(of: status)) { Self.write(status, to: &$0) }
    }

    mutating func welcome(_ identity: RelayIdentity, status: RelayStatus) -> OutputRange {
        let statusCount = Self.size(of: status)
        let count =
            2 + WireWriter.size(ofText: identity.version) + WireWriter.size(ofText: identity.id)
            + WireWriter.size(ofField: UInt64(identity.maxFrameBytes)) + WireWriter.size(ofBytes: statusCount)
            + WireWriter.size(ofField: UInt64(identity.maxPayloadBytes))
            + identity.features.reduce(0) { $0 + WireWriter.size(ofBytes: $1.utf8.count) }
        return frame(.welcome, count) { writer in
            writer.field(1, UInt64(protocolVersion))
            writer.field(2, identity.version)
            writer.field(3, identity.id)
            writer.field(4, UInt64(identity.maxFrameBytes))
            writer.header(5, count: statusCount)
            Self.write(status, to: &writer)
            writer.field(6, UInt64(identity.maxPayloadBytes))
            for feature in identity.features { writer.field(7, feature) }
        }
    }

    mutating func loss(_ loss: LossReport) -> OutputRange {
        let count =
            WireWriter.size(ofField: loss.publishes) + WireWriter.size(ofField: loss.messages)
            + WireWriter.size(ofText: loss.reason) + WireWriter.size(ofField: loss.publishesUnknown)
            + WireWriter.size(ofField: UInt64(loss.cause.rawValue))
        return frame(.loss, count) { writer in
            writer.field(1, loss.publishes)
            writer.field(2, loss.messages)
            writer.field(3, loss.reason)
            writer.field(4, loss.publishesUnknown)
            writer.field(5, UInt64(loss.cause.rawValue))
        }
    }

    mutating func error(_ code: ErrorCode, detail: String) -> OutputRange {
        frame(.error, 2 + WireWriter.size(ofText: detail)) { writer in
            writer.field(1, UInt64(code.rawValue))
            writer.field(2, detail)
        }
    }

    mutating func revoked(_ names: NameLists, detail: String) -> OutputRange {
        frame(.revoked, names.size + WireWriter.size(ofText: detail)) { writer in
            for name in names.channels { writer.field(1, name, always: true) }
            for name in names.patterns { writer.field(2, name, always: true) }
            writer.field(3, detail)
        }
    }

    private static func size(of status: RelayStatus) -> Int {
        2 + WireWriter.size(ofText: status.reason) + WireWriter.size(ofField: status.sinceUnixMilliseconds)
            + WireWriter.size(ofField: status.outages) + WireWriter.size(ofField: status.downMilliseconds)
            + (status.publishing ? 2 : 0) + (status.receiving ? 2 : 0) + WireWriter.size(ofField: status.gaps)
            + WireWriter.size(ofField: UInt64(status.cause.rawValue))
    }

    private static func write(_ status: RelayStatus, to writer: inout WireWriter) {
        writer.field(1, UInt64(status.state.rawValue))
        writer.field(2, status.reason)
        writer.field(3, status.sinceUnixMilliseconds)
        writer.field(4, status.outages)
        writer.field(5, status.downMilliseconds)
        writer.field(6, status.publishing)
        writer.field(7, status.receiving)
        writer.field(8, status.gaps)
        writer.field(9, UInt64(status.cause.rawValue))
    }
}

/// The bytes of one Error frame on its own, for a peer that never becomes a connection.
package func encodeErrorFrame(_ code: ErrorCode, detail: String) -> [UInt8] {
    var arena = Arena()  // not copyable, so it lives to the end of the scope and not only to its last use
    let range = arena.error(code, detail: detail)
    return Array(UnsafeBufferPointer(start: range.base, count: range.count))
}
