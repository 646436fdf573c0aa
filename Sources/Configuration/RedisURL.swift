/// What a Redis URL says.
package struct RedisURL: Sendable, Equatable {
    package var endpoint: RedisConfiguration.Endpoint
    package var username: String?
    package var password: String?
    /// nil: none named.
    package var database: String?
}

/// A Redis URL: `redis://[user[:password]@]host[:port][/db]` or `unix://[user[:password]@]/path`, percent-encoded
/// as in RFC 3986. The scheme is that of IANA's registration for redis, with a user as Redis 6 brought them;
/// `redis://:password@host` names no user.
///
/// - Throws: ``InvalidValue`` saying which part is wrong, never quoting any of it.
package func parseRedisURL(_ text: String) throws(InvalidValue) -> RedisURL {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
        let isStackExchange = looksLikeStackExchange(text)
        throw InvalidValue(isStackExchange ? "is a StackExchange.Redis string, \(later)" : "is no URL")
    }
    let rest = text[text.index(colon, offsetBy: 3)...]
    guard rest.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7f }) else {
        throw InvalidValue("has a space or control character in it; write it as %20")
    }
    switch text[..<colon].lowercased() {
    case "redis": return try parseTCP(rest)
    case "unix": return try parseUnix(rest)
    case "rediss": throw InvalidValue("asks for TLS, \(later)")
    case "redis-sentinel", "redis+sentinel", "sentinel": throw InvalidValue("asks for Sentinel, \(later)")
    case "redis-cluster", "redis+cluster": throw InvalidValue("asks for a cluster, \(later)")
    default: throw InvalidValue("has an unknown scheme")
    }
}

/// A Redis URL as it may be shown: everything that could be a user, a password or a parameter is `***`.
///
/// Made for text that failed to parse, so it trusts no structure: what stands before the last `@` is taken for
/// credentials, and so is a port that is no number (`redis://user:password` without a host).
package func maskedRedisURL(_ text: String) -> String {
    var scheme = ""
    var rest = text[...]
    if let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") {
        scheme = text[..<colon] + "://"
        rest = rest.dropFirst(scheme.count)
    }
    var masked = ""
    if let at = rest.lastIndex(of: "@") {
        masked = "***@"
        rest = rest[rest.index(after: at)...]
    }
    if let parameters = rest.firstIndex(where: { "?#,;= ".contains($0) }) {
        return scheme + masked + maskedPort(rest[..<parameters]) + "***"
    }
    return scheme + masked + maskedPort(rest)
}

private let later = "not supported by this version"

/// The last colon of `host:port` with what follows, unless that is a number or the inside of an IPv6 address.
private func maskedPort(_ text: Substring) -> String {
    guard text.first != "[", text.first != "/", let colon = text.firstIndex(of: ":") else {
        return String(text)
    }
    let port = text[colon...].dropFirst().prefix { $0 != "/" }
    return port.utf8.allSatisfy(isDigit) ? String(text) : text[...colon] + "***"
}

/// `host:6379,password=...`: told apart only to say that it is known, and not taken.
private func looksLikeStackExchange(_ text: String) -> Bool {
    text.contains(",") || text.contains("=")
}

private func parseTCP(_ text: Substring) throws(InvalidValue) -> RedisURL {
    try refuseParameters(text)
    let authorityEnd = text.firstIndex(of: "/") ?? text.endIndex
    guard !text[authorityEnd...].contains("@") else {
        throw InvalidValue("has a / before its @; inside a password it is %2F")
    }
    let (user, password, address) = try splitUserInfo(text[..<authorityEnd])
    if address.contains(",") { throw InvalidValue("names several hosts, \(later)") }
    var (host, isIPv6, port) = try splitHostAndPort(decodedZone(address))
    guard !host.isEmpty else { throw InvalidValue("has no host") }
    guard isIPv6 || isHostName(host) else { throw InvalidValue("has a host that is no name and no address") }
    let path = text[authorityEnd...].dropFirst()
    guard path.utf8.allSatisfy(isDigit) else { throw InvalidValue("has a database that is no number") }
    if host.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }), !isIPv4Address(host) {
        throw InvalidValue("has a host that is no IPv4 address")
    }
    host = host.lowercased()
    return RedisURL(
        endpoint: .tcp(host: host, port: port ?? 6379), username: user, password: password,
        database: path.isEmpty ? nil : String(path))
}

private func parseUnix(_ text: Substring) throws(InvalidValue) -> RedisURL {
    try refuseParameters(text)
    guard let slash = text.firstIndex(of: "/") else { throw InvalidValue("has no absolute path") }
    let (user, password, host) = try splitUserInfo(text[..<slash])
    guard host.isEmpty else { throw InvalidValue("has something between unix:// and its absolute path") }
    let path = try parseSocketPath(try percentDecoded(text[slash...]))
    return RedisURL(endpoint: .unix(path: path), username: user, password: password, database: nil)
}

private func refuseParameters(_ text: Substring) throws(InvalidValue) {
    if text.contains("?") || text.contains("#") {
        throw InvalidValue("has parameters (? or #); inside a password they are %3F and %23")
    }
}

/// Everything up to the last `@` of the authority: a password with an `@` that was not encoded is unambiguous.
private func splitUserInfo(
    _ text: Substring
) throws(InvalidValue) -> (user: String?, password: String?, rest: Substring) {
    guard let at = text.lastIndex(of: "@") else { return (nil, nil, text) }
    let info = text[..<at]
    let rest = text[text.index(after: at)...]
    guard let colon = info.firstIndex(of: ":") else {
        return (info.isEmpty ? nil : try percentDecoded(info), nil, rest)
    }
    let user = try percentDecoded(info[..<colon])
    let password = try percentDecoded(info[info.index(after: colon)...])
    // A user without a password is one of Redis's `nopass` users; neither is no login at all.
    return (user.isEmpty ? nil : user, user.isEmpty && password.isEmpty ? nil : password, rest)
}

/// RFC 6874 writes the `%` before an IPv6 zone as `%25`; people write both.
private func decodedZone(_ address: Substring) -> Substring {
    guard address.first == "[", let percent = address.firstIndex(of: "%") else { return address }
    guard address[percent...].hasPrefix("%25") else { return address }
    return address[...percent] + address[percent...].dropFirst(3)
}

private func percentDecoded(_ text: Substring) throws(InvalidValue) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
            throw InvalidValue("has a % without two hex digits; a % itself is %25")
        }
        bytes.append(high << 4 | low)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
        throw InvalidValue("is not UTF-8 once its percent-encoding is undone")
    }
    return decoded
}
