/// Where the HTTP side listens: `ADDRESS:PORT`, `unix:PATH` or `off`.
///
/// The address is numeric, since a name could stand for several addresses and there is one listening socket;
/// `localhost` is taken for 127.0.0.1.
///
/// - Throws: ``InvalidValue`` saying which part is wrong.
package func parseHTTPAddress(_ text: String) throws(InvalidValue) -> HTTPListen {
    if text == "off" { return .off }
    if text.hasPrefix("unix:") {
        return .unix(path: try parseSocketPath(String(text.dropFirst("unix:".count))))
    }
    let (host, isIPv6, port) = try splitHostAndPort(text[...])
    guard let port else { throw InvalidValue("has no port") }
    if host == "localhost" { return .tcp(host: "127.0.0.1", port: port) }
    guard isIPv6 || isIPv4Address(host) else { throw InvalidValue("has no numeric address before its port") }
    return .tcp(host: host, port: port)
}

/// A path that fits a Unix socket's address.
///
/// - Throws: ``InvalidValue`` when it is empty, too long, or holds a zero byte.
package func parseSocketPath(_ text: String) throws(InvalidValue) -> String {
    guard !text.isEmpty else { throw InvalidValue("has no path") }
    guard !text.utf8.contains(0) else { throw InvalidValue("has a zero byte in its path") }
    guard text.utf8.count <= maxSocketPathBytes else {
        throw InvalidValue("is too long for a Unix socket: \(text.utf8.count) of \(maxSocketPathBytes) bytes")
    }
    return text
}
