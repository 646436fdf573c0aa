extension RelayConfiguration {
    /// Reads every setting: a flag wins over the environment, the environment over the default.
    ///
    /// An environment variable that is empty counts as absent, since that is how manifests and unit files leave
    /// things out; only an empty HUBRELAY_PREFIX means the empty prefix.
    ///
    /// - Parameters:
    ///   - flags: what was typed, by flag with its dashes; several values where a flag was repeated.
    ///   - environment: one variable's value, nil when it is not set.
    /// - Throws: ``ConfigurationError`` for the first setting that is missing, wrong, or at odds with another.
    package static func parse(
        flags: [String: [String]], environment: @escaping (String) -> String? = { _ in nil }
    ) throws(ConfigurationError) -> RelayConfiguration {
        let reader = SettingReader(flags: flags, environment: environment)
        // First, since a connection string can say more than where Redis is.
        let address = try reader.redisAddress()
        let (redis, notices) = try reader.redis(address)
        return RelayConfiguration(
            listener: try reader.listener(prefix: address.options?.channelPrefix), redis: redis,
            http: try reader.value(.http, parseHTTPAddress),
            httpHosts: try reader.values(.httpHost, parseHostNames).flatMap(\.self),
            httpDetails: try reader.httpDetails(), limits: try reader.limits(),
            timings: try reader.timings(connectTimeout: address.options?.connectTimeout),
            logging: try reader.logging(), notices: notices)
    }
}

extension SettingReader {
    /// `prefix` is that of a connection string.
    fileprivate func listener(prefix: String?) throws(ConfigurationError) -> ListenerConfiguration {
        ListenerConfiguration(
            socketPath: try value(.socket, parseSocketPath), prefix: try self.prefix(orElse: prefix),
            socketMode: try value(.socketMode, parseMode),
            socketGroup: try optionalValue(.socketGroup, parseGroup),
            allowedUIDs: try values(.allowUID, parseIDs).flatMap(\.self),
            allowedGIDs: try values(.allowGID, parseIDs).flatMap(\.self), isModeGiven: isGiven(.socketMode),
            takeOverTimeout: try takeOverTimeout())
    }

    private func takeOverTimeout() throws(ConfigurationError) -> UInt64? {
        let timeout = try duration(.takeOverTimeout)
        return try optionalBoolean(.takeOver) == true ? timeout : nil
    }

    private func prefix(orElse other: String?) throws(ConfigurationError) -> [UInt8] {
        try value(.prefix, orElse: other.map { Array($0.utf8) }) { text throws(InvalidValue) in
            guard text.utf8.count <= maxPrefixBytes else { throw InvalidValue("has \(text.utf8.count) bytes") }
            return Array(text.utf8)
        }
    }

    fileprivate func limits() throws(ConfigurationError) -> Limits {
        Limits(
            maxPayload: try size(.maxPayload), window: try size(.window), maxBuffered: try size(.maxBuffered),
            maxConnections: try count(.maxConnections), maxSubscriptions: try count(.maxSubscriptions),
            maxSubscriptionsPerConnection: try count(.maxSubscriptionsPerConnection))
    }

    /// `connectTimeout` is that of a connection string.
    fileprivate func timings(connectTimeout: UInt64?) throws(ConfigurationError) -> Timings {
        let timings = Timings(
            helloTimeout: try duration(.helloTimeout), frameTimeout: try duration(.frameTimeout),
            stopTimeout: try duration(.stopTimeout), heartbeatInterval: try duration(.heartbeatInterval),
            linkTimeout: try duration(.linkTimeout), probeInterval: try durationOrOff(.probe),
            connectTimeout: try duration(.connectTimeout, orElse: connectTimeout),
            backoffMin: try duration(.backoffMin),
            backoffMax: try duration(.backoffMax), backoffMaxRefused: try duration(.backoffMaxRefused),
            restoreBatch: try count(.restoreBatch))
        try require(
            timings.heartbeatInterval < timings.linkTimeout, .heartbeatInterval, "less than", .linkTimeout)
        try require(timings.backoffMin <= timings.backoffMax, .backoffMin, "at most", .backoffMax)
        try require(
            timings.backoffMin <= timings.backoffMaxRefused, .backoffMin, "at most", .backoffMaxRefused)
        return timings
    }

    fileprivate func httpDetails() throws(ConfigurationError) -> HTTPDetails {
        try value(.httpDetails) { text throws(InvalidValue) in
            guard let details = HTTPDetails(rawValue: text) else { throw InvalidValue("is none of these") }
            return details
        }
    }

    fileprivate func logging() throws(ConfigurationError) -> LoggingConfiguration {
        LoggingConfiguration(
            level: try value(.logLevel) { text throws(InvalidValue) in
                guard let level = LogLevel(rawValue: text) else { throw InvalidValue("is not a level") }
                return level
            },
            format: try value(.logFormat) { text throws(InvalidValue) in
                guard let format = LogFormat(rawValue: text) else { throw InvalidValue("is not a format") }
                return format
            })
    }
}

private func parseGroup(_ text: String) throws(InvalidValue) -> String {
    let isName = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7f && $0 != ":" }
    guard !text.isEmpty, isName else { throw InvalidValue("is not a group") }
    if text.utf8.allSatisfy(isDigit) { _ = try parseCount(text, in: 0...UInt64(UInt32.max - 1)) }
    return text
}
