// Combines the settings of Redis, in the address, in flags and in variables, and decides which of them counts.

extension SettingReader {
    /// What `--redis` says; nil if it is wrong.
    func redisAddress() -> RedisAddress? {
        let address = value(.redis, shownAs: maskedRedisAddress, parseRedisAddress)
        return isSound(.redis) ? address : nil
    }

    /// The configuration, and notices about it for the operator. Without an address, no setting is checked against it.
    ///
    /// Flags and variables win over a connection string without a notice, since that is often shared with an app. A URL
    /// is the relay's own. So a password in it and another one elsewhere is a mistake, and refused.
    func redis(_ address: RedisAddress?) -> (RedisConfiguration, notices: [String]) {
        let options = address?.options
        let credentials = serverCredentials(address)
        let abortsConnect = optionalBoolean(.abortConnect) ?? options?.abortsConnect ?? false
        let configuration = RedisConfiguration(
            topology: topology(address), credentials: credentials,
            sentinelCredentials: sentinelCredentials(address, servers: credentials), tls: tls(address),
            clientName: value(.redisClientName, orElse: options?.clientName, parseClientName),
            attemptsAtStart: abortsConnect ? options?.connectRetry ?? 3 : nil)
        return (configuration, address.map { notices($0, configuration) } ?? [])
    }

    /// A cluster needs to know how messages go through it. There is no default: relays and apps of one system that
    /// differ would not hear each other, and nobody would notice.
    private func topology(_ address: RedisAddress?) -> RedisConfiguration.Topology {
        let pubsub = optionalValue(.clusterPubSub) { text throws(InvalidValue) in
            guard let pubsub = ClusterPubSub(rawValue: text) else { throw InvalidValue("is neither of the two") }
            return pubsub
        }
        switch (address?.topology, pubsub) {
        case (nil, _): return .servers([])
        case (.cluster(let nodes), let pubsub?): return .cluster(nodes, pubsub)
        case (.cluster(let nodes), nil):
            if isSound(.clusterPubSub) {
                missing(
                    .clusterPubSub,
                    ", since \(name(.redis)) names a cluster; allowed: classic, to share channels with plain clients, "
                        + "SignalR or Socket.IO servers, and for patterns, or sharded (Redis 7 and later, Valkey), to "
                        + "scale; the same for all apps and relays that must hear each other")
            }
            return .cluster(nodes, .classic)
        case (.servers(let endpoints), _):
            if pubsub != nil { clusterIsMissing() }
            return .servers(endpoints)
        case (.sentinel(let endpoints, let service), _):
            if pubsub != nil { clusterIsMissing() }
            return .sentinel(endpoints, service: service)
        }
    }

    private func clusterIsMissing() {
        fault(
            .clusterPubSub,
            "there is no cluster in \(name(.redis)); allowed: with redis-cluster://host,host or rediss-cluster:// "
                + "there, and only there (a .NET connection string cannot name a cluster)")
    }

    private func serverCredentials(_ address: RedisAddress?) -> RedisConfiguration.Credentials {
        let given = password(.redisPassword, .redisPasswordFile)
        let flagUser = optionalValue(.redisUser, parseUserName)
        guard let address else { return .none }
        if address.options == nil, let given, address.password?.isEmpty == false {
            fault(given.setting, "there is a password in \(name(.redis)) too; only one of them is allowed")
        }
        let username = flagUser ?? address.username
        if username != nil, given == nil, address.password == nil, isSound(.redisPasswordFile) {
            fault(
                flagUser == nil ? .redis : .redisUser,
                "names a user without a password; allowed: a password in --redis (user:@ for a user that needs none), "
                    + "--redis-password-file or HUBRELAY_REDIS_PASSWORD")
        }
        return given?.credentials(of: username) ?? .init(username: username, password: address.password)
    }

    private func sentinelCredentials(
        _ address: RedisAddress?, servers: RedisConfiguration.Credentials
    ) -> RedisConfiguration.Credentials {
        let flagUser = optionalValue(.sentinelUser, parseUserName)
        let given = password(.sentinelPassword, .sentinelPasswordFile)
        guard let address else { return .none }
        guard case .sentinel = address.topology else {
            if let setting = given?.setting ?? flagUser.map({ _ in .sentinelUser }) {
                fault(
                    setting,
                    "there are no sentinels in \(name(.redis)); allowed: with redis-sentinel://, rediss-sentinel:// or "
                        + "a connection string with serviceName")
            }
            return .none
        }
        let options = address.options
        var credentials: RedisConfiguration.Credentials
        if flagUser != nil || given != nil {
            let username = flagUser ?? options?.sentinelUsername
            credentials =
                given?.credentials(of: username) ?? .init(username: username, password: options?.sentinelPassword)
        } else {
            credentials = options.map { stringCredentials($0, servers: servers) } ?? .none
        }
        let hasPassword = credentials.password != nil || credentials.passwordFile != nil
        if credentials.username != nil, !hasPassword, isSound(.sentinelPasswordFile) {
            fault(
                flagUser == nil ? .redis : .sentinelUser,
                "names a sentinels' user without a password; allowed: with --sentinel-password-file, "
                    + "HUBRELAY_SENTINEL_PASSWORD or sentinelPassword in a connection string")
        }
        return credentials
    }

    /// What a connection string gives the sentinels: a user and a password of their own. If it lacks one of the two,
    /// the servers' is used, as in StackExchange.Redis.
    private func stringCredentials(
        _ options: StackExchangeOptions, servers: RedisConfiguration.Credentials
    ) -> RedisConfiguration.Credentials {
        var credentials = servers
        if let password = options.sentinelPassword {
            // With an empty password, a string says that its sentinels want none.
            if password.isEmpty, options.sentinelUsername == nil { return .none }
            (credentials.password, credentials.passwordFile) = (password, nil)
        }
        if let username = options.sentinelUsername { credentials.username = username }
        return credentials
    }

    /// The prefix that was given outside of a connection string, and the setting that gave it.
    private var prefixInPlaceOfTheStrings: (setting: Setting, text: String)? {
        if let text = givenText(.prefix) { return (.prefix, text) }
        return optionalBoolean(.prefixNone) == true ? (.prefixNone, "") : nil
    }

    private func notices(_ address: RedisAddress, _ configuration: RedisConfiguration) -> [String] {
        var notices: [String] = []
        if let database = address.database, database.contains(where: { $0 != "0" }) {
            notices.append("database \(database) in \(name(.redis)) has no effect: pub/sub has no databases")
        }
        var withoutMeaning = address.options?.withoutMeaning ?? []
        if configuration.attemptsAtStart == nil, address.options?.connectRetry != nil {
            withoutMeaning.append("connectRetry (only with abortConnect=true)")
        }
        if !withoutMeaning.isEmpty {
            notices.append("without effect here, in \(name(.redis)): \(withoutMeaning.joined(separator: ", "))")
        }
        if let prefix = address.options?.channelPrefix, let used = prefixInPlaceOfTheStrings, used.text != prefix {
            notices.append("\(name(used.setting)) is used, and not the channelPrefix in \(name(.redis))")
        }
        let passwords = [address.password, address.options?.sentinelPassword]
        if isFlag(.redis), passwords.contains(where: { $0?.isEmpty == false }) {
            notices.append(
                "the password in --redis is visible to every user of this machine (ps): "
                    + "--redis-password-file or HUBRELAY_REDIS keeps it secret")
        }
        return notices
    }
}

/// A password from outside of the address, and the setting that it came from.
private struct GivenPassword {
    var setting: Setting
    var password: String?
    var file: String?

    func credentials(of username: String?) -> RedisConfiguration.Credentials {
        .init(username: username, password: password, passwordFile: file)
    }
}

extension SettingReader {
    private func password(_ variable: Setting, _ file: Setting) -> GivenPassword? {
        let path = optionalValue(file, shownAs: { $0.isEmpty || $0.contains("/") ? $0 : "***" }, parseSecretPath)
        let password = optionalValue(variable, shownAs: { $0.isEmpty ? $0 : "***" }) { text throws(InvalidValue) in text
        }
        if path != nil, password != nil {
            fault(file, "there is a password in \(variable.environmentName) too; only one of them is allowed")
        }
        if let path { return GivenPassword(setting: file, file: path) }
        return password.map { GivenPassword(setting: variable, password: $0) }
    }

    /// The address's TLS, completed by flags and variables.
    private func tls(_ address: RedisAddress?) -> TLSConfiguration? {
        let ca = optionalValue(.redisCA, parseFilePath)
        let certificate = optionalValue(.redisCert, parseFilePath)
        let key = optionalValue(.redisKey, parseFilePath)
        let serverName = optionalValue(.redisTLSName, parseServerName)
        let isInsecure = optionalBoolean(.redisTLSInsecure) ?? false
        guard let address else { return nil }
        guard var tls = address.tls else {
            let named: [Setting] = [.redisCA, .redisCert, .redisKey, .redisTLSName]
            let given = named.first(where: isGiven) ?? (isInsecure ? .redisTLSInsecure : nil)
            if let given, isSound(given) {
                fault(
                    given,
                    "there is no TLS in \(name(.redis)); allowed: with rediss://, rediss-sentinel:// or a connection "
                        + "string with ssl=true")
            }
            return nil
        }
        if key != nil, !isGiven(.redisCert) {
            fault(.redisKey, "a key without its certificate; allowed: with --redis-cert")
        }
        (tls.caFile, tls.certificateFile, tls.keyFile) = (ca, certificate, key ?? certificate)
        (tls.serverName, tls.isInsecure) = (serverName ?? tls.serverName, isInsecure)
        if isInsecure, tls.caFile != nil {
            fault(
                .redisTLSInsecure,
                "accepts any certificate, whatever \(name(.redisCA)) says; only one of them is allowed")
        }
        return tls
    }
}

private func parseFilePath(_ text: String) throws(InvalidValue) -> String {
    guard !text.isEmpty else { throw InvalidValue("has no path") }
    return text
}

/// A path with a slash in it. Text without a slash is more likely the password itself, and would be shown when the file
/// cannot be read.
private func parseSecretPath(_ text: String) throws(InvalidValue) -> String {
    let path = try parseFilePath(text)
    guard path.contains("/") else { throw InvalidValue("is not a path with a / in it") }
    return path
}

private func parseUserName(_ text: String) throws(InvalidValue) -> String {
    let isName = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7f }
    guard !text.isEmpty, isName else { throw InvalidValue("is not a user's name") }
    return text
}

private func parseClientName(_ text: String) throws(InvalidValue) -> String {
    guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(isNameByte) else {
        throw InvalidValue("is not a client's name")
    }
    return text
}

private func parseServerName(_ text: String) throws(InvalidValue) -> String {
    guard isHostName(text) || isIPv6Address(text) else { throw InvalidValue("is neither a host name nor an address") }
    return text
}
