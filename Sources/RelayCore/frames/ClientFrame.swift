/// One frame that an app server has sent, decoded in place. Every view is valid as long as the bytes of the frame are.
package enum ClientFrame {
    case hello(version: UInt32, clientName: UnsafeRawBufferPointer)
    case publish(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, id: UInt64)
    case subscribe(NameRequest)
    case unsubscribe(NameRequest)
    /// `settled`: it is answered only after all earlier publishes of the connection.
    case ping(id: UInt64, settled: Bool)

    /// Decodes the body of a frame of any kind, field by field, by the rules of proto3: unknown fields are skipped, a
    /// field of an unexpected wire type counts as unknown, and of several values the last one counts. Nearly all frames
    /// are read by `PlainPublish`, which is tried first.
    ///
    /// - Returns: nil if the frame has no kind that this version knows.
    @inline(never)
    static func decodeAny(_ body: UnsafeRawBufferPointer) throws(WireError) -> ClientFrame? {
        var reader = WireReader(body)
        var kind: UInt32 = 0
        var content = UnsafeRawBufferPointer(start: nil, count: 0)
        while let field = try reader.next() {
            guard 1...5 ~= field.number, case .bytes(let bytes) = field.value else { continue }
            (kind, content) = (field.number, bytes)
        }
        switch kind {
        case 1: return try decodeHello(content)
        case 2: return try decodePublish(content)
        case 3: return .subscribe(try NameRequest(content))
        case 4: return .unsubscribe(try NameRequest(content))
        case 5: return try decodePing(content)
        default: return nil
        }
    }

    private static func decodeHello(_ content: UnsafeRawBufferPointer) throws(WireError) -> ClientFrame {
        var reader = WireReader(content)
        var version: UInt32 = 0
        var name = UnsafeRawBufferPointer(start: nil, count: 0)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let value)): version = UInt32(truncatingIfNeeded: value)
            case (2, .bytes(let bytes)):
                guard isValidUTF8(bytes) else { throw .badUTF8 }
                name = bytes
            default: continue
            }
        }
        return .hello(version: version, clientName: name)
    }

    private static func decodePublish(_ content: UnsafeRawBufferPointer) throws(WireError) -> ClientFrame {
        var reader = WireReader(content)
        var channel = UnsafeRawBufferPointer(start: nil, count: 0)
        var payload = channel
        var id: UInt64 = 0
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let bytes)):
                guard isValidUTF8(bytes) else { throw .badUTF8 }
                channel = bytes
            case (2, .bytes(let bytes)): payload = bytes
            case (3, .varint(let value)): id = value
            default: continue
            }
        }
        return .publish(channel: channel, payload: payload, id: id)
    }

    private static func decodePing(_ content: UnsafeRawBufferPointer) throws(WireError) -> ClientFrame {
        var reader = WireReader(content)
        var (id, settled): (UInt64, Bool) = (0, false)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let value)): id = value
            case (2, .varint(let value)): settled = value != 0
            default: continue
            }
        }
        return .ping(id: id, settled: settled)
    }
}

/// A Publish as encoders usually write it: each field at most once, in the order of their numbers, and nothing else. It
/// is recognized by comparing, which takes half of the instructions. Its views are valid as long as the bytes are.
package struct PlainPublish {
    package let channel: UnsafeRawBufferPointer
    package let payload: UnsafeRawBufferPointer
    package let id: UInt64

    /// Nil for every other frame, valid or not.
    @inline(__always)
    package init?(_ body: UnsafeRawBufferPointer) {
        var frame = WireReader(body)
        guard let content = frame.bytes(ofField: 2), frame.isAtEnd else { return nil }
        var reader = WireReader(content)
        guard let channel = reader.bytes(ofField: 1), isValidUTF8(channel) else { return nil }
        let payload = reader.bytes(ofField: 2) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let id = reader.varint(ofField: 3) ?? 0
        guard reader.isAtEnd else { return nil }
        (self.channel, self.payload, self.id) = (channel, payload, id)
    }
}

/// The names of a Subscribe or an Unsubscribe. They are checked for well-formedness when this is made, and later read
/// again from the frame's own bytes: nothing is allocated for them here, however many there are.
package struct NameRequest {
    package let id: UInt64
    /// Channels and patterns together.
    package let count: Int
    /// The fields of the request.
    let content: UnsafeRawBufferPointer

    init(_ content: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(content)
        var id: UInt64 = 0
        var count = 0
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let value)): id = value
            case (2, .bytes(let bytes)), (3, .bytes(let bytes)):
                guard isValidUTF8(bytes) else { throw .badUTF8 }
                count += 1
            default: continue
            }
        }
        (self.id, self.count, self.content) = (id, count, content)
    }

    /// The same request, after its bytes have moved.
    init(_ request: NameRequest, content: UnsafeRawBufferPointer) {
        (id, count, self.content) = (request.id, request.count, content)
    }

    /// Calls `body` with every name in the order of the frame, until it returns false.
    package func forEach(_ body: (_ name: UnsafeRawBufferPointer, _ isPattern: Bool) -> Bool) {
        var offset = 0
        _ = forEach(from: &offset, atMost: .max, body)
    }

    /// Calls `body` with the names that come after the first `offset` bytes of the request, until `limit` fields have
    /// been read or it returns false. `offset` is then behind the last field that was read.
    /// - Returns: whether it is over: there are no more names, or `body` has returned false.
    func forEach(
        from offset: inout Int, atMost limit: Int, _ body: (_ name: UnsafeRawBufferPointer, _ isPattern: Bool) -> Bool
    ) -> Bool {
        var reader = WireReader(UnsafeRawBufferPointer(rebasing: content[offset...]))
        let start = offset
        var left = limit
        while left > 0, let field = try? reader.next() {
            offset = content.count - reader.bytesLeft
            assert(offset > start, "a field is a byte long at least")
            left -= 1
            guard 2...3 ~= field.number, case .bytes(let name) = field.value else { continue }
            guard body(name, field.number == 3) else { return true }
        }
        return reader.isAtEnd
    }
}
