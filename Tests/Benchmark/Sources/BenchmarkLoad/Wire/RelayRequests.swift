internal import RelayCore

/// The frames that a run sends to the relay, except publishes.
enum RelayRequests {
    static func hello() -> [UInt8] {
        let name = "hubrelay-bench"
        let version = UInt64(protocolVersion)
        return frame(1, WireWriter.size(ofField: version) + WireWriter.size(ofText: name)) { writer in
            writer.field(1, version)
            writer.field(2, name)
        }
    }

    /// Asks for the channels of a range of indexes.
    static func subscribe(_ indexes: Range<Int>, of names: ChannelNames, id: UInt64) -> [UInt8] {
        let count = WireWriter.size(ofField: id) + indexes.count * WireWriter.size(ofBytes: names.byteCount)
        return frame(3, count) { writer in
            writer.field(1, id)
            var name: [UInt8] = []
            for index in indexes {
                name.removeAll(keepingCapacity: true)
                names.append(index, to: &name)
                name.withUnsafeBytes { writer.field(2, $0) }
            }
        }
    }

    private static func frame(_ kind: UInt8, _ count: Int, _ write: (inout WireWriter) -> Void) -> [UInt8] {
        let total = 4 + WireWriter.size(ofBytes: count)
        return [UInt8](unsafeUninitializedCapacity: total) { buffer, initialized in
            guard let start = buffer.baseAddress else { return }
            var writer = WireWriter(start)
            writer.frameLength(total - 4)
            writer.header(kind, count: count)
            write(&writer)
            precondition(writer.position == start + total, "a frame has another size than computed")
            initialized = total
        }
    }
}
