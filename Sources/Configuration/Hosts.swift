// Hosts and ports as they are written in URLs and addresses. Only their syntax: nothing is resolved here.

/// A port from 1 to 65535.
///
/// - Throws: ``InvalidValue`` for anything else, also for 0, to which nobody can connect.
func parsePort(_ text: Substring) throws(InvalidValue) -> UInt16 {
    guard let port = try? parseCount(String(text), in: 1...65535) else {
        throw InvalidValue("has a port that is not 1 to 65535")
    }
    return UInt16(port)
}

/// Splits `host`, `host:port`, `[ipv6]` or `[ipv6]:port`. The returned host has no brackets.
///
/// - Throws: ``InvalidValue`` for an IPv6 address without brackets, brackets around something else, and a wrong port.
///   The caller must check the host itself, unless it was in brackets.
func splitHostAndPort(_ text: Substring) throws(InvalidValue) -> (host: String, isIPv6: Bool, port: UInt16?) {
    guard text.first == "[" else {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return (String(text), false, nil) }
        guard !parts[1].contains(":") else { throw InvalidValue("has an IPv6 address without [brackets]") }
        return (String(parts[0]), false, try parsePort(parts[1]))
    }
    guard let end = text.firstIndex(of: "]") else { throw InvalidValue("has a [ without its ]") }
    let host = String(text[text.index(after: text.startIndex)..<end])
    guard isIPv6Address(host) else { throw InvalidValue("has no IPv6 address between its [brackets]") }
    let rest = text[text.index(after: end)...]
    if rest.isEmpty { return (host, true, nil) }
    guard rest.first == ":" else { throw InvalidValue("has something other than a port after its ]") }
    return (host, true, try parsePort(rest.dropFirst()))
}

/// Whether the text is a host name that resolvers take (letters, digits, `-`, `_`, `.`; at most 253 bytes) or an IPv4
/// address.
func isHostName(_ text: String) -> Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    return text.split(separator: ".", omittingEmptySubsequences: false).enumerated().allSatisfy {
        index, label in
        // With a final point, as in "redis.example.", the resolver does not use its search list.
        if label.isEmpty { return index > 0 && label.endIndex == text.endIndex }
        return label.utf8.count <= 63 && label.utf8.allSatisfy(isLabelByte)
    }
}

func isLabelByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
}

/// Whether the text has four numbers of at most 255, without leading zeros (which other programs read as octal).
func isIPv4Address(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4
        && parts.allSatisfy { part in
            part.utf8.allSatisfy(isDigit) && UInt8(part) != nil && (part == "0" || !part.hasPrefix("0"))
        }
}

/// Whether the text is an IPv6 address in the form of RFC 4291, section 2.2, with an optional zone (`fe80::1%eth0`).
func isIPv6Address(_ text: String) -> Bool {
    let zoned = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    if zoned.count == 2, !isZone(zoned[1]) { return false }
    let address = zoned[0]
    guard let gap = firstDoubleColon(address) else { return countGroups(address, last: true) == 8 }
    let head = address[..<gap]
    let tail = address[address.index(gap, offsetBy: 2)...]
    guard firstDoubleColon(tail) == nil, let before = head.isEmpty ? 0 : countGroups(head, last: false),
        let after = tail.isEmpty ? 0 : countGroups(tail, last: true)
    else { return false }
    return before + after < 8
}

private func firstDoubleColon(_ text: Substring) -> Substring.Index? {
    zip(text.indices, text.indices.dropFirst()).first { text[$0] == ":" && text[$1] == ":" }?.0
}

/// The number of 16-bit groups between single colons; nil if the text is not such a list. With `last`, the last place
/// may be an IPv4 address, which counts as two groups.
private func countGroups(_ text: Substring, last: Bool) -> Int? {
    let groups = text.split(separator: ":", omittingEmptySubsequences: false)
    var count = 0
    for (index, group) in groups.enumerated() {
        if last, index == groups.count - 1, isIPv4Address(String(group)) {
            count += 2
        } else if (1...4).contains(group.utf8.count), group.utf8.allSatisfy({ hexValue($0) != nil }) {
            count += 1
        } else {
            return nil
        }
    }
    return count
}

/// Whether the text is an interface name or number, only with characters that RFC 6874 leaves as they are. Others would
/// change the address where it is shown or written into a URL.
private func isZone(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { isDigit($0) || isLetter($0) || "-._~".utf8.contains($0) }
}

func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}

func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
