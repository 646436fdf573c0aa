import Testing

@testable import Configuration

@Suite struct ConfigurationErrorTests {
    @Test(arguments: [
        (
            "--window", "4 bananas",
            "--window: \"4 bananas\" is not a size; allowed: 1KiB to 1GiB (units B, KiB, MiB, GiB; no unit: B)"
        ),
        (
            "--probe", "never",
            "--probe: \"never\" is not a duration; allowed: 10ms to 60m (units ms, s, m; no unit: s) or off"
        ),
        (
            "--max-connections", "0",
            "--max-connections: \"0\" is out of range; allowed: 1 to 1000000"
        ),
        (
            "--socket-mode", "rw",
            "--socket-mode: \"rw\" is not an octal number; allowed: octal permission bits, 0 to 0777"
        ),
        ("--socket-group", "", "--socket-group: \"\" is not a group; allowed: a group's name or number"),
        (
            "--socket-group", "4294967295",
            "--socket-group: \"4294967295\" is out of range; allowed: a group's name or number"
        ),
        ("--socket", "", "--socket: \"\" has no path; allowed: a path of at most 107 bytes"),
        (
            "--socket", "@chat",
            "--socket: \"@chat\" names an abstract socket, which is not supported: it has no permissions, so that every "
                + "user of the host could connect; give the path of a file (one whose name begins with @ is ./@...); "
                + "allowed: a path of at most 107 bytes"
        ),
        ("--redis-password-file", "", "--redis-password-file: \"\" has no path; allowed: the path of a file"),
        ("--log-format", "xml", "--log-format: \"xml\" is not a format; allowed: text, json"),
        (
            "--log-level", "INFO",
            "--log-level: \"INFO\" is not a level; allowed: trace, debug, info, notice, warning, error, critical"
        ),
        (
            "--allow-uid", "root",
            "--allow-uid: \"root\" is not a whole number; allowed: 0 to 4294967294, repeatable, or several with commas"
        ),
        (
            "--http", "8379",
            "--http: \"8379\" has no port; allowed: ADDRESS:PORT with a numeric address ([...] for IPv6), unix:PATH or off"
        ),
        (
            "--redis", "redis://user:secret@host:port",
            "--redis: \"redis://***@host:***\" has a port that is not 1 to 65535; allowed: "
                + "redis://[user[:password]@]host[:port][,...], rediss:// for TLS, unix:///path, "
                + "redis-sentinel://[user[:password]@]host[:port][,...]/service, rediss-sentinel:// for TLS, "
                + "redis-cluster://[user[:password]@]host[:port][,...], rediss-cluster:// for TLS, "
                + "or a connection string of StackExchange.Redis"
        ),
        (
            "--http-host", "relay.example:8379",
            "--http-host: \"relay.example:8379\" has more than a name: leave out the port; allowed: a host name, .DOMAIN for "
                + "all names under one, or * for any; repeatable, or several with commas"
        ),
        ("--redis-user", "a b", "--redis-user: \"a b\" is not a user's name; allowed: a name without spaces"),
        (
            "--redis-client-name", "a b",
            "--redis-client-name: \"a b\" is not a client's name; allowed: 1 to 64 printable ASCII characters without "
                + "spaces"
        ),
        (
            "--redis-tls-name", "a b",
            "--redis-tls-name: \"a b\" is neither a host name nor an address; allowed: a host name or address"
        ),
        ("--redis-key", "", "--redis-key: \"\" has no path; allowed: the path of a file"),
        (
            "--abort-connect", "maybe",
            "--abort-connect: \"maybe\" is neither true nor false; allowed: true or false (or 1, 0, yes, no)"
        ),
        (
            "--redis-tls-insecure", "on",
            "--redis-tls-insecure: \"on\" is neither true nor false; allowed: no value; in the environment true or "
                + "false (or 1, 0, yes, no)"
        ),
    ])
    func oneLineNamesTheSettingTheValueAndWhatIsAllowed(flag: String, value: String, line: String) throws {
        let setting = try #require(Setting.all.first { $0.flag == flag })
        let (variable, rest) = (setting.environmentName, line.dropFirst(flag.count))
        #expect(outcomeOfParse(["--prefix": ["x"], flag: [value]]).error == "\(flag) (or \(variable))\(rest)")
        guard !value.isEmpty else { return }
        let fromEnvironment = outcomeOfParse(["--prefix": ["x"]], [variable: value])
        #expect(fromEnvironment.error == "\(variable) (or \(flag))\(rest)")
    }

    @Test func settingsThatDoNotFitTogetherAreNamedBoth() {
        #expect(
            outcomeOfParse(["--prefix": ["x"], "--heartbeat-interval": ["5s"]]).error
                == "--heartbeat-interval (or HUBRELAY_HEARTBEAT_INTERVAL): 5s; allowed: less than --link-timeout, which is 5s by default"
        )
        #expect(
            outcomeOfParse(["--prefix": ["x"], "--link-timeout": ["0.5"]]).error
                == "--heartbeat-interval (or HUBRELAY_HEARTBEAT_INTERVAL): 1s by default; allowed: less than --link-timeout, which is 0.5"
        )
        #expect(
            outcomeOfParse(["--prefix": ["x"], "--backoff-min": ["1s"]], ["HUBRELAY_BACKOFF_MAX": "999ms"])
                .error
                == "--backoff-min (or HUBRELAY_BACKOFF_MIN): 1s; allowed: at most HUBRELAY_BACKOFF_MAX, which is 999ms")
        #expect(
            outcomeOfParse(["--prefix": ["x"], "--backoff-max-refused": ["1ms"]]).error
                == "--backoff-min (or HUBRELAY_BACKOFF_MIN): 50ms by default; allowed: at most --backoff-max-refused, which is 1ms"
        )
        #expect(throws: Never.self) { try configured(["--backoff-min": ["500ms"]]) }
    }

    @Test func aValueCannotForgeASecondLine() throws {
        let value = "1\nerror: \u{1b}[2J \u{85}\u{2028}\u{202e}\"\\ é"
        let line = try #require(outcomeOfParse(["--prefix": ["x"], "--window": [value]]).error)
        #expect(
            line.hasPrefix(
                #"--window (or HUBRELAY_WINDOW): "1\nerror: \u{1b}[2J \u{85}\u{2028}\u{202e}\"\\ é" is not a size"#))
        let long = try #require(outcomeOfParse(["--prefix": [String(repeating: "x", count: 5000)]]).error)
        #expect(long.utf8.count < 350)
    }

    @Test func aPasswordInTheURLAndAFileAreTooMuch() {
        let flags = ["--prefix": ["x"], "--redis-password-file": ["/p"]]
        #expect(
            outcomeOfParse(flags.merging(["--redis": ["redis://:pw@h"]]) { $1 }).error
                == "--redis-password-file (or HUBRELAY_REDIS_PASSWORD_FILE): there is a password in --redis too; only one of them is allowed"
        )
        #expect(
            outcomeOfParse(
                ["--prefix": ["x"]],
                ["HUBRELAY_REDIS": "redis://:pw@h", "HUBRELAY_REDIS_PASSWORD_FILE": "/p"]
            )
            .error
                == "HUBRELAY_REDIS_PASSWORD_FILE (or --redis-password-file): there is a password in HUBRELAY_REDIS too; "
                + "only one of them is allowed"
        )
    }

    @Test func aUserNeedsAPasswordFromSomewhere() throws {
        let error = try #require(outcomeOfParse(["--prefix": ["x"], "--redis": ["redis://secret@h"]]).error)
        #expect(error.hasPrefix("--redis (or HUBRELAY_REDIS): names a user without a password; allowed: "))
        #expect(!error.contains("secret"))
        let redis = try configured(["--redis": ["redis://user@h"], "--redis-password-file": ["/p"]]).redis
        #expect(redis.credentials == .init(username: "user", passwordFile: "/p"))
        let nopass = try configured(["--redis": ["redis://user:@h"]]).redis
        #expect(nopass.credentials == .init(username: "user", password: ""))
    }

    @Test func aDatabaseIsNoticedAndIgnored() throws {
        let notices = ["database 3 in --redis has no effect: pub/sub has no databases"]
        #expect(try configured(["--redis": ["redis://h/3"]]).notices == notices)
        #expect(try configured(["--redis": ["redis://h/0"]]).notices.isEmpty)
        let byVariable = try configured([:], ["HUBRELAY_REDIS": "redis://h/3"]).notices
        #expect(byVariable == ["database 3 in HUBRELAY_REDIS has no effect: pub/sub has no databases"])
    }

    @Test func aPasswordOnTheCommandLineIsNoticedWithoutBeingNamed() throws {
        let notices = try configured(["--redis": ["redis://:hunter2@h"]]).notices
        #expect(notices.count == 1)
        #expect(
            notices[0].hasPrefix("the password in --redis is visible to every user of this machine (ps): "))
        #expect(!notices[0].contains("hunter2"))
        let byVariable = try configured([:], ["HUBRELAY_REDIS": "redis://:hunter2@h"])
        #expect(byVariable.notices.isEmpty && byVariable.redis.credentials.password == "hunter2")
    }
}
