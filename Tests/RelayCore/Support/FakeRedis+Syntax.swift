extension FakeRedis {
    /// The first command of RESP, an array of bulk strings, and what follows it; nil while it is not whole.
    static func parseCommand(_ bytes: ArraySlice<UInt8>) -> (command: [[UInt8]], rest: ArraySlice<UInt8>)? {
        var rest = bytes
        func line(_ type: Character) -> Int? {
            guard let end = rest.firstIndex(of: 13), end + 1 < rest.endIndex else { return nil }
            let text = String(decoding: rest[..<end], as: UTF8.self)
            precondition(text.first == type && rest[end + 1] == 10, "not RESP: \(text)")
            rest = rest[(end + 2)...]
            return Int(text.dropFirst())!
        }
        guard let count = line("*") else { return nil }
        var command: [[UInt8]] = []
        for _ in 0..<count {
            guard let length = line("$"), rest.count >= length + 2 else { return nil }
            command.append(Array(rest.prefix(length)))
            precondition(rest.dropFirst(length).prefix(2).elementsEqual([13, 10]), "not RESP")
            rest = rest.dropFirst(length + 2)
        }
        return (command, rest)
    }
}

/// Redis's glob, as far as the tests use it: `*`, `?` and `\`.
func globMatches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    switch first {
    case UInt8(ascii: "*"):
        return (text.startIndex...text.endIndex).contains { globMatches(pattern.dropFirst(), text[$0...]) }
    case UInt8(ascii: "?"): return !text.isEmpty && globMatches(pattern.dropFirst(), text.dropFirst())
    case UInt8(ascii: "\\"):
        return text.first == pattern.dropFirst().first && !text.isEmpty
            && globMatches(pattern.dropFirst(2), text.dropFirst())
    default: return text.first == first && globMatches(pattern.dropFirst(), text.dropFirst())
    }
}
