/// The scalar values of a JSON text with their paths, in order: `links.publish.address`, `names.0`.
///
/// Enough of RFC 8259 to show any document to a person. Nothing is interpreted, so a field that a later relay adds is
/// shown as well.
struct JSONFields {
    /// The text is not JSON that can be shown.
    struct Malformed: Error {}

    struct Field: Equatable {
        var path: String
        /// Strings without their quotes and escapes; numbers and words as they are written.
        var value: String
        /// Whether the value is a string, and not a number or word.
        var isText = false
    }

    private var rest: Substring.UTF8View
    private var fields: [Field] = []

    private init(_ text: String) {
        rest = text[...].utf8
    }

    /// - Throws: ``Malformed`` for anything but one JSON value, and for one that is nested deeper than 32.
    static func parse(_ text: String) throws(Malformed) -> [Field] {
        var parser = JSONFields(text)
        try parser.value(path: "", depth: 0)
        parser.skipSpaces()
        guard parser.rest.isEmpty else { throw Malformed() }
        return parser.fields
    }

    private mutating func value(path: String, depth: Int) throws(Malformed) {
        guard depth < 32 else { throw Malformed() }
        skipSpaces()
        switch rest.first {
        case UInt8(ascii: "{"): try members(path: path, depth: depth)
        case UInt8(ascii: "["): try elements(path: path, depth: depth)
        case UInt8(ascii: "\""): fields.append(Field(path: path, value: try string(), isText: true))
        default: fields.append(Field(path: path, value: try word()))
        }
    }

    private mutating func members(path: String, depth: Int) throws(Malformed) {
        rest.removeFirst()
        if take("}") { return }
        repeat {
            skipSpaces()
            guard rest.first == UInt8(ascii: "\"") else { throw Malformed() }
            let name = try string()
            guard take(":") else { throw Malformed() }
            try value(path: path.isEmpty ? name : "\(path).\(name)", depth: depth + 1)
        } while take(",")
        guard take("}") else { throw Malformed() }
    }

    private mutating func elements(path: String, depth: Int) throws(Malformed) {
        rest.removeFirst()
        if take("]") { return }
        var index = 0
        repeat {
            try value(path: path.isEmpty ? "\(index)" : "\(path).\(index)", depth: depth + 1)
            index += 1
        } while take(",")
        guard take("]") else { throw Malformed() }
    }

    /// A number, `true`, `false` or `null`. Numbers are not checked more closely.
    private mutating func word() throws(Malformed) -> String {
        let bytes = rest.prefix { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
            case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E"): true
            default: false
            }
        }
        guard let first = bytes.first else { throw Malformed() }
        let text = String(Substring(bytes))
        guard first < UInt8(ascii: "a") || ["true", "false", "null"].contains(text) else { throw Malformed() }
        rest.removeFirst(bytes.count)
        return text
    }

    private mutating func string() throws(Malformed) -> String {
        rest.removeFirst()
        var units: [UInt16] = []
        var text = ""
        func flush() {
            text += String(decoding: units, as: UTF16.self)
            units = []
        }
        while true {
            let plain = rest.prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20 }
            if !plain.isEmpty {
                flush()
                text += String(Substring(plain))
                rest.removeFirst(plain.count)
            }
            switch rest.popFirst() {
            case UInt8(ascii: "\""):
                flush()
                return text
            case UInt8(ascii: "\\"): units.append(try escape())
            default: throw Malformed()
            }
        }
    }

    /// One UTF-16 unit. Surrogate pairs are joined where the text is made.
    private mutating func escape() throws(Malformed) -> UInt16 {
        switch rest.popFirst() {
        case UInt8(ascii: "n"): return 0x0a
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "r"): return 0x0d
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0c
        case UInt8(ascii: "u"):
            let digits = rest.prefix(4)
            // Swift's integers may be written with a sign.
            guard digits.count == 4, digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-"),
                let unit = UInt16(Substring(digits), radix: 16)
            else { throw Malformed() }
            rest.removeFirst(4)
            return unit
        case let byte? where "\"\\/".utf8.contains(byte): return UInt16(byte)
        default: throw Malformed()
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpaces()
        guard let byte = rest.first, byte == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func skipSpaces() {
        while let byte = rest.first, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { rest.removeFirst() }
    }
}
