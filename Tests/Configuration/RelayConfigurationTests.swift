import Testing

@testable import Configuration

func outcomeOfParse(
    _ flags: [String: [String]], _ environment: [String: String] = [:]
) -> Result<RelayConfiguration, ConfigurationErrors> {
    do throws(ConfigurationErrors) {
        return .success(
            try RelayConfiguration.parse(
                flags: flags, environment: { environment[$0] }, variables: Array(environment.keys)))
    } catch {
        return .failure(error)
    }
}

/// A configuration with a prefix and these settings only.
func configured(
    _ flags: [String: [String]], _ environment: [String: String] = [:]
) throws -> RelayConfiguration {
    try outcomeOfParse(flags.merging(["--prefix": ["app:"]]) { given, _ in given }, environment).get()
}

@Suite struct RelayConfigurationTests {
    @Test func theDefaultsAreTheDocumentedOnes() throws {
        let expected = RelayConfiguration(
            listener: ListenerConfiguration(
                socketPath: "/run/hubrelay/hubrelay.sock", prefix: Array("app:".utf8), socketMode: 0o660,
                socketGroup: nil, allowedUIDs: [], allowedGIDs: []),
            redis: RedisConfiguration(topology: .servers([.tcp(host: "127.0.0.1", port: 6379)])),
            http: .tcp(host: "127.0.0.1", port: 8379), httpHosts: [], httpDetails: .local,
            limits: Limits(
                maxPayload: 1 << 20, window: 4 << 20, maxBuffered: 64 << 20, maxConnections: 10_000,
                maxSubscriptions: 1_000_000, maxSubscriptionsPerConnection: 200_000),
            timings: Timings(
                helloTimeout: 5 * second, frameTimeout: 30 * second, stopTimeout: 10 * second,
                heartbeatInterval: second, linkTimeout: 5 * second, probeInterval: 5 * second,
                connectTimeout: 2 * second, backoffMin: 50 * millisecond, backoffMax: 500 * millisecond,
                backoffMaxRefused: 5 * second, restoreBatch: 512, fleetInterval: 30 * second),
            logging: LoggingConfiguration(level: .info, format: .text), notices: [], warnings: [])
        #expect(try configured([:]) == expected)
    }

    /// A wrong value is replaced by another one, which may conflict with another setting. No error may be reported for
    /// that.
    @Test func whatIsWrongItselfIsHeldAgainstNothingElse() {
        for flags in [
            ["--backoff-min": ["never"], "--backoff-max": ["10ms"]],
            ["--heartbeat-interval": ["30s"], "--link-timeout": ["x"]],
        ] {
            let error = outcomeOfParse(flags.merging(["--prefix": ["x"]]) { $1 }).error
            #expect(error?.split(separator: "\n").count == 1, "\(error ?? "none")")
        }
    }

    /// A value other than the default for each setting, and where it must end up.
    static let samples: [(Setting, String, @Sendable (RelayConfiguration) -> Bool)] = [
        (.socket, "/tmp/s", { $0.listener.socketPath == "/tmp/s" }),
        (.prefix, "é:", { $0.listener.prefix == [0xc3, 0xa9, 0x3a] }),
        (.socketMode, "0600", { $0.listener.socketMode == 0o600 }),
        (.socketGroup, "www-data", { $0.listener.socketGroup == "www-data" }),
        (.allowUID, "1,2", { $0.listener.allowedUIDs == [1, 2] && $0.listener.allowedGIDs.isEmpty }),
        (.allowGID, "3", { $0.listener.allowedGIDs == [3] && $0.listener.allowedUIDs.isEmpty }),
        (.takeOver, "true", { $0.listener.takeOverTimeout == 30 * second }),
        (.takeOverTimeout, "2s", { $0.listener.takeOverTimeout == 2 * second }),
        (.redis, "unix:///r", { $0.redis.topology == .servers([.unix(path: "/r")]) }),
        (.redisUser, "u", { $0.redis.credentials.username == "u" }),
        (.redisPasswordFile, "/p", { $0.redis.credentials.passwordFile == "/p" }),
        (.sentinelUser, "u", { $0.redis.sentinelCredentials.username == "u" }),
        (.sentinelPasswordFile, "/p", { $0.redis.sentinelCredentials.passwordFile == "/p" }),
        (.clusterPubSub, "sharded", { $0.redis.topology == .cluster([.tcp(host: "h", port: 6379)], .sharded) }),
        (.redisCA, "/c", { $0.redis.tls?.caFile == "/c" }),
        (.redisCert, "/c", { $0.redis.tls?.certificateFile == "/c" }),
        (.redisKey, "/k", { $0.redis.tls?.keyFile == "/k" }),
        (.redisTLSName, "n", { $0.redis.tls?.serverName == "n" }),
        (.redisTLSInsecure, "true", { $0.redis.tls?.isInsecure == true }),
        (.redisClientName, "c", { $0.redis.clientName == "c" }),
        (.abortConnect, "true", { $0.redis.attemptsAtStart == 3 }),
        (.http, "off", { $0.http == .off }),
        (.httpHost, "Relay.example,.internal", { $0.httpHosts == ["relay.example", ".internal"] }),
        (.httpDetails, "anywhere", { $0.httpDetails == .anywhere }),
        (.maxPayload, "2KiB", { $0.limits.maxPayload == 2048 }),
        (.window, "2KiB", { $0.limits.window == 2048 }),
        (.maxBuffered, "2KiB", { $0.limits.maxBuffered == 2048 }),
        (.maxConnections, "7", { $0.limits.maxConnections == 7 }),
        (.maxSubscriptions, "7", { $0.limits.maxSubscriptions == 7 }),
        (.maxSubscriptionsPerConnection, "7", { $0.limits.maxSubscriptionsPerConnection == 7 }),
        (.helloTimeout, "70ms", { $0.timings.helloTimeout == 70 * millisecond }),
        (.frameTimeout, "70ms", { $0.timings.frameTimeout == 70 * millisecond }),
        (.stopTimeout, "0s", { $0.timings.stopTimeout == 0 }),
        (.heartbeatInterval, "70ms", { $0.timings.heartbeatInterval == 70 * millisecond }),
        (.linkTimeout, "7s", { $0.timings.linkTimeout == 7 * second }),
        (.probe, "off", { $0.timings.probeInterval == nil }),
        (.fleet, "1m", { $0.timings.fleetInterval == 60 * second }),
        (.connectTimeout, "70ms", { $0.timings.connectTimeout == 70 * millisecond }),
        (.backoffMin, "70ms", { $0.timings.backoffMin == 70 * millisecond }),
        (.backoffMax, "70ms", { $0.timings.backoffMax == 70 * millisecond }),
        (.backoffMaxRefused, "70ms", { $0.timings.backoffMaxRefused == 70 * millisecond }),
        (.restoreBatch, "7", { $0.timings.restoreBatch == 7 }),
        (.logLevel, "trace", { $0.logging.level == .trace }),
        (.logFormat, "json", { $0.logging.format == .json }),
    ]

    /// The other settings that a setting needs in order to be allowed.
    static func surroundings(_ setting: Setting) -> [String: [String]] {
        switch setting.flag {
        case "--prefix": [:]
        case "--take-over-timeout": ["--take-over": ["true"]]
        case "--redis-user": ["--redis": ["redis://:p@h"]]
        case "--sentinel-user":
            ["--redis": ["redis-sentinel://h/m"], "--sentinel-password-file": ["/s"]]
        case "--sentinel-password-file": ["--redis": ["redis-sentinel://h/m"]]
        case "--cluster-pubsub": ["--redis": ["redis-cluster://h"]]
        case "--redis-key": ["--redis": ["rediss://h"], "--redis-cert": ["/c"]]
        case "--redis-ca", "--redis-cert", "--redis-tls-name", "--redis-tls-insecure": ["--redis": ["rediss://h"]]
        default: [:]
        }
    }

    @Test func everySettingIsReadFromItsFlagAndFromItsVariable() throws {
        #expect(Self.samples.map(\.0.flag) == Setting.all.map(\.flag))
        for (setting, text, holds) in Self.samples {
            let around = Self.surroundings(setting)
            let byFlag = try configured(around.merging([setting.flag: [text]]) { $1 })
            #expect(holds(byFlag), "\(setting.flag)")
            let byVariable = try outcomeOfParse(
                setting.flag == "--prefix" ? [:] : around.merging(["--prefix": ["app:"]]) { $1 },
                [setting.environmentName: text]
            ).get()
            #expect(holds(byVariable), "\(setting.environmentName)")
            // Without this setting there would be no configuration at all, as without a prefix.
            guard setting.flag != "--cluster-pubsub" else { continue }
            #expect(try !holds(configured(around)), "\(setting.flag) has this by default already")
        }
    }

    @Test func aFlagWinsOverTheEnvironment() throws {
        for (setting, text, holds) in Self.samples {
            let configuration = try configured(
                Self.surroundings(setting).merging([setting.flag: [text]]) { $1 },
                [setting.environmentName: "not even valid \u{1}"])
            #expect(holds(configuration), "\(setting.flag)")
        }
    }

    @Test func anEmptyVariableIsRefusedAndNotTheDefault() throws {
        for setting in Setting.all + Setting.variablesOnly where setting.flag != "--prefix" {
            let error = outcomeOfParse(["--prefix": ["x"]], [setting.environmentName: ""]).error
            let fallback = setting.defaultText.map { "for the default, \($0)," } ?? "if it is not wanted"
            let lead = setting.environmentName + (setting.spelling == .variable ? "" : " (or \(setting.flag))")
            #expect(
                error == "\(lead): \"\" is empty: leave the variable out \(fallback) or give it a value; allowed: "
                    + setting.allowed)
        }
    }

    @Test func allThatIsWrongIsToldAtOnce() throws {
        let flags = ["--window": ["0"], "--socket-mode": ["9"], "--allow-uid": ["1", "x", "y"]]
        let environment = [
            "HUBRELAY_LINK_TIMEOUT": "", "HUBRELAY_HTTP": "here", "HUBRELAY_LOG_LEVEL": "loud", "HUBRELAY_SOKET": "/s",
        ]
        let lines = try #require(outcomeOfParse(flags, environment).error).split(separator: "\n")
        let leads = lines.map { $0.prefix { !": ".contains($0) } }
        #expect(
            leads == [
                "HUBRELAY_SOKET", "--prefix", "--socket-mode", "--allow-uid", "--allow-uid", "HUBRELAY_HTTP",
                "--window",
                "HUBRELAY_LINK_TIMEOUT", "HUBRELAY_LOG_LEVEL",
            ])
    }

    /// A setting that depends on a wrong value may be right, so there must be no second line about it.
    @Test func nothingIsHeldAgainstWhatIsWrongItself() {
        let tls = ["--redis-ca": ["/c"], "--redis-user": ["u"], "--cluster-pubsub": ["sharded"], "--redis-key": ["/k"]]
        let redis = outcomeOfParse(tls.merging(["--redis": ["redis://h:port"], "--prefix": ["x"]]) { $1 }).error
        #expect(redis?.contains("\n") == false && redis?.contains("has a port that is not") == true)
        let string = outcomeOfParse(["--redis": ["h:port,channelPrefix=x"]]).error
        #expect(string?.contains("\n") == false, "the prefix may be in the string")
        let timeouts = outcomeOfParse(["--prefix": ["x"], "--link-timeout": ["x"], "--heartbeat-interval": ["10s"]])
            .error
        #expect(timeouts?.contains("\n") == false && timeouts?.hasPrefix("--link-timeout") == true)
        let file = outcomeOfParse(["--prefix": ["x"], "--redis-password-file": ["x"], "--redis-user": ["u"]]).error
        #expect(file?.contains("\n") == false && file?.hasPrefix("--redis-password-file") == true)
        let pubsub = outcomeOfParse(["--prefix": ["x"], "--redis": ["redis-cluster://h"], "--cluster-pubsub": ["x"]])
            .error
        #expect(pubsub?.contains("\n") == false && pubsub?.contains("is neither of the two") == true)
    }

    @Test func httpHasAPathOfItsOwn() {
        for path in ["/run/s", "/run/s.lock"] {
            #expect(
                outcomeOfParse(["--prefix": ["x"], "--socket": ["/run/s"], "--http": ["unix:\(path)"]]).error
                    == "--http (or HUBRELAY_HTTP): \"unix:\(path)\" is the socket of the apps or its lock file; allowed: "
                    + "another path than --socket has")
        }
    }

    @Test func bytesThatAreNotUTF8AreNotTakenForAPrefix() {
        let error = outcomeOfParse([:], ["HUBRELAY_PREFIX": String(decoding: [0x61, 0xff], as: UTF8.self)])
            .error
        #expect(error?.hasPrefix("HUBRELAY_PREFIX (or --prefix): \"a\u{fffd}\" is not UTF-8; allowed: ") == true)
    }

    @Test func repeatedFlagsAddUpOrTheLastOneCounts() throws {
        let configuration = try configured([
            "--allow-uid": ["1", "2,3"], "--allow-gid": ["4"], "--http-host": ["a", "b,c"],
            "--window": ["1KiB", "2KiB"],
        ])
        #expect(configuration.listener.allowedUIDs == [1, 2, 3])
        #expect(configuration.listener.allowedGIDs == [4])
        #expect(configuration.httpHosts == ["a", "b", "c"])
        #expect(configuration.limits.window == 2048)
    }

    @Test func aFlagReplacesTheWholeListOfItsVariable() throws {
        let configuration = try configured(["--allow-uid": ["1"]], ["HUBRELAY_ALLOW_UID": "2,3"])
        #expect(configuration.listener.allowedUIDs == [1])
    }

    @Test func everyDefaultIsInItsOwnRange() {
        for setting in Setting.all {
            guard let text = setting.defaultText else { continue }
            #expect(throws: Never.self, "\(setting.flag)") { try configured([setting.flag: [text]]) }
        }
    }

    @Test func theEndsOfEveryRangeAreAllowedAndWhatLiesBeyondIsNot() {
        for setting in Setting.all {
            let (inside, outside): ([String], [String]) =
                switch setting.kind {
                case .size(let range):
                    (
                        [formatSize(range.lowerBound), formatSize(range.upperBound)],
                        ["\(range.lowerBound - 1)B", "\(range.upperBound + 1)B"]
                    )
                case .count(let range):
                    (["\(range.lowerBound)", "\(range.upperBound)"], ["0", "\(range.upperBound + 1)"])
                case .duration(let range), .durationOrOff(let range):
                    (
                        [formatDuration(range.lowerBound), formatDuration(range.upperBound)],
                        [formatDuration(range.upperBound + millisecond)]
                            + (range.lowerBound == 0 ? [] : [formatDuration(range.lowerBound - millisecond)])
                    )
                default: ([], [])
                }
            for text in inside {
                // At the ends of its range, a setting may conflict with another setting, but not with its own range.
                let error = outcomeOfParse(["--prefix": ["x"], setting.flag: [text]]).error
                #expect(error?.contains("is out of range") != true, "\(setting.flag) \(text)")
            }
            for text in outside {
                let error = outcomeOfParse(["--prefix": ["x"], setting.flag: [text]]).error
                #expect(
                    error == "\(setting.flag) (or \(setting.environmentName)): \"\(text)\" is out of range; allowed: "
                        + setting.allowed)
            }
        }
    }
}

extension Result where Failure == ConfigurationErrors {
    /// The lines that an operator would read.
    var error: String? {
        if case .failure(let error) = self { error.description } else { nil }
    }
}
