import Testing

@testable import RelayCore

@Suite("Errors that send a command elsewhere")
struct RedirectionTests {
    @Test("where to")
    func whereTo() throws {
        let moved = try #require(Redirection("MOVED 3999 127.0.0.1:6381"))
        #expect(moved.kind == .moved && moved.slot == 3_999 && moved.host == "127.0.0.1" && moved.port == 6_381)
        let asked = try #require(Redirection("ASK 16383 node-7.redis.example.com:65535"))
        #expect(asked.kind == .ask && asked.slot == 16_383 && asked.host == "node-7.redis.example.com")
        #expect(asked.port == 65_535)
        let six = try #require(Redirection("MOVED 0 ::1:6381"))
        #expect(six.host == "::1" && six.port == 6_381)
        #expect(Redirection("MOVED 1 fe80::1%eth0:1")?.host == "fe80::1%eth0")
    }

    @Test("without a host it is the one that answered", arguments: ["MOVED 1 :6381", "MOVED 1 ?:6381", "ASK 1 :6381"])
    func sameHost(text: String) throws {
        let redirection = try #require(Redirection(text))
        #expect(redirection.host == nil && redirection.slot == 1 && redirection.port == 6_381)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED 1 h", "MOVED 1 h:", "MOVED 1 h:0", "MOVED 1 h:65536",
            "MOVED 1 h:+1", "MOVED 1 h:-1", "MOVED 1 h:1x", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED +1 h:1",
            "MOVED x h:1", "MOVED  1 h:1", "MOVED 1  h:1", "MOVED 1 h:1 ", "MOVED 1 h h:1", "MOVED 1 h\u{7}:1",
            "MOVED 1 h\u{fffd}:1", "MOVED 1 h\n:1", "MOVED 1 é:1", "MOVED 1 user@h:1", "MOVED 1 ??:1", "MOVED 1 /h:1",
            "moved 1 h:1", "MOVEDX 1 h:1", "ERR MOVED 1 h:1", "CLUSTERDOWN The cluster is down", "TRYAGAIN x y",
            "MOVED 99999999999999999999 h:1", "MOVED 1 h:99999999999999999999", " MOVED 1 h:1", "MOVED\t1\th:1",
        ])
    func none(text: String) { #expect(Redirection(text) == nil) }

    @Test("a host as long as a name may be, and not longer")
    func longHosts() {
        let name = String(repeating: "a", count: 255)
        #expect(Redirection("MOVED 1 \(name):1")?.host == name)
        #expect(Redirection("MOVED 1 \(name)a:1") == nil)
    }

    @Test(
        "what another look at the cluster may mend",
        arguments: [
            ("MOVED 1 h:1", true), ("ASK 1 h:1", true),
            ("TRYAGAIN Multiple keys request during rehashing of slot", true),
            ("CLUSTERDOWN Hash slot not served", true), ("CLUSTERDOWN", true), ("MOVED", true),
            ("CROSSSLOT Keys in request don't hash to the same slot", false), ("ERR unknown command", false),
            ("NOPERM no", false), ("", false), ("ASKING", false), ("moved", false), (" MOVED", false),
        ])
    func ofTheCluster(text: String, isOfIt: Bool) { #expect(Redirection.isOfTheCluster(text) == isOfIt) }
}
