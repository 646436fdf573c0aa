/// The escapes with which servers and proxies quote text, by the character that each begins with.
struct Escapes: OptionSet {
    let rawValue: UInt8

    /// `%41`
    static let percent = Escapes(rawValue: 1)
    /// `\x41`, `\101`, `\u0041`, `\u{41}`, `\"`
    static let backslash = Escapes(rawValue: 2)
    /// `&#65;`, `&#x41;`, `&quot;`
    static let entity = Escapes(rawValue: 4)
    static let all: Escapes = [percent, backslash, entity]
}

/// Whether a text has any character that an escape begins with.
func mayHaveEscapes(_ text: [UInt8]) -> Bool {
    text.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "&") }
}

/// A text with these escapes undone. What is not an escape stays as it is.
func unescaped(_ text: [UInt8], _ escapes: Escapes) -> [UInt8] {
    var plain: [UInt8] = []
    var rest = text[...]
    while let byte = rest.first {
        let escape: Escape? =
            switch byte {
            case UInt8(ascii: "%") where escapes.contains(.percent): Escape(percent: rest.dropFirst())
            case UInt8(ascii: "\\") where escapes.contains(.backslash): Escape(backslash: rest.dropFirst())
            case UInt8(ascii: "&") where escapes.contains(.entity): Escape(entity: rest.dropFirst())
            default: nil
            }
        plain.append(contentsOf: escape?.bytes ?? [byte])
        rest = rest.dropFirst(1 + (escape?.count ?? 0))
    }
    return plain
}

private struct Escape {
    var bytes: [UInt8]
    /// How many bytes of the escape follow its first one.
    var count: Int

    /// `41`
    init?(percent text: ArraySlice<UInt8>) {
        guard let value = number(text.prefix(2), radix: 16, digits: 2...2) else { return nil }
        (bytes, count) = ([UInt8(truncatingIfNeeded: value)], 2)
    }

    /// `x41`, `101`, `u0041`, `u{41}`, `n`, or a character that stands for itself.
    init?(backslash text: ArraySlice<UInt8>) {
        guard let first = text.first else { return nil }
        let rest = text.dropFirst()
        // A proxy may have turned all of it into capitals.
        switch first | 0x20 {
        case UInt8(ascii: "x"):
            guard let value = number(rest.prefix(2), radix: 16, digits: 2...2) else { return nil }
            (bytes, count) = ([UInt8(truncatingIfNeeded: value)], 3)
        case UInt8(ascii: "u") where rest.first == UInt8(ascii: "{"):
            let digits = rest.dropFirst().prefix { $0 != UInt8(ascii: "}") }
            guard let value = number(digits, radix: 16, digits: 1...6) else { return nil }
            (bytes, count) = (utf8(value), digits.count + 3)
        case UInt8(ascii: "u"):
            guard let value = number(rest.prefix(4), radix: 16, digits: 4...4) else { return nil }
            (bytes, count) = (utf8(value), 5)
        case UInt8(ascii: "0")...UInt8(ascii: "3") where first == first | 0x20:
            guard let value = number(text.prefix(3), radix: 8, digits: 3...3) else { return nil }
            (bytes, count) = ([UInt8(truncatingIfNeeded: value)], 3)
        case UInt8(ascii: "a")...UInt8(ascii: "z"):
            // A control character, whose value does not matter.
            (bytes, count) = ([0], 1)
        // The character itself.
        default: (bytes, count) = ([first], 1)
        }
    }

    /// `#65;`, `#x41;`, `quot;`
    init?(entity text: ArraySlice<UInt8>) {
        let name = text.prefix(8).prefix { $0 != UInt8(ascii: ";") }
        guard text.dropFirst(name.count).first == UInt8(ascii: ";") else { return nil }
        count = name.count + 1
        guard name.first == UInt8(ascii: "#") else {
            guard let byte = Self.named[String(decoding: name, as: UTF8.self).lowercased()] else { return nil }
            bytes = [byte]
            return
        }
        let isHex = name.dropFirst().first.map { $0 | 0x20 } == UInt8(ascii: "x")
        let digits = name.dropFirst(isHex ? 2 : 1)
        guard let value = number(digits, radix: isHex ? 16 : 10, digits: 1...6) else { return nil }
        bytes = utf8(value)
    }

    private static let named: [String: UInt8] = [
        "quot": UInt8(ascii: "\""), "apos": UInt8(ascii: "'"), "amp": UInt8(ascii: "&"), "lt": UInt8(ascii: "<"),
        "gt": UInt8(ascii: ">"),
    ]
}

/// The number, if there are so many digits and nothing else.
private func number(_ digits: ArraySlice<UInt8>, radix: Int, digits count: ClosedRange<Int>) -> UInt32? {
    guard count.contains(digits.count), digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-") else {
        return nil
    }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: radix)
}

private func utf8(_ value: UInt32) -> [UInt8] {
    Unicode.Scalar(value).map { Array(String($0).utf8) } ?? []
}
