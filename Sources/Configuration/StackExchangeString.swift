/// What a connection string of StackExchange.Redis can say and a URL cannot.
package struct StackExchangeOptions: Sendable, Equatable {
    /// nil: the sentinels have the user of the servers. The same goes for the password.
    package var sentinelUsername: String?
    package var sentinelPassword: String?
    package var abortsConnect: Bool?
    /// Attempts before the relay gives up at the start, if it gives up at all; at least 1.
    package var connectRetry: Int?
    /// Nanoseconds, in the range of `--connect-timeout`.
    package var connectTimeout: UInt64?
    /// At most as long as `--prefix` may be.
    package var channelPrefix: String?
    /// In the form of `--redis-client-name`, never empty.
    package var clientName: String?
    /// The keys that do nothing here, each with the reason if there is one.
    package var withoutMeaning: [String] = []

    init() {}
}

/// A key of connection strings, in the spelling of StackExchange.Redis (which ignores case), and how it is used.
struct StackExchangeKey {
    // No values in the cases: in a global table their pointers would be tagged, and LeakSanitizer would report them as
    // leaks.
    enum Use {
        /// Has the same effect as in StackExchange.Redis.
        case honoured
        /// Named in one notice, with the reason if there is one. Its value has no effect.
        case withoutMeaning
        /// Refused with its reason, since connecting regardless would be wrong.
        case refused
    }

    let name: String
    let use: Use
    var reason: String?
    /// Values (in lower case) with which the key is neither noticed nor refused: they ask for what the relay does
    /// anyway.
    var unless: [String] = []

    /// Every key that StackExchange.Redis 3 documents or still accepts.
    static let all: [StackExchangeKey] = [
        .init(name: "user", use: .honoured),
        .init(name: "password", use: .honoured),
        .init(name: "sentinelUser", use: .honoured),
        .init(name: "sentinelPassword", use: .honoured),
        .init(name: "serviceName", use: .honoured),
        .init(name: "ssl", use: .honoured),
        .init(name: "sslHost", use: .honoured),
        .init(name: "sslProtocols", use: .honoured),
        .init(name: "abortConnect", use: .honoured),
        .init(name: "connectRetry", use: .honoured),
        .init(name: "connectTimeout", use: .honoured),
        .init(name: "channelPrefix", use: .honoured),
        .init(name: "name", use: .honoured),

        // Without these, the connection would reach something else, or nothing.
        .init(
            name: "proxy", use: .refused, reason: "asks for a proxy, and those have no pub/sub", unless: ["none", "0"]),
        .init(name: "tunnel", use: .refused, reason: "asks for a tunnel, \(notSupported)"),

        .init(name: "allowAdmin", use: .withoutMeaning, unless: no),
        .init(name: "asyncTimeout", use: .withoutMeaning),
        .init(
            name: "checkCertificateRevocation",
            use: .withoutMeaning, reason: "revocation lists are not checked", unless: no),
        .init(name: "configChannel", use: .withoutMeaning),
        .init(name: "configCheckSeconds", use: .withoutMeaning),
        .init(
            name: "defaultDatabase",
            use: .withoutMeaning, reason: "pub/sub has no databases", unless: ["0", "-1"]),
        .init(name: "highIntegrity", use: .withoutMeaning, unless: no),
        .init(name: "highPriorityThreads", use: .withoutMeaning),
        .init(
            name: "keepAlive",
            use: .withoutMeaning, reason: "a PING goes out each --heartbeat-interval", unless: ["0", "-1"]),
        .init(name: "preserveAsyncOrder", use: .withoutMeaning),
        .init(name: "protocol", use: .withoutMeaning, reason: "it is RESP2", unless: ["resp2", "2"]),
        .init(name: "resolveDns", use: .withoutMeaning),
        .init(name: "responseTimeout", use: .withoutMeaning),
        .init(name: "setlib", use: .withoutMeaning, unless: no),
        .init(name: "syncTimeout", use: .withoutMeaning),
        .init(name: "tcpKeepAlive", use: .withoutMeaning),
        .init(name: "tiebreaker", use: .withoutMeaning),
        .init(name: "version", use: .withoutMeaning),
        .init(name: "writeBuffer", use: .withoutMeaning),
    ]

    private static let no = ["false", "0", "no", "off"]
}

/// `host[:port][,host2...][,key=value...][,$COMMAND=alias...]` in any order. Spaces around each part are ignored. If a
/// key comes twice, the last one counts. `!/path` is a Unix socket.
///
/// Follows `ConfigurationOptions.Parse` of StackExchange.Redis, with two exceptions. What that drops silently, such as
/// a host whose port is not a number, is refused. And if Redis is absent at the start, the relay waits for it by
/// default.
///
/// - Throws: ``InvalidValue`` saying which part is wrong. It quotes no value.
func parseStackExchangeString(_ text: String) throws(InvalidValue) -> RedisAddress {
    let parts = try StackExchangeParts(text)
    var options = StackExchangeOptions()
    for key in StackExchangeKey.all {
        guard let value = parts.values[key.name], !value.isEmpty else { continue }
        guard !key.unless.contains(value.lowercased()) else { continue }
        switch key.use {
        case .honoured: break
        case .refused: throw InvalidValue(key.reason ?? "has a \(key.name), \(notSupported)")
        case .withoutMeaning: options.withoutMeaning.append(key.name + (key.reason.map { " (\($0))" } ?? ""))
        }
    }
    try parts.refuseBareWord()
    let hosts = try parts.hosts.map { text throws(InvalidValue) in try parseStackExchangeHost(text) }
    let tls = try parts.tls(hosts: hosts, &options)
    let topology = try parts.topology(hosts: hosts, hasTLS: tls != nil)
    try parts.readOptions(&options)
    if case .servers = topology {
        for key in ["sentinelUser", "sentinelPassword"] where parts.values[key]?.isEmpty == false {
            options.withoutMeaning.append("\(key) (only with serviceName)")
        }
    }
    options.withoutMeaning += try parts.commandsWithoutMeaning()
    return RedisAddress(
        topology: topology, username: parts.text("user"), password: parts.password, tls: tls, options: options)
}

/// A connection string, taken apart. Only its keys are interpreted.
struct StackExchangeParts {
    private(set) var hosts: [String] = []
    /// By the key's spelling in the table.
    private(set) var values: [String: String] = [:]
    /// As they were written, without their `$`.
    private(set) var commands: [(name: String, alias: String)] = []

    /// - Throws: ``InvalidValue`` for an unknown key. It is named if it could be a key (only letters). Any other key is
    ///   not quoted, as it may be part of a password that has a comma in it. The same goes for a word after a password,
    ///   if it does not look like an address.
    init(_ text: String) throws(InvalidValue) {
        let items = text.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
        var followsPassword = false
        for (index, item) in items.enumerated() where !item.isEmpty {
            guard let equals = item.firstIndex(of: "=") else {
                guard !followsPassword || item.contains(where: { ".:!".contains($0) }) else {
                    throw Self.doubt(about: "something that is neither a key nor an address", index)
                }
                hosts.append(String(item))
                continue
            }
            let key = trimmed(item[..<equals])
            let value = String(trimmed(item[item.index(after: equals)...]))
            if let known = StackExchangeKey.all.first(where: { $0.name.lowercased() == key.lowercased() }) {
                values[known.name] = value
                followsPassword = known.name.lowercased().hasSuffix("password")
            } else if key.first == "$", isPlain(key.dropFirst()) {
                commands.append((String(key.dropFirst()), value))
            } else if isPlain(key) {
                throw InvalidValue("has an unknown key, \(key)")
            } else {
                throw Self.doubt(about: "an unknown key", index)
            }
        }
    }

    /// Text that may be the rest of a password is neither quoted nor taken for a host, whose name is shown everywhere.
    private static func doubt(about what: String, _ index: Int) -> InvalidValue {
        InvalidValue("has \(what) in part \(index + 1) between its commas; a password cannot have a comma there")
    }

    /// Refuses a word beside addresses: it may be a password without its `password=`, and hosts are shown everywhere.
    func refuseBareWord() throws(InvalidValue) {
        let isAddress = { (host: String) in host == "localhost" || host.contains { ".:".contains($0) } }
        let isMixed = hosts.contains(where: isAddress) && !hosts.allSatisfy(isAddress)
        // A Unix socket beside anything else is refused later, for that reason.
        guard isMixed, !hosts.contains(where: { $0.hasPrefix("!") }) else { return }
        throw InvalidValue("has a word beside its hosts; a host is host:port there, and a password password=...")
    }

    /// The value of a key, if there is one and it is not empty.
    func text(_ key: String) -> String? {
        values[key].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Empty only for a user that needs no password.
    var password: String? {
        text("password") ?? (text("user") == nil ? nil : values["password"])
    }
}

private func isPlain(_ key: Substring) -> Bool {
    (1...32).contains(key.utf8.count) && key.utf8.allSatisfy(isLetter)
}

/// The text without the white space at both ends, as .NET trims it.
private func trimmed(_ text: Substring) -> Substring {
    var text = text
    while text.unicodeScalars.first?.properties.isWhitespace == true { text.unicodeScalars.removeFirst() }
    while text.unicodeScalars.last?.properties.isWhitespace == true { text.unicodeScalars.removeLast() }
    return text
}
