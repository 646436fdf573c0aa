import Testing

@testable import Configuration

@Suite struct SettingTests {
    @Test func environmentNamesFollowTheFlags() {
        #expect(Setting.redis.environmentName == "HUBRELAY_REDIS")
        #expect(
            Setting.maxSubscriptionsPerConnection.environmentName
                == "HUBRELAY_MAX_SUBSCRIPTIONS_PER_CONNECTION")
        let names = Set((Setting.all + Setting.variablesOnly).map(\.environmentName))
        #expect(names.count == Setting.all.count + Setting.variablesOnly.count)
        #expect(Setting.redisTLSInsecure.environmentName == "HUBRELAY_REDIS_TLS_INSECURE")
        #expect(
            Setting.secrets.map(\.environmentName) == ["HUBRELAY_REDIS_PASSWORD", "HUBRELAY_SENTINEL_PASSWORD"])
    }

    @Test func theHelpHoldsPurposeUnitRangeDefaultAndVariable() {
        #expect(
            Setting.linkTimeout.help
                == "A link to Redis is closed if an answer does not come for this long; must be more than --heartbeat-interval. "
                + "Allowed: 20ms to 60m (units ms, s, m; no unit: s). [default 5s; HUBRELAY_LINK_TIMEOUT]")
        #expect(
            Setting.prefix.help.hasSuffix("[required, unless a connection string has channelPrefix; HUBRELAY_PREFIX]"))
        #expect(Setting.socketGroup.help.hasSuffix("[no chown by default; HUBRELAY_SOCKET_GROUP]"))
        #expect(Setting.redisPasswordFile.help.contains("HUBRELAY_REDIS_PASSWORD can hold it instead"))
        #expect(Setting.sentinelPasswordFile.help.contains("HUBRELAY_SENTINEL_PASSWORD can hold it instead"))
        #expect(Setting.prefix.help.contains("HUBRELAY_PREFIX_NONE=true"))
        #expect(
            Setting.longestWait.help
                == "How long to wait in all; 0s asks once. Allowed: 0s to 60m (units ms, s, m; no unit: s). [default 30s]"
        )
        for setting in Setting.all {
            #expect(setting.help.contains(setting.environmentName) && setting.help.contains(setting.allowed))
            #expect(setting.help.contains(setting.defaultText ?? setting.withoutValue))
        }
    }

    @Test func theSmallCommandsReadTheirSettingsInTheSameWay() throws {
        let environment = ["HUBRELAY_HTTP": "off", "HUBRELAY_SOCKET": "/s", "HUBRELAY_TIMEOUT": "1s"]
        let fromEnvironment = ClientSettings(flags: [(.http, nil), (.count, nil)]) { environment[$0] }
        #expect(try fromEnvironment.http() == .off)
        #expect(try fromEnvironment.socketPath() == "/s")
        #expect(try fromEnvironment.timeout() == second)
        #expect(try fromEnvironment.count() == nil)
        #expect(try fromEnvironment.givenSocketPath() == "/s")
        let flags: [(Setting, String?)] = [
            (.http, "unix:/x"), (.socket, "/t"), (.timeout, "2s"), (.count, "3"),
        ]
        let fromFlags = ClientSettings(flags: flags) { environment[$0] }
        #expect(try fromFlags.http() == .unix(path: "/x"))
        #expect(try fromFlags.socketPath() == "/t")
        #expect(try fromFlags.timeout() == 2 * second)
        #expect(try fromFlags.count() == 3)
        let standard = ClientSettings(flags: []) { _ in nil }
        #expect(try standard.http() == .tcp(host: "127.0.0.1", port: 8379))
        #expect(try standard.socketPath() == "/run/hubrelay/hubrelay.sock")
        #expect(try standard.timeout() == 5 * second)
        #expect(try standard.givenSocketPath() == nil)
        #expect(try standard.longestWait() == 30 * second)
        let once = ClientSettings(flags: [(.longestWait, "0s")]) { _ in "7" }
        #expect(try once.longestWait() == 0)
    }

    @Test func anEmptyVariableIsRefusedByTheSmallCommandsToo() {
        let empty = ClientSettings(flags: []) { _ in "" }
        #expect(throws: ConfigurationError.self) { try empty.socketPath() }
        #expect(throws: ConfigurationError.self) { try empty.http() }
        #expect(throws: ConfigurationError.self) { try empty.timeout() }
    }

    @Test func theCountOfOneCallIsNotReadFromTheEnvironment() throws {
        #expect(try ClientSettings(flags: []) { _ in "7" }.count() == nil)
    }

    @Test func aWrongValueIsToldAsByServe() {
        let wrong = ClientSettings(flags: [(.count, "0"), (.timeout, "1h")]) { _ in nil }
        let line = "--count: \"0\" is out of range; allowed: 1 to 1000000000000"
        #expect(throws: ConfigurationError(line)) { try wrong.count() }
        #expect(throws: ConfigurationError.self) { try wrong.timeout() }
    }
}
