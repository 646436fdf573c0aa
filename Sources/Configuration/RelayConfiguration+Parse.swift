extension RelayConfiguration {
    /// Reads every setting. A flag wins over the environment, and the environment over the default.
    ///
    /// An empty environment variable is a fault, because whoever set it meant something.
    ///
    /// - Parameters:
    ///   - flags: what was typed, by flag with its dashes; several values if a flag was repeated.
    ///   - environment: returns one variable's value, nil if it is not set.
    ///   - variables: the names of all variables that are set. An unknown one that looks like ours is a fault.
    /// - Throws: ``ConfigurationErrors`` with everything that is missing, wrong, or in conflict with something else.
    package static func parse(
        flags: [String: [String]], environment: @escaping (String) -> String? = { _ in nil }, variables: [String] = []
    ) throws(ConfigurationErrors) -> RelayConfiguration {
        let settings = CheckedSettings(flags: flags, environment: environment, variables: variables)
        guard settings.faults.isEmpty else { throw ConfigurationErrors(faults: settings.faults) }
        return settings.configuration
    }
}

/// The settings of a relay, with all faults that the settings themselves show.
package struct CheckedSettings {
    /// Only to be used if there are no faults: wrong values have substitutes here.
    package let configuration: RelayConfiguration
    /// In the order in which the settings are read.
    package let faults: [ConfigurationError]
    /// Where each setting comes from.
    package let sources: SettingSources
    private let reader: SettingReader

    /// The parameters are as for ``RelayConfiguration/parse(flags:environment:variables:)``.
    package init(flags: [String: [String]], environment: @escaping (String) -> String?, variables: [String]) {
        sources = SettingSources(flags: flags, environment: environment)
        reader = SettingReader(sources)
        let unknown = reader.unknownVariables(among: variables, value: environment)
        // The address comes first, since a connection string says more than where Redis is.
        let address = reader.redisAddress()
        let (redis, notices) = reader.redis(address)
        configuration = RelayConfiguration(
            listener: reader.listener(prefix: address?.options?.channelPrefix), redis: redis, http: reader.http(),
            httpHosts: reader.values(.httpHost, parseHostNames).flatMap(\.self), httpDetails: reader.httpDetails(),
            limits: reader.limits(),
            timings: reader.timings(connectTimeout: address?.options?.connectTimeout),
            logging: reader.logging(), notices: notices, warnings: unknown)
        faults = reader.faults.all
    }

    /// Whether nothing is wrong with a setting's own value.
    package func isSound(_ setting: Setting) -> Bool { reader.isSound(setting) }
}

extension SettingReader {
    /// `prefix` is the one in the connection string, if any.
    fileprivate func listener(prefix: String?) -> ListenerConfiguration {
        ListenerConfiguration(
            socketPath: value(.socket, parseSocketPath), prefix: self.prefix(orElse: prefix),
            socketMode: value(.socketMode, parseMode), socketGroup: optionalValue(.socketGroup, parseGroup),
            allowedUIDs: values(.allowUID, parseIDs).flatMap(\.self),
            allowedGIDs: values(.allowGID, parseIDs).flatMap(\.self), isModeGiven: isGiven(.socketMode),
            takeOverTimeout: takeOverTimeout())
    }

    private func takeOverTimeout() -> UInt64? {
        let timeout = duration(.takeOverTimeout)
        return optionalBoolean(.takeOver) == true ? timeout : nil
    }

    /// Where the HTTP side listens. Its path must not be that of the apps' socket, or of the lock beside that socket.
    fileprivate func http() -> HTTPListen {
        let http = value(.http, parseHTTPAddress)
        let socket = value(.socket, parseSocketPath)
        if case .unix(let path) = http, isSound(.http), isSound(.socket), [socket, socket + ".lock"].contains(path) {
            fault(
                .http,
                "\(quoted("\(http)")) is the socket of the apps or its lock file; allowed: another path than "
                    + "\(name(.socket)) has")
        }
        return http
    }

    fileprivate func limits() -> Limits {
        Limits(
            maxPayload: size(.maxPayload), window: size(.window), maxBuffered: size(.maxBuffered),
            maxConnections: count(.maxConnections), maxSubscriptions: count(.maxSubscriptions),
            maxSubscriptionsPerConnection: count(.maxSubscriptionsPerConnection))
    }

    /// `connectTimeout` is the one in the connection string, if any.
    fileprivate func timings(connectTimeout: UInt64?) -> Timings {
        let timings = Timings(
            helloTimeout: duration(.helloTimeout), frameTimeout: duration(.frameTimeout),
            stopTimeout: duration(.stopTimeout), heartbeatInterval: duration(.heartbeatInterval),
            linkTimeout: duration(.linkTimeout), probeInterval: durationOrOff(.probe),
            connectTimeout: duration(.connectTimeout, orElse: connectTimeout), backoffMin: duration(.backoffMin),
            backoffMax: duration(.backoffMax), backoffMaxRefused: duration(.backoffMaxRefused),
            restoreBatch: count(.restoreBatch), fleetInterval: durationOrOff(.fleet))
        require(timings.heartbeatInterval < timings.linkTimeout, .heartbeatInterval, "less than", .linkTimeout)
        require(timings.backoffMin <= timings.backoffMax, .backoffMin, "at most", .backoffMax)
        require(timings.backoffMin <= timings.backoffMaxRefused, .backoffMin, "at most", .backoffMaxRefused)
        return timings
    }

    fileprivate func httpDetails() -> HTTPDetails {
        value(.httpDetails) { text throws(InvalidValue) in
            guard let details = HTTPDetails(rawValue: text) else { throw InvalidValue("is none of these") }
            return details
        }
    }

    fileprivate func logging() -> LoggingConfiguration {
        LoggingConfiguration(
            level: value(.logLevel) { text throws(InvalidValue) in
                guard let level = LogLevel(rawValue: text) else { throw InvalidValue("is not a level") }
                return level
            },
            format: value(.logFormat) { text throws(InvalidValue) in
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
