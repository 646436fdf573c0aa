import Testing

@testable import Configuration

private func redis(_ flags: [String: [String]], _ environment: [String: String] = [:]) throws -> RedisConfiguration {
    try configured(flags, environment).redis
}

private func error(_ flags: [String: [String]], _ environment: [String: String] = [:]) -> String? {
    // Leaves out the other way to set the setting. ConfigurationErrorTests covers it.
    outcomeOfParse(flags.merging(["--prefix": ["x"]]) { given, _ in given }, environment).error?
        .replacing(/^(\S+) \(or \S+\)/) { $0.1 }
}

/// Where the credentials of servers and sentinels come from.
@Suite struct RedisCredentialsTests {
    private static let string = "h,user=u,password=p"

    @Test func oneSourceOfThePasswordBesideAURLIsEnough() throws {
        for url in ["redis://h", "redis://:@h", "redis://u@h", "redis://u:@h", "unix:///r", "redis-sentinel://u@h/m"] {
            let byVariable = try redis(["--redis": [url]], ["HUBRELAY_REDIS_PASSWORD": "p"]).credentials
            let user: String? = url.contains("u") && url.contains("u:@") || url.contains("u@") ? "u" : nil
            #expect(byVariable == .init(username: user, password: "p"))
            let byFile = try redis(["--redis": [url], "--redis-password-file": ["/p"]]).credentials
            #expect(byFile == .init(username: user, passwordFile: "/p"))
        }
    }

    @Test func serversAreTriedInTheOrderInWhichTheyAreNamed() throws {
        let (first, second) = (
            RedisConfiguration.Endpoint.tcp(host: "b", port: 1), RedisConfiguration.Endpoint.tcp(host: "a", port: 2)
        )
        #expect(try redis(["--redis": ["redis://b:1,a:2"]]).topology == .servers([first, second]))
    }

    @Test func theUsersFlagWins() throws {
        for text in ["redis://u:p@h", Self.string, "h,password=p"] {
            let credentials = try redis(["--redis": [text], "--redis-user": ["v"]]).credentials
            #expect(credentials == .init(username: "v", password: "p"))
        }
    }

    @Test func aFileOrVariableWinsOverAStringWithoutAWord() throws {
        let byFile = try configured([:], ["HUBRELAY_REDIS": Self.string, "HUBRELAY_REDIS_PASSWORD_FILE": "/p"])
        #expect(byFile.redis.credentials == .init(username: "u", passwordFile: "/p") && byFile.notices.isEmpty)
        let byVariable = try configured([:], ["HUBRELAY_REDIS": Self.string, "HUBRELAY_REDIS_PASSWORD": "q"])
        #expect(byVariable.redis.credentials == .init(username: "u", password: "q") && byVariable.notices.isEmpty)
    }

    @Test func twoPasswordsAreTooMuch() {
        let once = "only one of them is allowed"
        #expect(
            error(["--redis": ["redis://:p@h"]], ["HUBRELAY_REDIS_PASSWORD": "q"])
                == "HUBRELAY_REDIS_PASSWORD: there is a password in --redis too; \(once)")
        for text in ["redis://h", "redis://:p@h", Self.string] {
            let lines = error(
                ["--redis": [text], "--redis-password-file": ["/p"]], ["HUBRELAY_REDIS_PASSWORD": "q"])
            #expect(
                lines?.split(separator: "\n").first
                    == "--redis-password-file: there is a password in HUBRELAY_REDIS_PASSWORD too; \(once)")
        }
        #expect(
            error(
                ["--redis": ["redis-sentinel://h/m"]],
                ["HUBRELAY_SENTINEL_PASSWORD": "q", "HUBRELAY_SENTINEL_PASSWORD_FILE": "/p"])
                == "HUBRELAY_SENTINEL_PASSWORD_FILE: there is a password in HUBRELAY_SENTINEL_PASSWORD too; \(once)")
    }

    @Test func aUserWithoutAPasswordIsToldWhereItCameFrom() {
        let rest =
            ": names a user without a password; allowed: a password in --redis (user:@ for a user that needs none), "
            + "--redis-password-file or HUBRELAY_REDIS_PASSWORD"
        #expect(error(["--redis": ["redis://u@h"]]) == "--redis" + rest)
        #expect(error([:], ["HUBRELAY_REDIS": "h,user=u"]) == "HUBRELAY_REDIS" + rest)
        #expect(error(["--redis-user": ["u"]]) == "--redis-user" + rest)
        #expect(error(["--redis": ["redis://u@h"]], ["HUBRELAY_REDIS_USER": "v"]) == "HUBRELAY_REDIS_USER" + rest)
        let sentinels =
            ": names a sentinels' user without a password; allowed: with --sentinel-password-file, "
            + "HUBRELAY_SENTINEL_PASSWORD or sentinelPassword in a connection string"
        let url = ["--redis": ["redis-sentinel://u:p@h/m"], "--sentinel-user": ["s"]]
        #expect(error(url) == "--sentinel-user" + sentinels)
        #expect(error(["--redis": ["h,serviceName=m,sentinelUser=s"]]) == "--redis" + sentinels)
    }

    @Test func aSecretInAVariableIsNotQuoted() throws {
        let broken = String(decoding: Array("hunter2".utf8) + [0xff], as: UTF8.self)
        for name in ["HUBRELAY_REDIS_PASSWORD", "HUBRELAY_SENTINEL_PASSWORD"] {
            #expect(error([:], [name: broken]) == "\(name): \"***\" is not UTF-8; allowed: UTF-8 text")
        }
    }

    @Test func anURLsCredentialsAreNotThoseOfTheSentinels() throws {
        let url = ["--redis": ["redis-sentinel://u:p@h/m"]]
        let alone = try redis(url)
        #expect(alone.credentials == .init(username: "u", password: "p") && alone.sentinelCredentials == .none)
        let both = try redis(
            url.merging(["--sentinel-user": ["s"], "--sentinel-password-file": ["/s"]]) { $1 })
        #expect(both.sentinelCredentials == .init(username: "s", passwordFile: "/s"))
        #expect(both.credentials == .init(username: "u", password: "p"))
        let byVariable = try redis(url, ["HUBRELAY_SENTINEL_PASSWORD": "q"])
        #expect(byVariable.sentinelCredentials == .init(password: "q"))
    }

    @Test(
        arguments: [
            ("user=u,password=p", .init(username: "u", password: "p")),
            ("password=p", .init(password: "p")), ("", .none),
            ("user=u,password=p,sentinelPassword=s", .init(username: "u", password: "s")),
            ("user=u,password=p,sentinelUser=s", .init(username: "s", password: "p")),
            ("user=u,password=p,sentinelUser=s,sentinelPassword=t", .init(username: "s", password: "t")),
            ("user=u,password=p,sentinelPassword=", .none),
        ] as [(String, RedisConfiguration.Credentials)])
    func aStringsSentinelsFallBackToTheServersCredentials(
        text: String, credentials: RedisConfiguration.Credentials
    ) throws {
        #expect(try redis(["--redis": ["h,serviceName=m,\(text)"]]).sentinelCredentials == credentials)
    }

    @Test func theFallbackIsToWhatCountsAndOnlyWithoutSettingsOfTheSentinels() throws {
        let string = ["--redis": ["h,serviceName=m,user=u,password=p"]]
        let file = try redis(string.merging(["--redis-password-file": ["/p"], "--redis-user": ["v"]]) { $1 })
        #expect(file.sentinelCredentials == .init(username: "v", passwordFile: "/p"))
        let variable = try redis(string, ["HUBRELAY_SENTINEL_PASSWORD": "q"])
        #expect(variable.sentinelCredentials == .init(password: "q"))
        let keys = ["--redis": ["h,serviceName=m,sentinelUser=s,sentinelPassword=t"]]
        #expect(
            try redis(keys, ["HUBRELAY_SENTINEL_PASSWORD": "q"]).sentinelCredentials
                == .init(username: "s", password: "q"))
        #expect(
            try redis(keys.merging(["--sentinel-user": ["v"]]) { $1 }).sentinelCredentials
                == .init(username: "v", password: "t"))
    }

    @Test func settingsOfSentinelsNeedSentinels() {
        let rest =
            ": there are no sentinels in --redis; allowed: with redis-sentinel://, rediss-sentinel:// or a connection "
            + "string with serviceName"
        #expect(error(["--sentinel-user": ["s"]]) == "--sentinel-user" + rest)
        #expect(error(["--sentinel-password-file": ["/s"]]) == "--sentinel-password-file" + rest)
        #expect(
            error(["--redis": ["h,ssl=true"]], ["HUBRELAY_SENTINEL_PASSWORD": "s"]) == "HUBRELAY_SENTINEL_PASSWORD"
                + rest)
    }
}

/// How messages are sent through a cluster.
@Suite struct ClusterPubSubTests {
    private static let url = "rediss-cluster://u:p@h,i:1"

    @Test(arguments: ClusterPubSub.allCases)
    func itIsSaidBesideTheAddress(pubsub: ClusterPubSub) throws {
        let expected = RedisConfiguration(
            topology: .cluster([.tcp(host: "h", port: 6379), .tcp(host: "i", port: 1)], pubsub),
            credentials: .init(username: "u", password: "p"), tls: TLSConfiguration())
        #expect(try redis(["--redis": [Self.url], "--cluster-pubsub": [pubsub.rawValue]]) == expected)
        let variables = ["HUBRELAY_REDIS": Self.url, "HUBRELAY_CLUSTER_PUBSUB": pubsub.rawValue]
        #expect(try redis([:], variables) == expected)
    }

    @Test func theTableKnowsBoth() {
        #expect(Setting.clusterPubSub.kind == .choice(ClusterPubSub.allCases.map(\.rawValue)))
    }

    @Test func aClusterNeedsIt() {
        func line(_ source: String) -> String {
            "--cluster-pubsub is required, since \(source) names a cluster; allowed: "
                + "classic, to share channels with plain clients, SignalR or Socket.IO servers, and for patterns, or "
                + "sharded (Redis 7 and later, Valkey), to scale; the same for all apps and relays that must hear each other"
        }
        #expect(error(["--redis": ["redis-cluster://h"]]) == line("--redis"))
        #expect(error([:], ["HUBRELAY_REDIS": "redis-cluster://h"]) == line("HUBRELAY_REDIS"))
    }

    @Test func nothingElseTakesIt() {
        let rest =
            ": there is no cluster in --redis; allowed: with redis-cluster://host,host or rediss-cluster:// there, "
            + "and only there (a .NET connection string cannot name a cluster)"
        for text in ["redis://h", "redis-sentinel://h/m", "unix:///r", "h:6379,i:6379,password=p"] {
            for pubsub in ClusterPubSub.allCases.map(\.rawValue) {
                #expect(error(["--redis": [text], "--cluster-pubsub": [pubsub]]) == "--cluster-pubsub" + rest)
            }
        }
        #expect(error([:], ["HUBRELAY_CLUSTER_PUBSUB": "classic"]) == "HUBRELAY_CLUSTER_PUBSUB" + rest)
    }

    @Test func anythingButTheTwoIsRefused() {
        for wrong in ["Sharded", "both", "sharded ", "true"] {
            for text in ["redis-cluster://h", "redis://h"] {
                #expect(
                    error(["--redis": [text], "--cluster-pubsub": [wrong]])
                        == "--cluster-pubsub: \"\(wrong)\" is neither of the two; allowed: sharded, classic")
            }
        }
    }

    @Test func aClusterHasNoSentinels() {
        let flags = [
            "--redis": ["redis-cluster://h"], "--cluster-pubsub": ["sharded"], "--sentinel-password-file": ["/s"],
        ]
        #expect(error(flags)?.hasPrefix("--sentinel-password-file: there are no sentinels in --redis; ") == true)
    }

    @Test func aStringOfStackExchangeRedisNamesNoCluster() throws {
        let string = ["--redis": ["h:7000,i:7001,password=p"]]
        #expect(try redis(string).topology == .servers([.tcp(host: "h", port: 7000), .tcp(host: "i", port: 7001)]))
    }
}

/// How TLS, names, the prefix and the timings are read from the settings.
@Suite struct RedisSettingsTests {
    @Test func tlsIsWhatFlagsMakeOfTheAddresssOwn() throws {
        #expect(try redis(["--redis": ["rediss://h"]]).tls == TLSConfiguration())
        #expect(try redis(["--redis": ["redis://h"]]).tls == nil)
        let flags = ["--redis-ca": ["/ca"], "--redis-cert": ["/c"], "--redis-key": ["/k"], "--redis-tls-name": ["n"]]
        let all = TLSConfiguration(caFile: "/ca", certificateFile: "/c", keyFile: "/k", serverName: "n")
        for text in ["rediss://h", "rediss-sentinel://h/m", "h,ssl=true,sslHost=other"] {
            #expect(try redis(flags.merging(["--redis": [text]]) { $1 }).tls == all)
        }
        let oneFile = try redis(["--redis": ["rediss://h"], "--redis-cert": ["/c"]]).tls
        #expect(oneFile == TLSConfiguration(certificateFile: "/c", keyFile: "/c"))
        let string = try redis(["--redis": ["h,ssl=true,sslProtocols=tls13"], "--redis-tls-name": ["::1"]]).tls
        #expect(string == TLSConfiguration(serverName: "::1", versions: .v13 ... .v13))
    }

    @Test func settingsOfTLSNeedTLS() {
        let rest =
            ": there is no TLS in --redis; allowed: with rediss://, rediss-sentinel:// or a connection string with ssl=true"
        for (flag, value) in [
            ("--redis-ca", "/x"), ("--redis-cert", "/x"), ("--redis-key", "/x"), ("--redis-tls-name", "x"),
            ("--redis-tls-insecure", "true"),
        ] {
            for address in ["redis://h", "unix:///r", "h", "redis-sentinel://h/m"] {
                #expect(error(["--redis": [address], flag: [value]]) == flag + rest)
            }
        }
        #expect(error([:], ["HUBRELAY_REDIS_TLS_INSECURE": "false"]) == nil)
        #expect(error([:], ["HUBRELAY_REDIS_TLS_INSECURE": "1"]) == "HUBRELAY_REDIS_TLS_INSECURE" + rest)
    }

    @Test func settingsOfTLSHaveToFitTogether() {
        let tls = ["--redis": ["rediss://h"]]
        #expect(
            error(tls.merging(["--redis-key": ["/k"]]) { $1 })
                == "--redis-key: a key without its certificate; allowed: with --redis-cert")
        #expect(
            error(tls.merging(["--redis-tls-insecure": ["true"]]) { $1 }, ["HUBRELAY_REDIS_CA": "/ca"])
                == "--redis-tls-insecure: accepts any certificate, whatever HUBRELAY_REDIS_CA says; "
                + "only one of them is allowed")
    }

    @Test func insecurityIsASwitch() throws {
        let byFlag = try configured(["--redis": ["rediss://h"], "--redis-tls-insecure": ["true"]])
        #expect(byFlag.redis.tls?.isInsecure == true)
        for (text, isInsecure) in [
            ("true", true), ("1", true), ("Yes", true), ("false", false), ("0", false), ("no", false),
        ] {
            let byVariable = try configured(["--redis": ["rediss://h"]], ["HUBRELAY_REDIS_TLS_INSECURE": text])
            #expect(byVariable.redis.tls?.isInsecure == isInsecure)
        }
    }

    /// A value without a slash is more likely the password itself.
    @Test func aPasswordInPlaceOfItsFileIsNotShown() {
        for setting in ["--redis-password-file", "--sentinel-password-file"] {
            let flags = ["--redis": ["redis-sentinel://h/m"], setting: ["S3cr3t"], "--prefix": ["x"]]
            #expect(
                error(flags)
                    == "\(setting): \"***\" is not a path with a / in it; allowed: the path of a file")
        }
    }

    @Test func anotherPrefixThanTheStringsIsNoticed() throws {
        let string = ["--redis": ["h,channelPrefix=MyApp"]]
        let notice = "--prefix is used, and not the channelPrefix in --redis"
        for (prefix, notices) in [("MyApp", []), ("other", [notice]), ("", [notice])] {
            #expect(try configured(string.merging(["--prefix": [prefix]]) { $1 }).notices == notices)
        }
    }

    @Test func theStartIsGivenUpOnlyIfThatWasAskedFor() throws {
        let notice = ["without effect here, in --redis: connectRetry (only with abortConnect=true)"]
        for (text, flag, attempts, notices) in [
            ("redis://h", nil, nil, []), ("redis://h", "true", 3, []), ("redis://h", "false", nil, []),
            ("h", nil, nil, []), ("h,abortConnect=true", nil, 3, []), ("h,abortConnect=false", "true", 3, []),
            ("h,abortConnect=true,connectRetry=5", nil, 5, []), ("h,abortConnect=true,connectRetry=0", nil, 1, []),
            ("h,abortConnect=true,connectRetry=5", "false", nil, notice), ("h,connectRetry=5", nil, nil, notice),
            ("h,connectRetry=5", "yes", 5, []),
        ] as [(String, String?, Int?, [String])] {
            var flags = ["--redis": [text]]
            if let flag { flags["--abort-connect"] = [flag] }
            let configuration = try configured(flags)
            #expect(configuration.redis.attemptsAtStart == attempts, "\(text)")
            #expect(configuration.notices == notices, "\(text)")
        }
    }

    @Test func aStringFillsWhatNoFlagAndNoVariableSays() throws {
        let string = ["HUBRELAY_REDIS": "h,channelPrefix=MyApp,connectTimeout=7000,name=web"]
        let alone = try outcomeOfParse([:], string).get()
        #expect(alone.listener.prefix == Array("MyApp".utf8))
        #expect(alone.timings.connectTimeout == 7 * second && alone.redis.clientName == "web")
        let flags = ["--prefix": [""], "--connect-timeout": ["3s"], "--redis-client-name": ["relay"]]
        let variables = [
            "HUBRELAY_PREFIX_NONE": "true", "HUBRELAY_CONNECT_TIMEOUT": "3s", "HUBRELAY_REDIS_CLIENT_NAME": "relay",
        ]
        for other in [
            try outcomeOfParse(flags, string).get(),
            try outcomeOfParse([:], string.merging(variables) { $1 }).get(),
        ] {
            #expect(other.listener.prefix.isEmpty && other.timings.connectTimeout == 3 * second)
            #expect(other.redis.clientName == "relay" && other.notices.count == 1, "of the prefix")
        }
    }

    @Test func allThatHasNoMeaningIsInOneNotice() throws {
        let string = "h,syncTimeout=1,keepAlive=60,connectRetry=2,$INFO=,defaultDatabase=2,sslHost=x"
        let names =
            "defaultDatabase (pub/sub has no databases), keepAlive (a PING goes out each --heartbeat-interval), "
            + "syncTimeout, sslHost (only with ssl=true), $INFO, connectRetry (only with abortConnect=true)"
        let byVariable = try configured([:], ["HUBRELAY_REDIS": string])
        #expect(byVariable.notices == ["without effect here, in HUBRELAY_REDIS: " + names])
    }

    @Test func passwordsOfAStringAreVisibleOnTheCommandLine() throws {
        for text in [
            "h,password=hunter2", "h,serviceName=m,sentinelPassword=hunter2", "h,sentinelPassword=hunter2",
        ] {
            let notices = try configured(["--redis": [text]]).notices
            let warning = "the password in --redis is visible to every user of this machine (ps): "
            #expect(notices.filter { $0.hasPrefix(warning) }.count == 1)
            #expect(!notices.contains { $0.contains("hunter2") })
            let byVariable = try configured([:], ["HUBRELAY_REDIS": text]).notices
            #expect(!byVariable.contains { $0.contains("(ps)") })
        }
    }

    @Test func oneLineNamesTheKeyAndMasksTheString() throws {
        let line = try #require(error(["--redis": ["h:1,password=hunter2,ssl=maybe"]]))
        #expect(line.hasPrefix("--redis: \"h:1***\" has a wrong value for ssl: true or false; allowed: redis://"))
    }
}
