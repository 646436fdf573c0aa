// Redis URLs, percent-encoded as in RFC 3986. The scheme is the one that IANA has registered for redis, and users are
// as in Redis 6; `redis://:password@host` names no user. URLs of sentinels and clusters have no standard: ours are
// those that lettuce and redis-py's companions read.

/// Parses a URL without its scheme. The scheme must be in lower case.
///
/// - Throws: ``InvalidValue`` saying which part is wrong, never quoting any of it.
func parseRedisURL(scheme: String, _ rest: Substring) throws(InvalidValue) -> RedisAddress {
    guard rest.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7f }) else {
        throw InvalidValue("has a space or control character in it; write it as %20")
    }
    switch scheme {
    // Valkey's own clients write these.
    case "redis", "valkey": return try parseServers(rest, tls: nil)
    case "rediss", "valkeys": return try parseServers(rest, tls: TLSConfiguration())
    case "unix": return try parseUnix(rest)
    case "redis-sentinel", "redis+sentinel", "sentinel": return try parseSentinels(rest, tls: nil)
    case "rediss-sentinel", "rediss+sentinel": return try parseSentinels(rest, tls: TLSConfiguration())
    case "redis-cluster", "redis+cluster", "valkey-cluster": return try parseCluster(rest, tls: nil)
    case "rediss-cluster", "rediss+cluster", "valkeys-cluster":
        return try parseCluster(rest, tls: TLSConfiguration())
    default: throw InvalidValue("has an unknown scheme")
    }
}

private func parseServers(_ text: Substring, tls: TLSConfiguration?) throws(InvalidValue) -> RedisAddress {
    try refuseParameters(text)
    let (authority, path) = try splitPath(text)
    let (user, password, hosts) = try splitUserInfo(authority)
    let endpoints = try parseHosts(hosts, defaultPort: 6379)
    guard path.utf8.allSatisfy(isDigit) else { throw InvalidValue("has a database that is not a number") }
    return RedisAddress(
        topology: .servers(endpoints), username: user, password: password,
        database: path.isEmpty ? nil : String(path), tls: tls)
}

/// `[user[:password]@]h1[:p1][,h2[:p2]...]` with any nodes of the cluster. The others are found through them.
private func parseCluster(_ text: Substring, tls: TLSConfiguration?) throws(InvalidValue) -> RedisAddress {
    try refuseParameters(text)
    let (authority, path) = try splitPath(text)
    let (user, password, hosts) = try splitUserInfo(authority)
    let nodes = try parseHosts(hosts, defaultPort: 6379)
    guard path.isEmpty || path == "0" else {
        throw InvalidValue("has a path after its hosts, but a cluster has only database 0")
    }
    return RedisAddress(topology: .cluster(nodes), username: user, password: password, tls: tls)
}

private func parseUnix(_ text: Substring) throws(InvalidValue) -> RedisAddress {
    try refuseParameters(text)
    guard let slash = text.firstIndex(of: "/") else { throw InvalidValue("has no absolute path") }
    let (user, password, host) = try splitUserInfo(text[..<slash])
    guard host.isEmpty else { throw InvalidValue("has something between unix:// and its absolute path") }
    let path = try parseSocketPath(try percentDecoded(text[slash...]))
    return RedisAddress(topology: .servers([.unix(path: path)]), username: user, password: password)
}

/// `[user[:password]@]h1[:p1][,h2[:p2]...]/service[/database]`. Or, as in lettuce and Centrifugo, the service is in a
/// parameter or after `#`, and the path has only the database. The user is a user of the Redis servers.
private func parseSentinels(_ text: Substring, tls: TLSConfiguration?) throws(InvalidValue) -> RedisAddress {
    let (address, parameter) = try splitServiceParameter(text)
    let (authority, path) = try splitPath(address)
    let (user, password, hosts) = try splitUserInfo(authority)
    let sentinels = try parseHosts(hosts, defaultPort: 26379)
    var segments = path.split(separator: "/", omittingEmptySubsequences: false).filter { !$0.isEmpty }
    // Nobody names a master 0. But others write a database alone in the path, with the service elsewhere.
    if parameter == nil, segments.count == 1, segments[0].utf8.allSatisfy(isDigit) {
        throw InvalidValue("names a database but no service (the master's name at the sentinels)")
    }
    let encodedService = parameter ?? (segments.isEmpty ? "" : segments.removeFirst())
    let database = segments.popLast()
    guard segments.isEmpty else { throw InvalidValue("has more than /service/database after its hosts") }
    guard database?.utf8.allSatisfy(isDigit) != false else {
        throw InvalidValue("has a database that is not a number; inside a service / is %2F")
    }
    let service = try checkedService(try percentDecoded(encodedService))
    return RedisAddress(
        topology: .sentinel(sentinels, service: service), username: user, password: password,
        database: database.map(String.init), tls: tls)
}

/// Takes `?sentinelMasterId=service`, `?sentinel_master_name=service` or `#service` off the end.
private func splitServiceParameter(
    _ text: Substring
) throws(InvalidValue) -> (address: Substring, service: Substring?) {
    guard let mark = text.firstIndex(where: { $0 == "?" || $0 == "#" }) else { return (text, nil) }
    let parameter = text[text.index(after: mark)...]
    let names = text[mark] == "#" ? [""] : ["sentinelMasterId=", "sentinel_master_name="]
    let isAlone = !parameter.contains { "&?#@/".contains($0) }
    guard isAlone, let name = names.first(where: parameter.hasPrefix) else {
        throw InvalidValue(
            "has parameters other than ?sentinelMasterId=service; inside a password ? and # are %3F and %23")
    }
    return (text[..<mark], parameter.dropFirst(name.count))
}

private func refuseParameters(_ text: Substring) throws(InvalidValue) {
    if text.contains("?") || text.contains("#") {
        throw InvalidValue("has parameters (? or #); inside a password they are %3F and %23")
    }
}

/// The authority, and the path without its first slash.
private func splitPath(_ text: Substring) throws(InvalidValue) -> (authority: Substring, path: Substring) {
    let end = text.firstIndex(of: "/") ?? text.endIndex
    guard !text[end...].contains("@") else {
        throw InvalidValue("has a / before its @; inside a password it is %2F")
    }
    return (text[..<end], text[end...].dropFirst())
}

private func parseHosts(
    _ text: Substring, defaultPort: UInt16
) throws(InvalidValue) -> [RedisConfiguration.Endpoint] {
    var endpoints: [RedisConfiguration.Endpoint] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
        let (host, isIPv6, port) = try splitHostAndPort(decodedZone(item))
        endpoints.append(.tcp(host: try checkedHost(host, isIPv6: isIPv6), port: port ?? defaultPort))
    }
    return try distinctEndpoints(endpoints)
}

/// Splits at the last `@` of the authority. A password with an `@` that was not encoded is unambiguous, unless it looks
/// like a second host with credentials of its own.
private func splitUserInfo(
    _ text: Substring
) throws(InvalidValue) -> (user: String?, password: String?, rest: Substring) {
    guard let at = text.lastIndex(of: "@") else { return (nil, nil, text) }
    let info = text[..<at]
    if let first = info.firstIndex(of: "@"), info[first...].contains(",") {
        throw InvalidValue("has credentials at more than its first host; inside a password @ is %40 and a comma %2C")
    }
    if let comma = info.firstIndex(of: ","), info[comma...].contains(":") {
        throw InvalidValue("has a host before its credentials; inside a password a comma is %2C and : is %3A")
    }
    let rest = text[text.index(after: at)...]
    guard let colon = info.firstIndex(of: ":") else {
        return (info.isEmpty ? nil : try percentDecoded(info), nil, rest)
    }
    let user = try percentDecoded(info[..<colon])
    let password = try percentDecoded(info[info.index(after: colon)...])
    // A user with an empty password is one of Redis's `nopass` users. If both are empty, there is no login.
    return (user.isEmpty ? nil : user, user.isEmpty && password.isEmpty ? nil : password, rest)
}

/// RFC 6874 writes the `%` before an IPv6 zone as `%25`. People write both forms.
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
