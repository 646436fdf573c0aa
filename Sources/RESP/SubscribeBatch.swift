/// Builds `SUBSCRIBE name name ...`, and similar commands, from many names. Its memory is used again for the next
/// batch, so that restoring 100,000 subscriptions does not allocate for each.
///
/// Call `begin`, then `append` for each name, then `finish`. The caller limits the number of names in a batch.
package struct SubscribeBatch {
    private var verb: SubscribeVerb?
    /// The names, each as a bulk string.
    private var names: [UInt8] = []
    private var count = 0

    package init() {}

    /// Begins a command, and drops one that was not finished.
    package mutating func begin(_ verb: SubscribeVerb) {
        self.verb = verb
        names.removeAll(keepingCapacity: true)
        count = 0
    }

    /// Adds one name: `prefix` and `name`, joined as they are. For a pattern, `prefix` must be the result of
    /// ``RedisCommand/escapeGlob(_:)`` for the prefix.
    package mutating func append(prefix: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer) {
        names += "$\(prefix.count + name.count)\r\n".utf8
        names.append(contentsOf: prefix)
        names.append(contentsOf: name)
        names += [13, 10]
        count += 1
    }

    /// Calls `write` with the pieces of the command in their order. Each piece is valid only during its call. Without a
    /// name there is no command and no call: Redis would answer it with an error, or take it to mean all names.
    package mutating func finish(_ write: (UnsafeRawBufferPointer) -> Void) {
        guard let verb, count > 0 else { return }
        let command = verb.command
        Array("*\(count + 1)\r\n$\(command.utf8CodeUnitCount)\r\n\(command)\r\n".utf8).withUnsafeBytes(write)
        names.withUnsafeBytes(write)
        self.verb = nil
    }
}
