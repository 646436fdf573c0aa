import RelayCore

/// What apps and Redis write. The cases have their own encoders, since the relay writes none of these.
enum Frames {
    /// 16 bytes, a usual name for a room or a user of an app.
    static let channel = "room.4711:events"
    static let payload = [UInt8](repeating: UInt8(ascii: "x"), count: 200)

    /// The field numbers of `ClientFrame` in the schema.
    private enum Kind: UInt8 { case hello = 1, publish, subscribe, unsubscribe, ping }

    static func hello() -> [UInt8] { frame(.hello, field(1, 1)) }
    static func ping(id: Int) -> [UInt8] { frame(.ping, field(1, id)) }

    /// The ids are 1 to `count`, which must be under 128.
    static func publishes(_ count: Int) -> [UInt8] {
        (1...count).flatMap { frame(.publish, field(1, Array(channel.utf8)) + field(2, payload) + field(3, $0)) }
    }

    /// The names must be shorter than 128 bytes.
    static func subscribe(_ names: [String], isPattern: Bool = false) -> [UInt8] {
        frame(.subscribe, requestFields(names, isPattern: isPattern))
    }

    static func unsubscribe(_ names: [String]) -> [UInt8] { frame(.unsubscribe, requestFields(names)) }

    private static func requestFields(_ names: [String], isPattern: Bool = false) -> [UInt8] {
        var fields = field(1, 1)
        for name in names {
            // Without an array for each name, since there may be 100,000.
            fields.append(isPattern ? 3 << 3 | 2 : 2 << 3 | 2)
            fields.append(UInt8(name.utf8.count))
            fields.append(contentsOf: name.utf8)
        }
        return fields
    }

    /// The size of a frame to an app that has one field with `count` bytes of fields in it.
    static func size(ofFields count: Int) -> Int { 4 + 1 + varint(count).count + count }

    private static func frame(_ kind: Kind, _ fields: [UInt8]) -> [UInt8] {
        let body = field(Int(kind.rawValue), fields)
        return withUnsafeBytes(of: UInt32(body.count).bigEndian, Array.init) + body
    }

    static func field(_ number: Int, _ value: Int) -> [UInt8] { [UInt8(number << 3)] + varint(value) }

    static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        [UInt8(number << 3 | 2)] + varint(bytes.count) + bytes
    }

    private static func varint(_ value: Int) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
    }

    /// A RESP array of bulk strings.
    static func resp(_ strings: [UInt8]...) -> [UInt8] {
        Array("*\(strings.count)\r\n".utf8)
            + strings.flatMap { Array("$\($0.count)\r\n".utf8) + $0 + Array("\r\n".utf8) }
    }
}

/// A copy that is never freed: the process ends with its only case.
func permanent(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    copy.copyBytes(from: bytes)
    return UnsafeRawBufferPointer(copy)
}

func permanent(_ text: String) -> UnsafeRawBufferPointer { permanent(Array(text.utf8)) }
