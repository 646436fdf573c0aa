/// What the text of `--redis` says: a URL, or a connection string of StackExchange.Redis.
package struct RedisAddress: Sendable, Equatable {
    /// The part of ``RedisConfiguration/Topology`` that an address can say.
    package enum Topology: Sendable, Equatable {
        case servers([RedisConfiguration.Endpoint])
        case sentinel([RedisConfiguration.Endpoint], service: String)
        /// Nodes of a cluster. How messages go through it is a setting of its own.
        case cluster([RedisConfiguration.Endpoint])
    }

    package var topology: Topology
    package var username: String?
    /// Empty for a user that needs no password.
    package var password: String?
    /// As it was written; nil if the address names none.
    package var database: String?
    /// nil: no TLS.
    package var tls: TLSConfiguration?
    /// What only a connection string can say; nil if the address is a URL.
    package var options: StackExchangeOptions?

    init(
        topology: Topology, username: String? = nil, password: String? = nil,
        database: String? = nil, tls: TLSConfiguration? = nil, options: StackExchangeOptions? = nil
    ) {
        (self.topology, self.username, self.password) = (topology, username, password)
        (self.database, self.tls, self.options) = (database, tls, options)
    }
}

/// Parses an address of either form. Text with `://` after its first word is a URL. Any other text is a connection
/// string, which may be only a host.
///
/// - Throws: ``InvalidValue`` saying which part is wrong. It never quotes what could be a secret.
package func parseRedisAddress(_ text: String) throws(InvalidValue) -> RedisAddress {
    guard !hasMarkedSyntax(text) else {
        throw InvalidValue("has a combining character after a syntax character, such as : or @ or a comma")
    }
    guard let (scheme, rest) = splitScheme(text) else { return try parseStackExchangeString(text) }
    return try parseRedisURL(scheme: scheme.lowercased(), rest)
}

/// The scheme of a URL and what follows its `://`; nil if the text is not a URL. A connection string may have `://`
/// inside a value, so the text before it must be one word.
func splitScheme(_ text: String) -> (scheme: Substring, rest: Substring)? {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
    let scheme = text[..<colon]
    guard !scheme.contains(where: { ",=@".contains($0) }) else { return nil }
    return (scheme, text[colon...].dropFirst(3))
}

/// Whether a punctuation mark is followed by a combining character. Swift takes both for one character, which is not a
/// separator then: a password could be taken for part of a host.
func hasMarkedSyntax(_ text: String) -> Bool {
    text.contains { character in
        guard character.unicodeScalars.count > 1, character != "\r\n", let first = character.utf8.first else {
            return false
        }
        return first < 0x80 && !isLetter(first) && !isDigit(first)
    }
}

/// How many servers, sentinels or nodes of a cluster one address may name.
let maxHosts = 16

/// The endpoints in their order, without repetitions.
///
/// - Throws: ``InvalidValue`` when there is no endpoint, or too many.
func distinctEndpoints(
    _ all: [RedisConfiguration.Endpoint]
) throws(InvalidValue) -> [RedisConfiguration.Endpoint] {
    var seen: Set<RedisConfiguration.Endpoint> = []
    let distinct = all.filter { seen.insert($0).inserted }
    guard !distinct.isEmpty else { throw InvalidValue("has no host") }
    guard distinct.count <= maxHosts else { throw InvalidValue("names more than \(maxHosts) hosts") }
    return distinct
}

/// A name or an address to connect to: in lower case, and nothing that a resolver would take for something else.
///
/// - Throws: ``InvalidValue`` when it is neither a name nor an address.
func checkedHost(_ host: String, isIPv6: Bool) throws(InvalidValue) -> String {
    guard !host.isEmpty else { throw InvalidValue("has no host") }
    guard isIPv6 || isHostName(host) else { throw InvalidValue("has a host that is neither a name nor an address") }
    if host.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }), !isIPv4Address(host) {
        throw InvalidValue("has a host that is not an IPv4 address")
    }
    return host.lowercased()
}

/// The name by which sentinels know a master. Redis takes any name; we take one that fits on a line.
///
/// - Throws: ``InvalidValue`` when it is empty, longer than 255 bytes, or has control characters.
func checkedService(_ name: String) throws(InvalidValue) -> String {
    guard !name.isEmpty else { throw InvalidValue("names no service (the master's name at the sentinels)") }
    let isPrintable = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    guard isPrintable, name.utf8.count <= 255 else {
        throw InvalidValue("has a service that is not 1 to 255 bytes of printable text")
    }
    return name
}

let notSupported = "not supported by this version"
