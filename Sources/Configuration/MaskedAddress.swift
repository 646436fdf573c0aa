/// An address of Redis in the form for errors: `***` replaces everything that could be a user, a password, a parameter
/// or a part of one.
///
/// It is for text that could not be parsed, so it trusts no structure and shows little: the scheme, the first host, and
/// a port or database if it is a number. A comma may be inside a password, so nothing after a comma is shown.
package func maskedRedisAddress(_ text: String) -> String {
    if hasMarkedSyntax(text) { return "***" }
    guard let (scheme, rest) = splitScheme(text) else {
        // A value may contain an `@`, and what follows that is not a host.
        return maskedAuthority(text[...], hidesAll: { $0.contains("=") || $0.contains(",") })
    }
    let isWord = scheme.utf8.count <= 20 && scheme.utf8.allSatisfy { isLetter($0) || $0 == 0x2b || $0 == 0x2d }
    let shown = (isWord ? scheme : "***") + "://"
    if scheme.lowercased() == "unix", rest.first == "/" {
        let end = rest.firstIndex { "?#,;= ".contains($0) } ?? rest.endIndex
        if rest.contains("@") { return shown + "***" }
        return shown + rest[..<end] + (end == rest.endIndex ? "" : "***")
    }
    // A character that should have been encoded in a password is a sign that the last `@` may be inside a password.
    return shown + maskedAuthority(rest, hidesAll: { $0.contains { "/?#=, ".contains($0) } })
}

/// `hidesAll` gets the text before the last `@`, and decides whether everything is hidden.
private func maskedAuthority(_ text: Substring, hidesAll: (Substring) -> Bool) -> String {
    var masked = ""
    var rest = text
    if let at = rest.lastIndex(of: "@") {
        if hidesAll(rest[..<at]) { return "***" }
        masked = "***@"
        rest = rest[rest.index(after: at)...]
    }
    let end = rest.firstIndex { "?#,;= ".contains($0) } ?? rest.endIndex
    // `key=value` without a host before it.
    if end < rest.endIndex, rest[end] == "=" { return masked + "***" }
    return masked + maskedHost(rest[..<end]) + (end == rest.endIndex ? "" : "***")
}

/// `host:port/path`. A port or a path that is not a number is masked. An IPv6 address in brackets keeps its colons.
private func maskedHost(_ text: Substring) -> String {
    let slash = text.firstIndex(of: "/") ?? text.endIndex
    let path = text[slash...].dropFirst().utf8.allSatisfy(isDigit) ? String(text[slash...]) : "/***"
    let authority = text[..<slash]
    if authority.first == "[" { return isBracketedAddress(authority) ? "\(authority)\(path)" : "***" }
    guard let colon = authority.firstIndex(of: ":") else { return "\(authority)\(path)" }
    let isNumber = authority[colon...].dropFirst().utf8.allSatisfy(isDigit)
    // Without a host this is `:password`, even if that is a number.
    return isNumber && colon > authority.startIndex ? "\(authority)\(path)" : "\(authority[...colon])***"
}

/// Whether the text is `[ipv6]` or `[ipv6]:port`. Only its characters are checked.
private func isBracketedAddress(_ text: Substring) -> Bool {
    guard let end = text.firstIndex(of: "]") else { return false }
    let inside = text[..<end].dropFirst()
    let port = text[end...].dropFirst()
    return inside.utf8.allSatisfy { hexValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        && (port.isEmpty || port.first == ":" && port.dropFirst().utf8.allSatisfy(isDigit))
}
