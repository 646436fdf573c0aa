import TestSupport
import Testing

/// Sentinels name different masters, and nothing shows which of them is right.
@Suite struct DisagreeingSentinelTests {
    /// Three relays ask the same three sentinels, each in another order. Each sentinel names a different server.
    @Test func relaysWithTheSameSentinelsHearEachOtherAndSayThatTheyDisagree() throws {
        let servers = try (0..<3).map { _ in try RedisServer(onPort: true) }
        let ports = servers.map { server in
            if case .port(let port) = server.address { port } else { UInt16(0) }
        }
        let fakes = try ports.map { port in
            try FakeRedisServer(onPort: true, script: FakeRedisServer.sentinel(naming: port, epoch: 3))
        }
        let relays = try fakes.indices.map { first in
            let list = (fakes[first...] + fakes[..<first]).map(\.endpoint)
            return try RelayProcess(redis: "redis-sentinel://\(list.joined(separator: ","))/mymaster")
        }
        let master = try #require(ports.indices.min { ports[$0] < ports[$1] })
        for relay in relays {
            try eventually("the relay has heard all sentinels") {
                try relay.sentinels().compactMap(\.master).count == 3
            }
            #expect(try relay.http("/health").json["sentinels_disagree"] == .bool(true))
            #expect(try relay.metric("hubrelay_sentinels_disagree") == 1)
        }
        let clients = try relays.map { try $0.client() }
        for client in clients { #expect(try client.subscribe("c") == .ok) }
        try eventually("all relays are at one server") {
            try servers[master].client().subscribers(of: "t:c") == 3
        }
        for relay in relays {
            // By then, at least two of the sentinels had answered.
            let log = relay.process.errors
            #expect(log.contains("the sentinels disagree"), "\(log)")
            #expect(log.split(separator: " names 127.0.0.1:").count >= 3, "\(log)")
        }

        // Most of the sentinels name another server.
        let other = (master + 1) % 3
        for fake in fakes { fake.follow(FakeRedisServer.sentinel(naming: ports[other], epoch: 3)) }
        for fake in fakes { fake.announce(channel: "+switch-master", "mymaster 127.0.0.1 1 127.0.0.1 2") }
        try eventually("all relays are at the other server") {
            try servers[other].client().subscribers(of: "t:c") == 3
        }
        for relay in relays {
            try eventually("the sentinels agree") { try relay.metric("hubrelay_sentinels_disagree") == 0 }
            #expect(try relay.http("/health").json["sentinels_disagree"] == .bool(false))
            try eventually("the log says so") { relay.process.errors.contains("the sentinels agree again") }
            try relay.stop()
        }
    }
}
