internal import RelayCore

/// The frames that the small commands send, whole: the length, the kind, the fields.
enum RequestFrames {
    private enum Kind: UInt8 {
        case hello = 1
        case publish, subscribe
    }

    static func hello(clientName: String) -> [UInt8] {
        let version = UInt64(protocolVersion)
        let count = WireWriter.size(ofField: version) + WireWriter.size(ofText: clientName)
        return frame(.hello, count) { writer in
            writer.field(1, version)
            writer.field(2, clientName)
        }
    }

    static func publish(channel: String, payload: [UInt8], id: UInt64) -> [UInt8] {
        let count =
            WireWriter.size(ofText: channel) + (payload.isEmpty ? 0 : WireWriter.size(ofBytes: payload.count))
            + WireWriter.size(ofField: id)
        return frame(.publish, count) { writer in
            writer.field(1, channel)
            payload.withUnsafeBytes { writer.field(2, $0) }
            writer.field(3, id)
        }
    }

    /// A Subscribe for names, which are either all channels or all patterns.
    static func subscribe(names: [String], arePatterns: Bool, id: UInt64) -> [UInt8] {
        let count =
            WireWriter.size(ofField: id)
            + names.reduce(0) { $0 + WireWriter.size(ofBytes: $1.utf8.count) }
        return frame(.subscribe, count) { writer in
            writer.field(1, id)
            for name in names {
                var name = name
                name.withUTF8 {
                    writer.field(arePatterns ? 3 : 2, UnsafeRawBufferPointer($0), always: true)
                }
            }
        }
    }

    /// Splits names into groups that each fit a Subscribe frame of `maxFrameBytes`. A name that fits no frame is a
    /// group of its own.
    static func groups(of names: [String], maxFrameBytes: Int) -> [[String]] {
        // At most 1 + 10 bytes for the kind and its length, and 1 + 10 for the id.
        let room = maxFrameBytes - 22
        var groups: [[String]] = []
        var used = Int.max
        for name in names {
            let size = WireWriter.size(ofBytes: name.utf8.count)
            if used > room - size {
                groups.append([])
                used = 0
            }
            groups[groups.count - 1].append(name)
            used += size
        }
        return groups
    }

    private static func frame(_ kind: Kind, _ count: Int, _ write: (inout WireWriter) -> Void) -> [UInt8] {
        let total = 4 + 1 + WireWriter.size(ofVarint: UInt64(count)) + count
        return [UInt8](unsafeUninitializedCapacity: total) { buffer, initialized in
            guard let start = buffer.baseAddress else { return }
            var writer = WireWriter(start)
            writer.frameLength(total - 4)
            writer.header(kind.rawValue, count: count)
            write(&writer)
            precondition(writer.position == start + total, "a frame has another size than computed")
            initialized = total
        }
    }
}
