internal import CHiredis

/// Commands as Redis reads them (RESP arrays of strings), written by hiredis. For everything that is not hot:
/// each command takes one allocation.
package enum CommandFormatter {
    /// Calls `body` with the command, which is valid only during the call. `arguments` begins with the command's
    /// name and must not be empty; an argument may be empty and may have any bytes.
    package static func format(
        _ arguments: [UnsafeRawBufferPointer], _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        var pointers: [UnsafePointer<CChar>?] = []
        var lengths: [Int] = []
        pointers.reserveCapacity(arguments.count)
        lengths.reserveCapacity(arguments.count)
        withUnsafePointer(to: CChar(0)) { empty in
            for argument in arguments {
                // hiredis copies from each pointer, also no bytes: none may be null.
                pointers.append(argument.baseAddress?.assumingMemoryBound(to: CChar.self) ?? empty)
                lengths.append(argument.count)
            }
            write(&pointers, lengths, body)
        }
    }

    /// The same for text, as UTF-8.
    package static func format(_ arguments: [String], _ body: (UnsafeRawBufferPointer) -> Void) {
        var text: [UInt8] = []
        var ends: [Int] = []
        for argument in arguments {
            text.append(contentsOf: argument.utf8)
            ends.append(text.count)
        }
        text.withUnsafeBytes { text in
            var start = 0
            format(
                ends.map { end in
                    defer { start = end }
                    return UnsafeRawBufferPointer(rebasing: text[start..<end])
                }, body)
        }
    }

    /// A Redis glob pattern that matches `bytes` and nothing else, also in front of another pattern. Redis knows
    /// `*`, `?`, `[` and `\`; what is special within brackets is not so outside them.
    package static func escapeGlob(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var escaped: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "\\"):
                escaped.append(UInt8(ascii: "\\"))
            default: break
            }
            escaped.append(byte)
        }
        return escaped
    }

    /// Calls `body` with the command that `pointers` and `lengths` make; no pointer may be null.
    static func write(
        _ pointers: inout [UnsafePointer<CChar>?], _ lengths: [Int], _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        precondition(!pointers.isEmpty && pointers.count == lengths.count)
        var command: UnsafeMutablePointer<CChar>?
        let count = redisFormatCommandArgv(&command, Int32(pointers.count), &pointers, lengths)
        guard count > 0 else { fatalError("out of memory") }
        defer { redisFreeCommand(command) }
        body(UnsafeRawBufferPointer(start: command, count: Int(count)))
    }
}
