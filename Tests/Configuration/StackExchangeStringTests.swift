import Testing

@testable import Configuration

private typealias Endpoint = RedisConfiguration.Endpoint

private func address(_ text: String) throws -> RedisAddress {
    try outcome { try parseRedisAddress(text) }.get()
}

private func options(_ text: String) throws -> StackExchangeOptions {
    try #require(try address(text).options)
}

@Suite struct StackExchangeStringTests {
    @Test(
        arguments: [
            ("h", [("h", 6379)]), ("H:1", [("h", 1)]), ("10.0.0.1:7000", [("10.0.0.1", 7000)]),
            (" h , i ,, j ", [("h", 6379), ("i", 6379), ("j", 6379)]), ("h:6379,H:6379,h:6379", [("h", 6379)]),
            ("localhost,h:2", [("localhost", 6379), ("h", 2)]),
            ("::1", [("::1", 6379)]), ("[::1]", [("::1", 6379)]), ("[2001:DB8::1]:7", [("2001:db8::1", 7)]),
            ("fe80::1%3,h:1", [("fe80::1%3", 6379), ("h", 1)]),
            ("h,ssl=true", [("h", 6380)]), ("h.,h.:6379,ssl=true", [("h.", 6380), ("h.", 6379)]),
            ("ssl=true,h:1", [("h", 1)]),
        ] as [(String, [(String, UInt16)])])
    func hostsHaveTheDefaultPortOfTheirKind(text: String, hosts: [(String, UInt16)]) throws {
        #expect(try address(text).topology == .servers(hosts.map { .tcp(host: $0, port: $1) }))
    }

    @Test func aServiceNameMakesThemSentinels() throws {
        let sentinels = [Endpoint.tcp(host: "h", port: 26379), .tcp(host: "i", port: 5)]
        for text in ["h:26379,i:5,serviceName=my master", "h:26379,SERVICENAME= my master ,i:5,ssl=true"] {
            #expect(try address(text).topology == .sentinel(sentinels, service: "my master"))
        }
        #expect(try address("h,serviceName=").topology == .servers([.tcp(host: "h", port: 6379)]))
    }

    @Test func anExclamationMarkIsAUnixSocket() throws {
        #expect(try address("!/run/redis.sock,password=p").topology == .servers([.unix(path: "/run/redis.sock")]))
    }

    @Test func aWholeStringOfDotNETSays() throws {
        let text =
            "host:6379,password=p=w==,ssl=true,abortConnect=false,channelPrefix=MyApp,serviceName=mymaster,"
            + "user=u,sslHost=redis.example,connectTimeout=7000,connectRetry=5,keepAlive=60,name=web 1"
        let address = try address(text)
        #expect(address.topology == .sentinel([.tcp(host: "host", port: 6379)], service: "mymaster"))
        #expect(address.username == "u" && address.password == "p=w==" && address.database == nil)
        #expect(address.tls == TLSConfiguration(serverName: "redis.example"))
        var options = StackExchangeOptions()
        (options.abortsConnect, options.connectRetry, options.connectTimeout) = (false, 5, 7 * second)
        (options.channelPrefix, options.clientName) = ("MyApp", "web1")
        options.withoutMeaning = ["keepAlive (a PING goes out each --heartbeat-interval)"]
        #expect(address.options == options)
    }

    @Test func credentialsMayBeEmptyAndTheLastOnesCount() throws {
        let nobody = try address("h,user=,password=")
        #expect(nobody.username == nil && nobody.password == nil)
        let nopass = try address("h,user=u,password=")
        #expect(nopass.username == "u" && nopass.password == "")
        #expect(try address("h,password=a,PassWord= b ").password == "b")
        let sentinels = try options("h,serviceName=m,sentinelUser=s,sentinelPassword=p")
        #expect(sentinels.sentinelUsername == "s" && sentinels.sentinelPassword == "p")
        #expect(sentinels.withoutMeaning.isEmpty)
    }

    @Test func booleansAreWrittenInFourWays() throws {
        for text in ["true", "TRUE", "1", "yes", "on"] {
            #expect(try address("h,ssl=\(text)").tls != nil && options("h,abortConnect=\(text)").abortsConnect == true)
        }
        for text in ["false", "False", "0", "no", "off"] {
            #expect(try address("h,ssl=\(text)").tls == nil && options("h,abortConnect=\(text)").abortsConnect == false)
        }
        #expect(try options("h").abortsConnect == nil)
    }

    @Test(
        arguments: [
            ("tls12", .v12 ... .v12, nil), ("Tls13", .v13 ... .v13, nil), ("tls12|tls13", .v12 ... .v13, nil),
            ("Tls13 | Tls12", .v12 ... .v13, nil), ("3072", .v12 ... .v12, nil), ("15360", .v12 ... .v13, nil),
            ("none", .v12 ... .v13, nil), ("0", .v12 ... .v13, nil),
            ("tls11|tls12", .v12 ... .v12, "sslProtocols Tls11 (TLS 1.2 is the minimum)"),
            ("ssl3|tls|tls11|tls13", .v13 ... .v13, "sslProtocols Ssl3|Tls|Tls11 (TLS 1.2 is the minimum)"),
            ("4032", .v12 ... .v12, "sslProtocols Tls|Tls11 (TLS 1.2 is the minimum)"),
        ] as [(String, ClosedRange<TLSConfiguration.Version>, String?)])
    func protocolsAreThoseThatAreLeft(
        text: String, versions: ClosedRange<TLSConfiguration.Version>, notice: String?
    ) throws {
        let address = try address("h,ssl=true,sslProtocols=\(text)")
        #expect(address.tls?.versions == versions)
        #expect(address.options?.withoutMeaning == notice.map { [$0] } ?? [])
    }

    @Test func azuresHostsHaveTLSUnlessItIsTurnedOff() throws {
        for host in [
            "a.redis.cache.windows.net:6380", "A.Redis.Cache.ChinaCloudAPI.cn:6380", "a.r.redis.azure.net:10000",
        ] {
            #expect(try address("\(host),password=p").tls != nil && address("\(host),ssl=false").tls == nil)
        }
        for host in [
            "a.redis.cache.windows.net", "a.redis.cache.windows.net:6379", "h:6380", "redis.azure.net.example",
        ] {
            #expect(try address(host).tls == nil)
        }
    }

    @Test func aClientNameLosesWhatRedisDoesNotTake() throws {
        #expect(try options("h,name= a b\tc\u{e9}! ").clientName == "abc!")
        #expect(try options("h,name=é").clientName == nil && options("h,name=").clientName == nil)
        #expect(try options("h,name=" + String(repeating: "x", count: 70)).clientName?.utf8.count == 64)
    }

    @Test func aChannelPrefixMayBeEmpty() throws {
        #expect(try options("h,channelPrefix=").channelPrefix == "")
        #expect(try options("h,channelPrefix=é:").channelPrefix == "é:")
        #expect(try options("h").channelPrefix == nil)
    }

    @Test(
        arguments: [
            ("sslHost=x", ["sslHost (only with ssl=true)"]),
            ("sslProtocols=tls12", ["sslProtocols (only with ssl=true)"]),
            ("sentinelUser=x", ["sentinelUser (only with serviceName)"]),
            ("sentinelPassword=x", ["sentinelPassword (only with serviceName)"]),
            ("keepAlive=180", ["keepAlive (a PING goes out each --heartbeat-interval)"]), ("keepAlive=-1", []),
            ("checkCertificateRevocation=true", ["checkCertificateRevocation (revocation lists are not checked)"]),
            ("checkCertificateRevocation=False", []), ("defaultDatabase=0", []),
            ("defaultDatabase=3", ["defaultDatabase (pub/sub has no databases)"]),
            ("protocol=resp3", ["protocol (it is RESP2)"]), ("protocol=2", []), ("highIntegrity=false", []),
            ("highIntegrity=true", ["highIntegrity"]), ("allowAdmin=true", ["allowAdmin"]), ("tunnel=", []),
            ("proxy=", []), ("proxy=None", []), ("version=7.4,syncTimeout=1,tiebreaker=", ["syncTimeout", "version"]),
            ("$CLIENT=,$ROLE=", []), ("$client=ours,$INFO=,$Config=cfg,$info=x", ["$CLIENT", "$INFO", "$CONFIG"]),
            ("$PUBLISH=publish,$PING=PING", []),
        ] as [(String, [String])])
    func whatDoesNothingHereIsNamedOnce(text: String, names: [String]) throws {
        #expect(try options("h," + text).withoutMeaning == names)
    }

    @Test(arguments: [
        ("", "has no host"), (" , ", "has no host"), ("ssl=true", "has no host"), ("serviceName=m", "has no host"),
        ("h:x", "has a port that is not 1 to 65535"), ("h:0", "has a port that is not 1 to 65535"),
        ("a b", "has a host that is neither a name nor an address"),
        ("1.2.3", "has a host that is not an IPv4 address"),
        ("::1::", "has an IPv6 address without [brackets]"),
        ("user:pw@h", "has an @; a URL with credentials begins with redis://"),
        ("!", "has a Unix socket without an absolute path"), ("!@name", "has a Unix socket without an absolute path"),
        ("!/s,h", "has a Unix socket, which stands alone: no other host, no serviceName and no ssl"),
        ("!/s,ssl=true", "has a Unix socket, which stands alone: no other host, no serviceName and no ssl"),
        ("!/s,serviceName=m", "has a Unix socket, which stands alone: no other host, no serviceName and no ssl"),
        ("h,bogus=1", "has an unknown key, bogus"),
        ("h,password=p,abortOnConnectFail=1", "has an unknown key, abortOnConnectFail"),
        (
            "h,password=a,b1=c",
            "has an unknown key in part 3 between its commas; a password cannot have a comma there"
        ),
        (
            "redis.internal:6379,S3cr3t",
            "has a word beside its hosts; a host is host:port there, and a password password=..."
        ),
        (
            "h,password=p,word",
            "has something that is neither a key nor an address in part 3 between its commas; a password cannot have a comma there"
        ),
        ("h,=c", "has an unknown key in part 2 between its commas; a password cannot have a comma there"),
        ("h,$=c", "has an unknown key in part 2 between its commas; a password cannot have a comma there"),
        ("h,ssl=maybe", "has a wrong value for ssl: true or false"),
        ("h,ssl=", "has a wrong value for ssl: true or false"),
        ("h,abortConnect=2", "has a wrong value for abortConnect: true or false"),
        ("h,connectRetry=x", "has a wrong value for connectRetry: 0 to 1000000"),
        ("h,connectRetry=-1", "has a wrong value for connectRetry: 0 to 1000000"),
        ("h,connectTimeout=9", "has a wrong value for connectTimeout: 10 to 300000"),
        ("h,connectTimeout=5s", "has a wrong value for connectTimeout: 10 to 300000"),
        ("h,ssl=true,sslHost=a b", "has an sslHost that is neither a name nor an address"),
        ("h,sslProtocols=tls14", "has a wrong value for sslProtocols: tls12, tls13 or tls12|tls13"),
        ("h,sslProtocols=tls12||tls13", "has a wrong value for sslProtocols: tls12, tls13 or tls12|tls13"),
        ("h,sslProtocols=-1", "has a wrong value for sslProtocols: tls12, tls13 or tls12|tls13"),
        ("h,sslProtocols=tls|tls11", "allows only SSL or TLS before 1.2, which is not supported by this version"),
        ("h,proxy=Twemproxy", "asks for a proxy, and those have no pub/sub"),
        ("h,proxy=envoyproxy", "asks for a proxy, and those have no pub/sub"),
        ("h,tunnel=http://proxy:8080", "asks for a tunnel, not supported by this version"),
        ("h,serviceName=a\u{7}b", "has a service that is not 1 to 255 bytes of printable text"),
    ])
    func anythingElseIsRefusedWithItsReason(text: String, reason: String) {
        #expect(outcome { try parseRedisAddress(text) } == .failure(InvalidValue(reason)))
    }

    @Test(arguments: ["AUTH", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "PING", "SENTINEL"])
    func aCommandThatTheRelayNeedsKeepsItsName(command: String) {
        let rest = "\(command), which the relay uses; renamed commands are not supported"
        #expect(
            outcome { try parseRedisAddress("h,$\(command.lowercased())=x") }
                == .failure(InvalidValue("renames \(rest)")))
        #expect(outcome { try parseRedisAddress("h,$\(command)=") } == .failure(InvalidValue("disables \(rest)")))
    }

    @Test func aChannelPrefixIsNoLongerThanPrefixMayBe() throws {
        let longest = String(repeating: "é", count: 256)
        #expect(try options("h,channelPrefix=\(longest)").channelPrefix == longest)
        #expect(
            outcome { try parseRedisAddress("h,channelPrefix=\(longest)x") }
                == .failure(InvalidValue("has a channelPrefix of more than 512 bytes")))
    }

    /// The keys that docs/Configuration.md of StackExchange.Redis 3 lists, including obsolete ones, and those that its
    /// parser accepts in addition. Each has a value that its own parser accepts.
    static let documented = [
        "abortConnect=true", "allowAdmin=true", "channelPrefix=x", "checkCertificateRevocation=true", "connectRetry=3",
        "connectTimeout=5000", "configChannel=__Booksleeve_MasterChanged", "configCheckSeconds=60", "defaultDatabase=1",
        "keepAlive=60", "tcpKeepAlive=true", "name=x", "password=x", "sentinelPassword=x", "user=x", "sentinelUser=x",
        "proxy=none", "resolveDns=true", "serviceName=x", "ssl=true", "sslHost=x", "sslProtocols=Tls12|Tls13",
        "syncTimeout=5000", "asyncTimeout=5000", "tiebreaker=__Booksleeve_TieBreak", "version=7.4", "tunnel=",
        "setlib=true", "protocol=resp3", "highIntegrity=true", "responseTimeout=1", "writeBuffer=4096",
        "highPriorityThreads=true", "preserveAsyncOrder=true",
    ]

    @Test func everyKeyIsHonouredOrNamed() throws {
        let names = Self.documented.map { String($0.prefix { $0 != "=" }) }
        #expect(Set(names) == Set(StackExchangeKey.all.map(\.name)) && names.count == StackExchangeKey.all.count)
        let all = try address("h," + Self.documented.joined(separator: ","))
        for key in StackExchangeKey.all {
            let isNamed = try #require(all.options).withoutMeaning.contains {
                $0 == key.name || $0.hasPrefix(key.name + " (")
            }
            if key.use == .withoutMeaning {
                #expect(isNamed, "\(key.name)")
            } else {
                #expect(!isNamed, "\(key.name)")
            }
            #expect(throws: Never.self, "\(key.name)") {
                try address("h," + Self.documented[names.firstIndex(of: key.name)!].uppercased())
            }
        }
    }

    /// For every honoured key: without it, the configuration differs.
    @Test func everyHonouredKeyDoesSomething() throws {
        let names = Self.documented.map { String($0.prefix { $0 != "=" }) }
        for key in StackExchangeKey.all where key.use == .honoured {
            let others = Self.documented.filter { !$0.hasPrefix(key.name + "=") && !$0.hasPrefix("sslProtocols=") }
            let own =
                key.name == "sslProtocols" ? "sslProtocols=tls12" : Self.documented[names.firstIndex(of: key.name)!]
            let base = "h," + others.joined(separator: ",")
            #expect(try address(base) != address("\(base),\(own)"), "\(key.name)")
        }
    }
}
