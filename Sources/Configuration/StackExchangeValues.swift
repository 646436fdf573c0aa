// The meaning of those keys of a connection string that are honoured.

extension StackExchangeParts {
    /// The sentinels if a service is named, else the servers.
    ///
    /// - Throws: ``InvalidValue`` as ``distinctEndpoints(_:)``, and for a path together with other servers, sentinels
    ///   or TLS.
    func topology(
        hosts: [StackExchangeHost], hasTLS: Bool
    ) throws(InvalidValue) -> RedisAddress.Topology {
        let service = text("serviceName")
        let defaultPort: UInt16 = service != nil ? 26379 : hasTLS ? 6380 : 6379
        let endpoints = try distinctEndpoints(
            hosts.map {
                switch $0 {
                case .unix(let path): .unix(path: path)
                case .tcp(let host, let port): .tcp(host: host, port: port ?? defaultPort)
                }
            })
        if hosts.contains(where: \.isPath), endpoints.count > 1 || service != nil || hasTLS {
            throw InvalidValue("has a Unix socket, which stands alone: no other host, no serviceName and no ssl")
        }
        guard let service else { return .servers(endpoints) }
        return .sentinel(endpoints, service: try checkedService(service))
    }

    /// TLS as `ssl` asks for it. Without that key, Azure's hosts have TLS, as in StackExchange.Redis.
    func tls(
        hosts: [StackExchangeHost], _ options: inout StackExchangeOptions
    ) throws(InvalidValue) -> TLSConfiguration? {
        let isOn = try boolean("ssl") ?? hosts.contains(where: \.hasTLSByDefault)
        let serverName = text("sslHost")
        let versions = try sslProtocols(&options)
        guard isOn else {
            for key in ["sslHost", "sslProtocols"] where text(key) != nil {
                options.withoutMeaning.append("\(key) (only with ssl=true)")
            }
            return nil
        }
        if let serverName, !isHostName(serverName), !isIPv6Address(serverName) {
            throw InvalidValue("has an sslHost that is neither a name nor an address")
        }
        return TLSConfiguration(serverName: serverName, versions: versions ?? .v12 ... .v13)
    }

    /// Reads every key that belongs neither to the topology nor to TLS.
    func readOptions(_ options: inout StackExchangeOptions) throws(InvalidValue) {
        (options.sentinelUsername, options.sentinelPassword) = (text("sentinelUser"), values["sentinelPassword"])
        options.abortsConnect = try boolean("abortConnect")
        options.connectRetry = try number("connectRetry", in: 0...1_000_000).map { max(1, Int($0)) }
        guard case .duration(let range) = Setting.connectTimeout.kind else { preconditionFailure() }
        let milliseconds = range.lowerBound / millisecond...range.upperBound / millisecond
        options.connectTimeout = try number("connectTimeout", in: milliseconds).map { $0 * millisecond }
        if let prefix = values["channelPrefix"] {
            guard prefix.utf8.count <= maxPrefixBytes else {
                throw InvalidValue("has a channelPrefix of more than \(maxPrefixBytes) bytes")
            }
            options.channelPrefix = prefix
        }
        // Characters that CLIENT SETNAME does not take are left out, as in StackExchange.Redis.
        let name = String(decoding: values["name", default: ""].utf8.filter(isNameByte).prefix(64), as: UTF8.self)
        options.clientName = name.isEmpty ? nil : name
    }

    /// The commands that are renamed or disabled, and that the relay does not need.
    ///
    /// - Throws: ``InvalidValue`` naming a command that the relay needs: it would not find it under another name.
    func commandsWithoutMeaning() throws(InvalidValue) -> [String] {
        let needed = ["AUTH", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "PING", "SENTINEL"]
        var names: [String] = []
        for (name, alias) in commands.map({ ($0.uppercased(), $1.uppercased()) }) where name != alias {
            if needed.contains(name) {
                let verb = alias.isEmpty ? "disables" : "renames"
                throw InvalidValue("\(verb) \(name), which the relay uses; renamed commands are not supported")
            }
            // The relay asks for these, but works without them. So disabling them has its effect, and is not noted
            // here.
            let isOptional = ["CLIENT", "ROLE"].contains(name)
            if !(isOptional && alias.isEmpty), !names.contains("$\(name)") { names.append("$\(name)") }
        }
        return names
    }

    private func boolean(_ key: String) throws(InvalidValue) -> Bool? {
        guard let text = values[key] else { return nil }
        guard let value = parseBoolean(text) ?? ["on": true, "off": false][text.lowercased()] else {
            throw InvalidValue("has a wrong value for \(key): true or false")
        }
        return value
    }

    private func number(_ key: String, in range: ClosedRange<UInt64>) throws(InvalidValue) -> UInt64? {
        guard let text = values[key] else { return nil }
        guard let value = UInt64(text), range.contains(value) else {
            throw InvalidValue("has a wrong value for \(key): \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// Names or numbers of .NET's SslProtocols, separated by `|`; nil: the system chooses.
    private func sslProtocols(
        _ options: inout StackExchangeOptions
    ) throws(InvalidValue) -> ClosedRange<TLSConfiguration.Version>? {
        guard let text = values["sslProtocols"] else { return nil }
        var bits = 0
        for item in text.split(separator: "|", omittingEmptySubsequences: false) {
            let word = item.filter { $0 != " " }.lowercased()
            guard let bit = SSLProtocols.byName[word] ?? Int(word), bit & ~SSLProtocols.known == 0 else {
                throw InvalidValue("has a wrong value for sslProtocols: tls12, tls13 or tls12|tls13")
            }
            bits |= bit
        }
        let old = SSLProtocols.old.filter { bits & $0.bits == $0.bits }.map(\.name)
        switch (bits & SSLProtocols.tls12 != 0, bits & SSLProtocols.tls13 != 0) {
        case (false, false):
            guard bits == 0 else { throw InvalidValue("allows only SSL or TLS before 1.2, which is \(notSupported)") }
            return nil
        case (let has12, let has13):
            if bits & ~(SSLProtocols.tls12 | SSLProtocols.tls13) != 0 {
                options.withoutMeaning.append("sslProtocols \(old.joined(separator: "|")) (TLS 1.2 is the minimum)")
            }
            return (has12 ? .v12 : .v13)...(has13 ? .v13 : .v12)
        }
    }
}

/// The bits of .NET's enumeration SslProtocols.
private enum SSLProtocols {
    static let tls12 = 3072
    static let tls13 = 12288
    static let old: [(name: String, bits: Int)] = [("Ssl2", 12), ("Ssl3", 48), ("Tls", 192), ("Tls11", 768)]
    /// `Default` is SSL 3 and TLS 1.0, as it once was.
    static let byName = [
        "none": 0, "ssl2": 12, "ssl3": 48, "tls": 192, "default": 240, "tls11": 768, "tls12": tls12, "tls13": tls13,
    ]
    static let known = 12 | 240 | 768 | tls12 | tls13
}

/// A host of a connection string. Its default port depends on other keys.
enum StackExchangeHost {
    case tcp(host: String, port: UInt16?)
    case unix(path: String)

    var isPath: Bool {
        if case .unix = self { true } else { false }
    }

    /// Azure's older caches have TLS only at port 6380, its managed ones at every port.
    var hasTLSByDefault: Bool {
        guard case .tcp(let host, let port) = self else { return false }
        let clouds = ["chinacloudapi.cn", "usgovcloudapi.net", "sovcloud-api.de", "sovcloud-api.fr"]
        let caches = [".redis.cache.windows.net"] + clouds.map { ".redis.cache.\($0)" }
        let managed = [".redis.azure.net", ".redisenterprise.cache.azure.net"] + clouds.map { ".redis.\($0)" }
        return managed.contains(where: host.hasSuffix) || port == 6380 && caches.contains(where: host.hasSuffix)
    }
}

/// `host`, `host:port`, an IPv6 address bare or in brackets, or `!/path`.
func parseStackExchangeHost(_ text: String) throws(InvalidValue) -> StackExchangeHost {
    if text.first == "!" {
        guard text.hasPrefix("!/") else { throw InvalidValue("has a Unix socket without an absolute path") }
        return .unix(path: try parseSocketPath(String(text.dropFirst())))
    }
    if isIPv6Address(text) { return .tcp(host: text.lowercased(), port: nil) }
    guard !text.contains("@") else { throw InvalidValue("has an @; a URL with credentials begins with redis://") }
    let (host, isIPv6, port) = try splitHostAndPort(text[...])
    return .tcp(host: try checkedHost(host, isIPv6: isIPv6), port: port)
}

/// What CLIENT SETNAME takes: printable ASCII without spaces.
func isNameByte(_ byte: UInt8) -> Bool {
    (0x21...0x7e).contains(byte)
}
