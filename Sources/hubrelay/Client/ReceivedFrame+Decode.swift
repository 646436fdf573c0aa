internal import RelayCore

extension ReceivedFrame {
    /// Decodes the body of one frame by the rules of proto3.
    ///
    /// - Throws: `WireError` for bytes that are not a protobuf message.
    static func decode(_ body: UnsafeRawBufferPointer) throws(WireError) -> ReceivedFrame {
        var reader = WireReader(body)
        var frame = ReceivedFrame.unknown
        while let field = try reader.next() {
            guard case .bytes(let content) = field.value else { continue }
            switch field.number {
            case 1: frame = .welcome(try Welcome(content))
            case 2: frame = .message(try Message(content))
            case 3: frame = .reply(try Reply(content))
            case 4: frame = .status(try Status(content))
            case 5: frame = .loss(try Loss(content))
            case 6: frame = try decodeError(content)
            case 7: frame = try decodeRevoked(content)
            default: continue
            }
        }
        return frame
    }

    private static func decodeError(_ content: UnsafeRawBufferPointer) throws(WireError) -> ReceivedFrame {
        var code: UInt64 = 0
        var detail = ""
        var reader = WireReader(content)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let value)): code = value
            case (2, .bytes(let bytes)): detail = text(bytes)
            default: continue
            }
        }
        return .error(code: code, detail: detail)
    }

    private static func decodeRevoked(_ content: UnsafeRawBufferPointer) throws(WireError) -> ReceivedFrame {
        var channels: [String] = []
        var patterns: [String] = []
        var detail = ""
        var reader = WireReader(content)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let bytes)): channels.append(text(bytes))
            case (2, .bytes(let bytes)): patterns.append(text(bytes))
            case (3, .bytes(let bytes)): detail = text(bytes)
            default: continue
            }
        }
        return .revoked(channels: channels, patterns: patterns, detail: detail)
    }
}

/// Text for people. Bytes that are not UTF-8 become U+FFFD.
private func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
}

extension ReceivedFrame.Welcome {
    fileprivate init(_ content: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(content)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let value)): version = UInt32(truncatingIfNeeded: value)
            case (2, .bytes(let bytes)): relayVersion = text(bytes)
            case (3, .bytes(let bytes)): relayID = text(bytes)
            case (4, .varint(let value)): maxFrameBytes = UInt32(truncatingIfNeeded: value)
            case (5, .bytes(let bytes)): status = try ReceivedFrame.Status(bytes)
            case (6, .varint(let value)): maxPayloadBytes = UInt32(truncatingIfNeeded: value)
            default: continue
            }
        }
    }
}

extension ReceivedFrame.Message {
    fileprivate init(_ content: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(content)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let bytes)): channel = text(bytes)
            case (2, .bytes(let bytes)): payload = Array(bytes)
            case (3, .bytes(let bytes)): pattern = bytes.isEmpty ? nil : text(bytes)
            default: continue
            }
        }
    }
}

extension ReceivedFrame.Reply {
    fileprivate init(_ content: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(content)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let value)): id = value
            case (2, .varint(let value)): outcome = value
            case (3, .varint(let value)): receivers = value
            case (4, .bytes(let bytes)): detail = text(bytes)
            case (5, .bytes(let bytes)): channels.append(text(bytes))
            case (6, .bytes(let bytes)): patterns.append(text(bytes))
            default: continue
            }
        }
    }
}

extension ReceivedFrame.Status {
    fileprivate init(_ content: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(content)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let value)): state = value
            case (2, .bytes(let bytes)): reason = text(bytes)
            case (3, .varint(let value)): sinceUnixMilliseconds = value
            case (4, .varint(let value)): outages = value
            case (5, .varint(let value)): downMilliseconds = value
            case (6, .varint(let value)): publishing = value != 0
            case (7, .varint(let value)): receiving = value != 0
            case (8, .varint(let value)): gaps = value
            case (9, .varint(let value)): cause = value
            default: continue
            }
        }
    }
}

extension ReceivedFrame.Loss {
    fileprivate init(_ content: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(content)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .varint(let value)): publishes = value
            case (2, .varint(let value)): messages = value
            case (3, .bytes(let bytes)): reason = text(bytes)
            case (4, .varint(let value)): publishesUnknown = value
            case (5, .varint(let value)): cause = value
            default: continue
            }
        }
    }
}
