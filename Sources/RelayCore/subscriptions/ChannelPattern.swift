/// A pattern in an access list of Redis, as `ACL GETUSER` reports it, without the `&` before it.
package enum ChannelPattern {
    /// Whether it matches at least one channel that begins with `prefix`.
    package static func reaches(_ pattern: String, under prefix: [UInt8]) -> Bool {
        reaches(Array(pattern.utf8)[...], prefix[...])
    }

    private static func reaches(_ pattern: ArraySlice<UInt8>, _ prefix: ArraySlice<UInt8>) -> Bool {
        var (pattern, prefix) = (pattern, prefix)
        while let byte = prefix.first {
            guard let first = pattern.popFirst() else { return false }
            switch first {
            case UInt8(ascii: "*"): return true  // matches the rest of the prefix, and whatever follows it
            case UInt8(ascii: "?"): break
            case UInt8(ascii: "["):
                guard takeClass(&pattern, contains: byte) else { return false }
            case UInt8(ascii: "\\"):
                guard byte == pattern.popFirst() ?? first else { return false }
            default:
                guard byte == first else { return false }
            }
            prefix = prefix.dropFirst()
        }
        return true
    }

    /// Takes a class off the pattern, from behind its opening bracket, and returns whether it matches `byte`. Reads it
    /// as Redis does: a class that is not closed ends with the pattern.
    private static func takeClass(_ pattern: inout ArraySlice<UInt8>, contains byte: UInt8) -> Bool {
        let isNegated = pattern.first == UInt8(ascii: "^")
        if isNegated { pattern = pattern.dropFirst() }
        var isFound = false
        while let first = pattern.popFirst(), first != UInt8(ascii: "]") {
            if first == UInt8(ascii: "\\"), let escaped = pattern.popFirst() {
                isFound = isFound || escaped == byte
            } else if pattern.count >= 2, pattern.first == UInt8(ascii: "-") {
                let last = pattern[pattern.startIndex + 1]
                pattern = pattern.dropFirst(2)
                isFound = isFound || min(first, last)...max(first, last) ~= byte
            } else {
                isFound = isFound || first == byte
            }
        }
        return isFound != isNegated
    }
}
