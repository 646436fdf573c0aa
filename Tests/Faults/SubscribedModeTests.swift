import TestSupport
import Testing

/// Servers that refuse to end a subscription on a connection that has none (Valkey 8.0: NOSUB). All others confirm it.
@Suite struct SubscribedModeTests {
    @Test func aRelayBehindSuchSentinelsIsUpAndFollowsThem() throws {
        let servers = try [RedisServer(onPort: true), RedisServer(onPort: true)]
        let ports = servers.map { server in
            if case .port(let port) = server.address { port } else { UInt16(0) }
        }
        func sentinel(naming port: UInt16, epoch: Int) -> FakeRedisServer.Script {
            FakeRedisServer.sentinel(naming: port, epoch: epoch, refusesToLeave: true)
        }
        let fake = try FakeRedisServer(onPort: true, script: sentinel(naming: ports[0], epoch: 1))
        let relay = try RelayProcess(redis: "redis-sentinel://\(fake.endpoint)/mymaster")
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        #expect(fake.count("UNSUBSCRIBE", on: .other) == 0, "the first question has nothing to leave")

        for epoch in 2...5 {
            fake.follow(sentinel(naming: ports[epoch % 2], epoch: epoch))
            fake.announce(channel: "+switch-master", "mymaster 127.0.0.1 1 127.0.0.1 2")
            try eventually("the relay follows") {
                try servers[epoch % 2].client().subscribers(of: "t:c") == 1
            }
        }
        #expect(fake.connectionsMade(.other) == 1)

        // The sentinel has ended the subscription by itself, or claims that it has.
        let asked = fake.count("SENTINEL", on: .other)
        fake.ambush(
            "UNSUBSCRIBE", on: .other,
            with: .text("-NOSUB 'unsubscribe' command executed not in subscribed mode\r\n"))
        fake.announce(channel: "+switch-master", "mymaster 127.0.0.1 1 127.0.0.1 2")
        try eventually("it is asked") { fake.count("SENTINEL", on: .other) >= asked + 2 }
        try eventually("its word is heard") { try relay.sentinels()[0].isUp && relay.sentinels()[0].master != nil }
        #expect(fake.connectionsMade(.other) == 1)
        try relay.stop()
    }

    /// When the last name is given up, the subscribed mode ends, even while the relay subscribes to more names.
    @Test func aNodeThatRefusesToLeaveKeepsItsLink() throws {
        let fake = try FakeRedisServer(script: { command in
            guard command.verb.hasSuffix("UNSUBSCRIBE"), !command.isSubscribed else { return .usual }
            return .text("-NOSUB '\(command.verb.lowercased())' command executed not in subscribed mode\r\n")
        })
        let relay = try RelayProcess(redis: fake.url, options: ["--probe", "off"])
        let client = try relay.client()
        for (verb, patterns) in [("UNSUBSCRIBE", []), ("PUNSUBSCRIBE", ["c*"])] {
            #expect(try patterns.isEmpty ? client.subscribe("c") == .ok : client.subscribe(patterns: patterns) == .ok)
            fake.ambush(
                verb, on: .subscribe,
                with: .text("-NOSUB '\(verb.lowercased())' command executed not in subscribed mode\r\n"))
            #expect(
                try patterns.isEmpty ? client.unsubscribe("c") == .ok : client.unsubscribe(patterns: patterns) == .ok)
            try eventually("it is refused") { fake.isAmbushOver }
        }
        #expect(try client.subscribe("c") == .ok)
        #expect(try client.publish("c", "x").outcome == .ok)
        #expect(try client.expectMessage().text == "x")
        #expect(client.status.outages == 0)
        try relay.stop()
    }
}
