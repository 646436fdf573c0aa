import Testing

@testable import Configuration

@Suite struct AddressTests {
    @Test(arguments: [
        ("off", HTTPListen.off), ("127.0.0.1:8379", .tcp(host: "127.0.0.1", port: 8379)),
        ("0.0.0.0:1", .tcp(host: "0.0.0.0", port: 1)), ("[::]:8379", .tcp(host: "::", port: 8379)),
        ("[fe80::1%eth0]:80", .tcp(host: "fe80::1%eth0", port: 80)),
        ("localhost:8379", .tcp(host: "127.0.0.1", port: 8379)),
        ("unix:/run/hubrelay/http.sock", .unix(path: "/run/hubrelay/http.sock")),
        ("unix:x", .unix(path: "x")),
    ])
    func anHTTPAddressIsNumericUnixOrOff(text: String, listen: HTTPListen) {
        #expect(outcome { try parseHTTPAddress(text) } == .success(listen))
        #expect(outcome { try parseHTTPAddress(listen.description) } == .success(listen))
    }

    @Test(arguments: [
        ("", "has no port"), ("8379", "has no port"), ("127.0.0.1", "has no port"), ("[::1]", "has no port"),
        ("OFF", "has no port"), (":8379", "has no numeric address before its port"),
        ("example:80", "has no numeric address before its port"),
        ("1.2.3:80", "has no numeric address before its port"),
        ("01.2.3.4:80", "has no numeric address before its port"),
        ("::1:80", "has an IPv6 address without [brackets]"),
        ("127.0.0.1:0", "has a port that is not 1 to 65535"),
        ("127.0.0.1:", "has a port that is not 1 to 65535"),
        ("http://127.0.0.1:80", "has an IPv6 address without [brackets]"), ("unix:", "has no path"),
    ])
    func anythingElseIsRefusedWithItsReason(text: String, reason: String) {
        #expect(outcome { try parseHTTPAddress(text) } == .failure(InvalidValue(reason)))
    }

    @Test(arguments: [
        ("a", ["a"]), ("Relay-1.Example.com", ["relay-1.example.com"]), ("a,.b.c,*", ["a", ".b.c", "*"]),
        ("my_relay", ["my_relay"]),
    ])
    func theseAreHostsToBeAskedBy(text: String, names: [String]) {
        #expect(outcome { try parseHostNames(text) } == .success(names))
    }

    @Test(arguments: ["", ",", "a,", ".", "a..b", "a.", "*.a", "a/b", "ä", "a b", "http://a", "[::1]", "a:80"])
    func theseAreNot(text: String) {
        #expect(throws: InvalidValue.self) { try parseHostNames(text) }
    }

    @Test func anAbstractSocketIsNoAddressOfOurs() {
        for text in ["unix:@http", "unix:@", "unix:@/run/x"] {
            #expect(throws: InvalidValue.self, "\(text)") { try parseHTTPAddress(text) }
        }
        #expect(outcome { try parseSocketPath("./@name") } == .success("./@name"))
    }

    @Test(arguments: [
        "::", "::1", "1::", "2001:db8::8:800:200c:417a", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "FE80::A", "fe80::1%1", "fe80::1%br-lan_0.1~", "::1.2.3.4",
    ])
    func theseAreIPv6Addresses(text: String) {
        #expect(isIPv6Address(text))
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1%", "::1%a%b", "::1%a/b", "::1%a:b",
        "::1%a@b", "::1 ", ":1",
        "1:",
        "1:2:3:4:5:6:7:", "1.2.3.4",
    ])
    func theseAreNone(text: String) {
        #expect(!isIPv6Address(text))
    }

    @Test func hostNamesAreWhatResolversTake() {
        for name in [
            "a", "redis", "redis-1.example.com", "redis_1", "a.", "1a.b", String(repeating: "a", count: 63),
        ] {
            #expect(isHostName(name), "\(name)")
        }
        for name in [
            "", ".", "a..b", ".a", "a..", "a b", "ä", "a/b", "a:b", String(repeating: "a", count: 64),
        ] {
            #expect(!isHostName(name), "\(name)")
        }
        #expect(!isHostName(Array(repeating: "aaaa", count: 51).joined(separator: ".")))
    }
}
