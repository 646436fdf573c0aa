/// Writes JSON (RFC 8259) piece by piece. It adds commas and quotes. The caller must write keys and values alternately
/// inside an object.
package struct JSONWriter {
    /// What has been written so far, on one line.
    package private(set) var text = ""
    private var needsComma = false

    package init() {}

    /// An object: `body` writes keys and values, or members.
    package mutating func object(_ body: (inout JSONWriter) -> Void) { nested("{", "}", body) }

    /// An array: `body` writes values.
    package mutating func array(_ body: (inout JSONWriter) -> Void) { nested("[", "]", body) }

    /// A key, to be followed by one value.
    package mutating func key(_ key: String) {
        separate()
        appendQuoted(key)
        text += ":"
        needsComma = false
    }

    /// A string. Control characters are escaped, so that a line of output stays one line.
    package mutating func string(_ value: String) {
        separate()
        appendQuoted(value)
    }

    /// An integer, exactly; many readers lose digits beyond 2^53.
    package mutating func number(_ value: UInt64) { raw("\(value)") }

    /// An integer, exactly.
    package mutating func number(_ value: Int) { raw("\(value)") }

    /// A number with a fraction; NaN and infinities, which JSON does not have, become null.
    package mutating func number(_ value: Double) { raw(value.isFinite ? "\(value)" : "null") }

    /// true or false.
    package mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    /// null.
    package mutating func null() { raw("null") }

    /// A number or a word that is already JSON, as it is.
    package mutating func word(_ value: String) { raw(value) }

    // MARK: Members of an object

    /// A key and a string; null if there is none.
    package mutating func member(_ key: String, _ value: String?) {
        self.key(key)
        if let value { string(value) } else { null() }
    }

    /// A key and an integer.
    package mutating func member(_ key: String, _ value: UInt64) {
        self.key(key)
        number(value)
    }

    /// A key and an integer.
    package mutating func member(_ key: String, _ value: Int) {
        self.key(key)
        number(value)
    }

    /// A key and a number with a fraction; null if there is none.
    package mutating func member(_ key: String, _ value: Double?) {
        self.key(key)
        if let value { number(value) } else { null() }
    }

    /// A key and true or false.
    package mutating func member(_ key: String, _ value: Bool) {
        self.key(key)
        bool(value)
    }

    /// A key and an array of strings.
    package mutating func member(_ key: String, _ values: [String]) {
        self.key(key)
        array { json in
            for value in values { json.string(value) }
        }
    }

    /// A key and an object, whose members `body` writes.
    package mutating func member(_ key: String, object body: (inout JSONWriter) -> Void) {
        self.key(key)
        object(body)
    }

    // MARK: Text

    private mutating func nested(_ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
        separate()
        text += open
        needsComma = false
        body(&self)
        text += close
        needsComma = true
    }

    private mutating func raw(_ value: String) {
        separate()
        text += value
    }

    private mutating func separate() {
        if needsComma { text += "," }
        needsComma = true
    }

    private mutating func appendQuoted(_ value: String) {
        text += "\""
        defer { text += "\"" }
        // Nearly every text needs no escapes.
        let needsEscapes = value.utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
        guard needsEscapes else { return text += value }
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
