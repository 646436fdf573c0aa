/// Where the HTTP side listens: `ADDRESS:PORT`, `unix:PATH` or `off`.
///
/// The address must be numeric, because a name could mean several addresses, and there is one listening socket.
/// `localhost` means 127.0.0.1.
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

/// Host names, separated by commas. Each may also be `.DOMAIN` or `*`. The result is in lower case.
///
/// - Throws: ``InvalidValue`` for text that is not a host name.
package func parseHostNames(_ text: String) throws(InvalidValue) -> [String] {
    var names: [String] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
        let name = item.lowercased()
        let labels = (name.hasPrefix(".") ? name.dropFirst() : name[...]).split(
            separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            !label.isEmpty && label.utf8.allSatisfy(isLabelByte)
        }
        guard name == "*" || (isName && name.utf8.count <= 253) else {
            throw InvalidValue(name.contains(":") ? "has more than a name: leave out the port" : "is not a host name")
        }
        names.append(name)
    }
    return names
}

/// A path that fits a Unix socket's address.
///
/// - Throws: ``InvalidValue`` when it is empty, too long, has a zero byte, or names an abstract socket (`@name`).
package func parseSocketPath(_ text: String) throws(InvalidValue) -> String {
    guard !text.isEmpty else { throw InvalidValue("has no path") }
    guard text.utf8.first != UInt8(ascii: "@") else {
        throw InvalidValue(
            "names an abstract socket, which is not supported: it has no permissions, so that every user of the host "
                + "could connect; give the path of a file (one whose name begins with @ is ./@...)")
    }
    guard !text.utf8.contains(0) else { throw InvalidValue("has a zero byte in its path") }
    guard text.utf8.count <= maxSocketPathBytes else {
        throw InvalidValue("is too long for a Unix socket: \(text.utf8.count) of \(maxSocketPathBytes) bytes")
    }
    return text
}
