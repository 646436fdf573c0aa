import Testing

@testable import Configuration

private func tcp(
    _ host: String, _ port: UInt16 = 6379, user: String? = nil, password: String? = nil,
    database: String? = nil
) -> RedisURL {
    RedisURL(endpoint: .tcp(host: host, port: port), username: user, password: password, database: database)
}

private func unix(_ path: String, user: String? = nil, password: String? = nil) -> RedisURL {
    RedisURL(endpoint: .unix(path: path), username: user, password: password, database: nil)
}

@Suite struct RedisURLTests {
    static let valid: [(String, RedisURL)] = [
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
    ]

    @Test(arguments: valid)
    func aURLSaysWhereAndWho(text: String, url: RedisURL) {
        #expect(outcome { try parseRedisURL(text) } == .success(url))
    }

    @Test(arguments: [
        ("", "is no URL"), ("redis", "is no URL"), ("127.0.0.1:6379", "is no URL"), ("redis:h", "is no URL"),
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
        ("redis://h/x", "has a database that is no number"),
        ("redis://h/0/1", "has a database that is no number"),
        ("redis://a b", "has a space or control character in it; write it as %20"),
        ("redis://:p\n@h", "has a space or control character in it; write it as %20"),
        ("redis://h,i", "names several hosts, not supported by this version"),
        ("redis://h:1,i:1", "names several hosts, not supported by this version"),
        ("redis://a..b", "has a host that is no name and no address"),
        ("redis://h%41", "has a host that is no name and no address"),
        ("redis://ü", "has a host that is no name and no address"),
        ("redis://1.2.3", "has a host that is no IPv4 address"),
        ("redis://1.2.3.256", "has a host that is no IPv4 address"),
        ("redis://:p%@h", "has a % without two hex digits; a % itself is %25"),
        ("redis://:p%g0@h", "has a % without two hex digits; a % itself is %25"),
        ("redis://:%ff@h", "is not UTF-8 once its percent-encoding is undone"),
        ("redis://:a/b@h", "has a / before its @; inside a password it is %2F"),
        ("redis://h?db=1", "has parameters (? or #); inside a password they are %3F and %23"),
        ("redis://:a#b@h", "has parameters (? or #); inside a password they are %3F and %23"),
        ("rediss://h", "asks for TLS, not supported by this version"),
        ("redis-sentinel://h/m", "asks for Sentinel, not supported by this version"),
        ("redis-cluster://h", "asks for a cluster, not supported by this version"),
        ("http://h", "has an unknown scheme"), ("://h", "has an unknown scheme"),
        ("h:6379,password=pw,ssl=true", "is a StackExchange.Redis string, not supported by this version"),
        ("h,abortConnect=false", "is a StackExchange.Redis string, not supported by this version"),
        ("unix://", "has no absolute path"), ("unix://run", "has no absolute path"),
        ("unix://run/x", "has something between unix:// and its absolute path"),
        ("unix:///a%00b", "has a zero byte in its path"),
    ])
    func anythingElseIsRefusedWithItsReason(text: String, reason: String) {
        #expect(outcome { try parseRedisURL(text) } == .failure(InvalidValue(reason)))
    }

    @Test func aUnixPathMustFitASocketAddress() {
        let longest = "/" + String(repeating: "x", count: 106)
        #expect(outcome { try parseRedisURL("unix://" + longest) } == .success(unix(longest)))
        let tooLong = outcome { try parseRedisURL("unix://\(longest)x") }
        #expect(tooLong == .failure(InvalidValue("is too long for a Unix socket: 108 of 107 bytes")))
    }

    @Test(arguments: [
        ("redis://u:p@h:x", "redis://***@h:***"), ("redis://:a/b@h", "redis://***@h"),
        ("redis://:a?b@h", "redis://***@h"), ("redis://:a@b@h", "redis://***@h"),
        ("redis://h?password=pw", "redis://h***"), ("redis://h:1#pw", "redis://h:1***"),
        ("redis://user:pw", "redis://user:***"), ("redis://:pw/0", "redis://:***"),
        ("redis://h:99999", "redis://h:99999"), ("redis://[::1]x", "redis://[::1]x"),
        ("h:6379,password=pw", "h:6379***"), ("password=pw", "password***"), ("user:pw@h", "***@h"),
        ("http://u:pw@h", "http://***@h"), ("unix://u:pw@run", "unix://***@run"), ("redis:u:pw", "redis:***"),
        ("", ""), ("redis://", "redis://"), ("h pw", "h***"), ("h;pw", "h***"),
    ])
    func whatIsShownOfAWrongURLHoldsNoSecret(text: String, shown: String) {
        #expect(maskedRedisURL(text) == shown)
    }

    @Test func anyURLWithASecretIsMaskedWhateverIsWrongWithIt() {
        let secret = "S3cr3t"
        for (text, _) in Self.valid where text.contains("@") {
            for broken in [text + "?x", text + "/x/y", text + ":", "x" + text, text + " "] {
                let parts = broken.split(separator: "@", maxSplits: 1)
                let withSecret = "redis://\(secret):\(secret)@" + parts[1]
                #expect(!maskedRedisURL(withSecret).contains(secret), "\(withSecret)")
            }
        }
    }

    @Test func theDisplayedAddressHoldsNoSecret() {
        for (url, shown) in [
            ("redis://user:pw@h", "redis://h:6379"), ("redis://u:pw@[::1]:1/3", "redis://[::1]:1"),
            ("unix://u:pw@/run/r.sock", "unix:///run/r.sock"),
        ] {
            let configuration = outcomeOfParse(["--prefix": ["x"], "--redis": [url]])
            #expect(try! configuration.get().redis.displayAddress == shown)
        }
    }
}
