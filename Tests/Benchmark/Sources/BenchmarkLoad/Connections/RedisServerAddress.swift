internal import EventLoop

/// Where a Redis server listens: a numeric address, or "localhost", and a port.
package struct RedisServerAddress: CustomStringConvertible {
    package let host: String
    package let port: UInt16
    let address: NetworkAddress

    /// Nil if the host is a name, or is not a host.
    package init?(host: String, port: UInt16) {
        let numeric = host == "localhost" ? "127.0.0.1" : host
        guard let address = NetworkAddress(numericHost: numeric, port: port) else { return nil }
        (self.host, self.port, self.address) = (numeric, port, address)
    }

    /// Nil if the text is not HOST:PORT with such a host.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.init(host: String(host), port: port)
    }

    /// Whether the server can only be on this host.
    package var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
