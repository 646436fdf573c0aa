internal import Configuration

/// One line for people: words, and pairs of a name and a value. No value can break the line or forge another pair.
struct TextLine {
    private(set) var text: String

    /// `start` is taken as it is.
    init(_ start: String) {
        text = start
    }

    /// Adds a word of our own, as it is.
    mutating func add(_ word: String) {
        text += " " + word
    }

    /// Adds text from outside, in quotes unless it is plain.
    mutating func addName(_ name: String) {
        text += " " + Self.plainOrQuoted(name)
    }

    /// Adds text from outside, in quotes.
    mutating func addQuoted(_ value: String) {
        text += " " + quoted(value, limit: .max)
    }

    /// Adds `name=value`, with the value in quotes unless it is plain.
    mutating func add(_ name: String, _ value: String) {
        text += " \(name)=" + Self.plainOrQuoted(value)
    }

    mutating func add(_ name: String, _ value: UInt64) {
        text += " \(name)=\(value)"
    }

    /// The value, in quotes unless it is plain: not empty, and printable ASCII without spaces, quotes, `=` and
    /// backslashes.
    static func plainOrQuoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "="), UInt8(ascii: "\\"): false
            default: byte > 0x20 && byte < 0x7f
            }
        }
        return isPlain && !value.isEmpty ? value : quoted(value, limit: .max)
    }
}
