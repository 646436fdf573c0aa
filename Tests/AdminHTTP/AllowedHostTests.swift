import AdminHTTP
import Testing

@Suite("The Host field")
struct AllowedHostTests {
    @Test(
        "addresses and localhost are allowed, with any port",
        arguments: [
            "localhost", "LOCALHOST", "localhost.", "localhost:8379", "127.0.0.1", "127.0.0.1:8379", "127.1.2.3:1",
            "10.244.3.7:8379", "[::1]", "[::1]:8379", "::1", "[fe80::1%eth0]:8379", "[2001:db8::7]", "0.0.0.0:80", "",
            "localhost:",
        ])
    func addresses(_ field: String) {
        #expect(AllowedHosts().allows(field))
    }

    @Test(
        "names are not",
        arguments: [
            "evil.example", "evil.example:8379", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3",
            "localhost:x",
            "[::1", "::1]", "[evil.example]", "[127.0.0.1]", "evil.example@127.0.0.1", "127.0.0.1 ",
            "localhost,evil.example",
            "http://localhost", "hubrelay", "..", "[]", "xn--bcher-kva.example",
        ])
    func names(_ field: String) {
        #expect(!AllowedHosts().allows(field))
        #expect(AllowedHosts(["*"]).allows("any.example:80"))
    }

    @Test("names can be allowed, and all names under a domain")
    func allowed() {
        let hosts = AllowedHosts(["Relay.example", ".internal.example"])
        for field in ["relay.example", "RELAY.EXAMPLE.:8379", "a.internal.example", "a.b.internal.example:80"] {
            #expect(hosts.allows(field), "\(field)")
        }
        for field in ["internal.example", "xinternal.example", "a.relay.example", ".internal.example", "example"] {
            #expect(!hosts.allows(field), "\(field)")
        }
    }

    @Test("a request for another host is refused with the reason, and its connection goes on")
    func refused() throws {
        let fixture = try AdminFixture(.tcp, hosts: AllowedHosts())
        let client = fixture.connect()
        for host in ["evil.example:8379", "127.0.0.1", "localhost\r\nHost: evil.example", "<b>\u{e9}</b>"] {
            client.send("GET /health HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        }
        #expect(fixture.run { client.responses.count == 4 })
        #expect(client.responses.map(\.status) == [421, 200, 421, 421])
        #expect(
            client.responses[0].body.contains("evil.example:8379") && client.responses[0].body.contains("--http-host"))
        #expect(!client.responses[3].body.contains("<b>"))
        #expect(fixture.requests.count == 1)
    }

    @Test("who sends no Host is no browser")
    func absent() throws {
        let fixture = try AdminFixture(.tcp, hosts: AllowedHosts())
        #expect(fixture.exchange("GET /health HTTP/1.0\r\n\r\n")?.status == 200)
        #expect(fixture.exchange("GET /health HTTP/1.0\r\nHost: evil.example\r\n\r\n")?.status == 421)
    }
}
