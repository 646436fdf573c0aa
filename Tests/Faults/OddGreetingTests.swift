import TestSupport
import Testing

/// A server, or a proxy in front of it, does not do what the relay asks at the beginning of a connection, and the relay
/// can work without that.
@Suite struct OddGreetingTests {
    private func expectUp(without verb: String, _ answer: FakeRedisServer.Answer, options: [String] = []) throws {
        let fake = try FakeRedisServer { $0.verb == verb ? answer : .usual }
        let relay = try RelayProcess(redis: fake.url, options: options)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        #expect(try client.publish("c", "x").receivers == 1)
        #expect(try client.expectMessage().text == "x")
        #expect(client.status.outages == 0)
        let health = try relay.http("/health").json
        let refused = health["links"]?.elements?.first?["refused"]?.names ?? []
        #expect(refused.contains { $0.hasPrefix(verb) }, "\(refused)")
        if verb == "ROLE" { #expect(health["role_check"]?["enabled"] == .bool(false)) }
        try relay.stop()
    }

    @Test(arguments: [
        "+OK\r\n", "*0\r\n", "$-1\r\n", "*-1\r\n", ":3\r\n", "*1\r\n$7\r\nprimary\r\n", "*1\r\n:1\r\n",
        "$6\r\nmaster\r\n", "-what\r\n",
    ])
    func aRoleThatIsNoneIsDoneWithout(answer: String) throws { try expectUp(without: "ROLE", .text(answer)) }

    @Test(arguments: ["CLIENT", "ROLE", "CONFIG"]) func aConnectionThatEndsThereIsMadeWithout(verb: String) throws {
        try expectUp(without: verb, .last([]))
    }

    @Test(arguments: ["CLIENT", "ROLE", "CONFIG"]) func whatIsNeverAnsweredIsDoneWithout(verb: String) throws {
        try expectUp(without: verb, .nothing, options: ["--link-timeout", "1s"])
    }
}
