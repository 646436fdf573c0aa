import Testing

@testable import Configuration

private func tcp(
    _ host: String, _ port: UInt16 = 6379, user: String? = nil, password: String? = nil,
    database: String? = nil
) -> RedisAddress {
    RedisAddress(
        topology: .servers([.tcp(host: host, port: port)]), username: user, password: password, database: database)
}

private func unix(_ path: String, user: String? = nil, password: String? = nil) -> RedisAddress {
    RedisAddress(topology: .servers([.unix(path: path)]), username: user, password: password)
}

private func servers(_ hosts: [(String, UInt16)], password: String? = nil, hasTLS: Bool = false) -> RedisAddress {
    RedisAddress(
        topology: .servers(hosts.map { .tcp(host: $0, port: $1) }), password: password,
        tls: hasTLS ? TLSConfiguration() : nil)
}

private func sentinel(
    _ hosts: [(String, UInt16)], _ service: String, user: String? = nil, password: String? = nil,
    database: String? = nil, hasTLS: Bool = false
) -> RedisAddress {
    RedisAddress(
        topology: .sentinel(hosts.map { .tcp(host: $0, port: $1) }, service: service), username: user,
        password: password, database: database, tls: hasTLS ? TLSConfiguration() : nil)
}

private func cluster(
    _ hosts: [(String, UInt16)], user: String? = nil, password: String? = nil, hasTLS: Bool = false
) -> RedisAddress {
    RedisAddress(
        topology: .cluster(hosts.map { .tcp(host: $0, port: $1) }), username: user, password: password,
        tls: hasTLS ? TLSConfiguration() : nil)
}

@Suite struct RedisURLTests {
    static let valid: [(String, RedisAddress)] = [
        ("valkey://h", servers([("h", 6379)])), ("valkeys://h", servers([("h", 6379)], hasTLS: true)),
        ("redis://127.0.0.1:6379", tcp("127.0.0.1")),
        ("redis://localhost", tcp("localhost")),
        ("redis://Redis.Example:7000", tcp("redis.example", 7000)),
        ("REDIS://h", tcp("h")),
        ("redis://h/", tcp("h")),
        ("redis://h/0", tcp("h", database: "0")),
        ("redis://h:1/15", tcp("h", 1, database: "15")),
        ("redis://redis_1.internal.", tcp("redis_1.internal.")),
        ("redis://:pw@h", tcp("h", password: "pw")),
        ("redis://user:pw@h:65535", tcp("h", 65535, user: "user", password: "pw")),
        ("redis://user:@h", tcp("h", user: "user", password: "")),
        ("redis://user@h", tcp("h", user: "user")),
        ("redis://:@h", tcp("h")),
        ("redis://@h", tcp("h")),
        ("redis://:a:b:c@h", tcp("h", password: "a:b:c")),
        ("redis://:a@b@h", tcp("h", password: "a@b")),
        ("redis://u%3As:p%40%2F%3f%25@h", tcp("h", user: "u:s", password: "p@/?%")),
        ("redis://:%e2%82%ac+%C3%BC@h", tcp("h", password: "€+ü")),
        ("redis://:p=w,x;y&z@h", tcp("h", password: "p=w,x;y&z")),
        ("redis://[::1]", tcp("::1")),
        (
            "redis://u:p@[2001:DB8::1]:7000/0",
            tcp("2001:db8::1", 7000, user: "u", password: "p", database: "0")
        ),
        ("redis://[::ffff:10.0.0.1]:1", tcp("::ffff:10.0.0.1", 1)),
        ("redis://[fe80::1%25eth0]:1", tcp("fe80::1%eth0", 1)),
        ("redis://[fe80::1%eth0]", tcp("fe80::1%eth0")),
        ("unix:///run/redis/redis.sock", unix("/run/redis/redis.sock")),
        ("unix:///a%20b%25", unix("/a b%")),
        ("unix://user:p%2Fw@/run/r.sock", unix("/run/r.sock", user: "user", password: "p/w")),
        ("unix:///run/a@b.sock", unix("/run/a@b.sock")),
        ("rediss://h", servers([("h", 6379)], hasTLS: true)),
        (
            "REDISS://:pw@h:6380/0",
            RedisAddress(
                topology: .servers([.tcp(host: "h", port: 6380)]), password: "pw", database: "0", tls: .init())
        ),
        ("redis://A:1,b,[::1]:2,10.0.0.1", servers([("a", 1), ("b", 6379), ("::1", 2), ("10.0.0.1", 6379)])),
        ("redis://h,H:6379,h:6379,h:1", servers([("h", 6379), ("h", 1)])),
        ("redis://:a,b@h,i", servers([("h", 6379), ("i", 6379)], password: "a,b")),
        (
            "rediss://:p@[fe80::1%25eth0],h",
            servers(
                [("fe80::1%eth0", 6379), ("h", 6379)], password: "p", hasTLS: true)
        ),
    ]

    /// This is computed, because LeakSanitizer would take the tagged pointers of this enumeration in a global for
    /// leaks.
    static var sentinels: [(String, RedisAddress)] {
        [
            ("redis-sentinel://h/m", sentinel([("h", 26379)], "m")),
            ("redis+sentinel://h:1,i/m", sentinel([("h", 1), ("i", 26379)], "m")),
            ("sentinel://h/m", sentinel([("h", 26379)], "m")),
            ("Redis-Sentinel://H/M", sentinel([("h", 26379)], "M")),
            ("rediss-sentinel://h/m", sentinel([("h", 26379)], "m", hasTLS: true)),
            ("rediss+sentinel://h/m", sentinel([("h", 26379)], "m", hasTLS: true)),
            (
                "redis-sentinel://u:p@[::1]:1,h,h:26379/m",
                sentinel([("::1", 1), ("h", 26379)], "m", user: "u", password: "p")
            ),
            ("redis-sentinel://h/m/", sentinel([("h", 26379)], "m")),
            ("redis-sentinel://h/m/15", sentinel([("h", 26379)], "m", database: "15")),
            ("redis-sentinel://h/a%2Fb%20%C3%BC", sentinel([("h", 26379)], "a/b ü")),
            ("redis-sentinel://h/12/0", sentinel([("h", 26379)], "12", database: "0")),
            ("redis-sentinel://h?sentinelMasterId=m", sentinel([("h", 26379)], "m")),
            ("redis-sentinel://h,i/3?sentinelMasterId=m", sentinel([("h", 26379), ("i", 26379)], "m", database: "3")),
            ("redis+sentinel://:p@h:1?sentinel_master_name=m", sentinel([("h", 1)], "m", password: "p")),
            ("redis-sentinel://h/0#m%41", sentinel([("h", 26379)], "mA", database: "0")),
        ]
    }

    @Test(arguments: sentinels)
    func aURLNamesSentinelsAndTheirService(text: String, url: RedisAddress) {
        #expect(outcome { try parseRedisAddress(text) } == .success(url))
    }

    static var clusters: [(String, RedisAddress)] {
        [
            ("redis-cluster://h", cluster([("h", 6379)])), ("redis+cluster://h/", cluster([("h", 6379)])),
            ("valkey-cluster://h:1/0", cluster([("h", 1)])), ("Redis-Cluster://H", cluster([("h", 6379)])),
            ("rediss-cluster://h", cluster([("h", 6379)], hasTLS: true)),
            ("rediss+cluster://h", cluster([("h", 6379)], hasTLS: true)),
            ("valkeys-cluster://h", cluster([("h", 6379)], hasTLS: true)),
            (
                "redis-cluster://u:p%40,w@h1:7000,[::1]:7001,h2,h1:7000",
                cluster([("h1", 7000), ("::1", 7001), ("h2", 6379)], user: "u", password: "p@,w")
            ),
            ("redis-cluster://:p@h", cluster([("h", 6379)], password: "p")),
            ("redis-cluster://u:@h", cluster([("h", 6379)], user: "u", password: "")),
        ]
    }

    @Test(arguments: clusters)
    func aURLNamesSomeNodesOfACluster(text: String, url: RedisAddress) {
        #expect(outcome { try parseRedisAddress(text) } == .success(url))
    }

    @Test func atMostSixteenHostsAreNamed() {
        let hosts = (1...16).map { "h\($0)" }
        let address = outcome { try parseRedisAddress("redis://" + (hosts + ["h1"]).joined(separator: ",")) }
        #expect(address == .success(servers(hosts.map { ($0, 6379) })))
        for start in ["redis://", "redis-cluster://", ""] {
            let text = start + hosts.joined(separator: ",") + ",x"
            let tooMany = outcome { try parseRedisAddress(text) }
            #expect(tooMany == .failure(InvalidValue("names more than 16 hosts")))
        }
    }

    @Test func aServiceHasAtMost255Bytes() {
        let longest = String(repeating: "m", count: 255)
        #expect(
            outcome { try parseRedisAddress("redis-sentinel://h/\(longest)") }
                == .success(sentinel([("h", 26379)], longest)))
        #expect(
            outcome { try parseRedisAddress("redis-sentinel://h/\(longest)m") }
                == .failure(InvalidValue("has a service that is not 1 to 255 bytes of printable text")))
    }

    @Test(arguments: valid)
    func aURLSaysWhereAndWho(text: String, url: RedisAddress) {
        #expect(outcome { try parseRedisAddress(text) } == .success(url))
    }

    @Test(arguments: [
        ("redis://", "has no host"), ("redis://:6379", "has no host"), ("redis://u:p@", "has no host"),
        ("redis://h:0", "has a port that is not 1 to 65535"),
        ("redis://h:", "has a port that is not 1 to 65535"),
        ("redis://h:65536", "has a port that is not 1 to 65535"),
        ("redis://h:x", "has a port that is not 1 to 65535"),
        ("redis://::1", "has an IPv6 address without [brackets]"), ("redis://[::1", "has a [ without its ]"),
        ("redis://[::1]x", "has something other than a port after its ]"),
        ("redis://[]", "has no IPv6 address between its [brackets]"),
        ("redis://[::1::]", "has no IPv6 address between its [brackets]"),
        ("redis://[1.2.3.4]", "has no IPv6 address between its [brackets]"),
        ("redis://h/x", "has a database that is not a number"),
        ("redis://h/0/1", "has a database that is not a number"),
        ("redis://a b", "has a space or control character in it; write it as %20"),
        ("redis://:p\n@h", "has a space or control character in it; write it as %20"),
        ("redis://h,,i", "has no host"), ("redis://h,", "has no host"),
        ("redis://h,::1", "has an IPv6 address without [brackets]"),
        ("redis://h:1,i:x", "has a port that is not 1 to 65535"),
        (
            "redis://u:p@h,u:p@i",
            "has credentials at more than its first host; inside a password @ is %40 and a comma %2C"
        ),
        (
            "redis://h:1,u:p@i",
            "has a host before its credentials; inside a password a comma is %2C and : is %3A"
        ),
        ("redis://a..b", "has a host that is neither a name nor an address"),
        ("redis://h%41", "has a host that is neither a name nor an address"),
        ("redis://ü", "has a host that is neither a name nor an address"),
        ("redis://1.2.3", "has a host that is not an IPv4 address"),
        ("redis://1.2.3.256", "has a host that is not an IPv4 address"),
        ("redis://:p%@h", "has a % without two hex digits; a % itself is %25"),
        ("redis://:p%g0@h", "has a % without two hex digits; a % itself is %25"),
        ("redis://:%ff@h", "is not UTF-8 once its percent-encoding is undone"),
        ("redis://:a/b@h", "has a / before its @; inside a password it is %2F"),
        ("redis://h?db=1", "has parameters (? or #); inside a password they are %3F and %23"),
        ("redis://:a#b@h", "has parameters (? or #); inside a password they are %3F and %23"),
        ("rediss:///run/redis.sock", "has no host"),
        ("redis-sentinel://h", "names no service (the master's name at the sentinels)"),
        ("redis-sentinel://h/", "names no service (the master's name at the sentinels)"),
        ("redis-sentinel://h#", "names no service (the master's name at the sentinels)"),
        ("redis-sentinel://h/0", "names a database but no service (the master's name at the sentinels)"),
        ("redis-sentinel:///m", "has no host"), ("redis-sentinel://u:p@/m", "has no host"),
        ("redis-sentinel://h/m%0a", "has a service that is not 1 to 255 bytes of printable text"),
        ("redis-sentinel://h/0/m", "has a database that is not a number; inside a service / is %2F"),
        ("redis-sentinel://h/m/0/1", "has more than /service/database after its hosts"),
        ("redis-sentinel://h/m?sentinelMasterId=n", "has a database that is not a number; inside a service / is %2F"),
        (
            "redis-sentinel://h/m?db=1",
            "has parameters other than ?sentinelMasterId=service; inside a password ? and # are %3F and %23"
        ),
        (
            "redis-sentinel://h?sentinelMasterId=m&db=1",
            "has parameters other than ?sentinelMasterId=service; inside a password ? and # are %3F and %23"
        ),
        (
            "redis-sentinel://:a#b@h/m",
            "has parameters other than ?sentinelMasterId=service; inside a password ? and # are %3F and %23"
        ),
        ("redis-cluster://h/1", "has a path after its hosts, but a cluster has only database 0"),
        ("rediss-cluster://h/x", "has a path after its hosts, but a cluster has only database 0"),
        ("redis-cluster://h/0/0", "has a path after its hosts, but a cluster has only database 0"),
        ("redis-cluster://", "has no host"), ("redis-cluster://u:p@", "has no host"),
        ("redis-cluster://h?x=1", "has parameters (? or #); inside a password they are %3F and %23"),
        ("redis-cluster:///run/redis.sock", "has no host"), ("valkeyss-cluster://h", "has an unknown scheme"),
        ("unix-cluster:///r", "has an unknown scheme"),
        ("http://h", "has an unknown scheme"), ("://h", "has an unknown scheme"),
        ("unix://", "has no absolute path"), ("unix://run", "has no absolute path"),
        ("unix://run/x", "has something between unix:// and its absolute path"),
        ("unix:///a%00b", "has a zero byte in its path"),
    ])
    func anythingElseIsRefusedWithItsReason(text: String, reason: String) {
        #expect(outcome { try parseRedisAddress(text) } == .failure(InvalidValue(reason)))
    }

    @Test func aUnixPathMustFitASocketAddress() {
        let longest = "/" + String(repeating: "x", count: 106)
        #expect(outcome { try parseRedisAddress("unix://" + longest) } == .success(unix(longest)))
        let tooLong = outcome { try parseRedisAddress("unix://\(longest)x") }
        #expect(tooLong == .failure(InvalidValue("is too long for a Unix socket: 108 of 107 bytes")))
    }

    @Test func theDisplayedAddressHoldsNoSecret() throws {
        for (url, shown) in [
            ("redis://user:pw@h", "redis://h:6379"), ("redis://u:pw@[::1]:1/3", "redis://[::1]:1"),
            ("unix://u:pw@/run/r.sock", "unix:///run/r.sock"),
            ("rediss://u:pw@h,i:1", "rediss://h:6379,i:1"),
            ("rediss-sentinel://u:pw@h/m", "rediss-sentinel://h:26379/m"),
            ("h,password=pw,user=u,serviceName=m", "redis-sentinel://h:26379/m"),
            ("redis-cluster://u:pw@h,[::1]:1/0", "redis-cluster://h:6379,[::1]:1"),
            ("valkeys-cluster://u:pw@h", "rediss-cluster://h:6379"),
        ] {
            let pubsub = url.contains("cluster") ? ["--cluster-pubsub": ["sharded"]] : [:]
            let configuration = outcomeOfParse(["--prefix": ["x"], "--redis": [url]].merging(pubsub) { $1 })
            #expect(try configuration.get().redis.displayAddress == shown)
        }
    }
}
