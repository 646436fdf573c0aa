/// Commands as Redis reads them: arrays of bulk strings (Redis serialization protocol specification). PUBLISH, which is
/// frequent, is written by the core's `PublishQueue`.
package enum RedisCommand {
    /// A command of a few arguments, of which the first is its name. An argument may be empty, and may have any bytes.
    package static func bytes(_ arguments: [[UInt8]]) -> [UInt8] {
        var bytes = Array("*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            bytes += "$\(argument.count)\r\n".utf8
            bytes += argument
            bytes += [13, 10]
        }
        return bytes
    }

    /// A command of arguments that are text, as UTF-8.
    package static func bytes(_ arguments: [String]) -> [UInt8] { bytes(arguments.map { Array($0.utf8) }) }

    /// A Redis glob pattern that matches only `bytes`, also in front of another pattern. Redis knows `*`, `?`, `[` and
    /// `\`. What is special within brackets is not special outside them.
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
}
