/// Builds `SUBSCRIBE name name ...`, and the three commands like it, out of many names. The buffers are used again
/// for the next batch, so that restoring 100,000 subscriptions does not allocate for each.
///
/// `begin`, then `append` for each name, then `finish`. The caller bounds the names of a batch.
package final class CommandBatch {
    private var bytes: [UInt8] = []
    /// Where each argument ends in `bytes`, the verb first.
    private var ends: [Int] = []
    private var pointers: [UnsafePointer<CChar>?] = []
    private var lengths: [Int] = []

    package init() {}

    /// Names that were appended since `begin`.
    package var count: Int { max(0, ends.count - 1) }

    /// Begins a command, and forgets one that was not finished.
    package func begin(_ kind: SubscriptionKind) {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        kind.command.withUTF8Buffer { bytes.append(contentsOf: $0) }
        ends.append(bytes.count)
    }

    /// Adds one name, `prefix` and `name` joined as they are. For a pattern, `prefix` is what
    /// ``CommandFormatter/escapeGlob(_:)`` made of the prefix. Only between `begin` and `finish`.
    package func append(prefix: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer) {
        precondition(!ends.isEmpty, "CommandBatch.append before begin")
        bytes.append(contentsOf: prefix)
        bytes.append(contentsOf: name)
        ends.append(bytes.count)
    }

    /// Calls `body` with the command, which is valid only during the call, and is ready for the next `begin`.
    /// Without a name there is no command and no call: to Redis it would be an error, or mean all of them.
    package func finish(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard count > 0 else {
            ends.removeAll(keepingCapacity: true)
            return
        }
        pointers.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        bytes.withUnsafeBytes { bytes in
            let base = bytes.assumingMemoryBound(to: CChar.self).baseAddress.unsafelyUnwrapped
            var start = 0
            for end in ends {
                pointers.append(base + start)
                lengths.append(end - start)
                start = end
            }
            ends.removeAll(keepingCapacity: true)
            CommandFormatter.write(&pointers, lengths, body)
        }
    }
}
