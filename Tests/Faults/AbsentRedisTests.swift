import TestSupport
import Testing

/// Redis is absent when the relay starts, in each of the ways in which a server can be absent.
@Suite struct AbsentRedisTests {
    @Test(arguments: [true, false]) func aRelayWithoutAServerListensAndComesUpByItself(onPort: Bool) throws {
        let redis = try RedisServer(onPort: onPort, started: false)
        let relay = try RelayProcess(redis: redis.url, options: shortDeadlines)
        try expectDown(relay, .unreachable)
        try expectUpAfter(relay, redis) { try redis.start() }
        try relay.stop()
    }

    /// The kernel accepts the connection, and nobody ever answers on it.
    @Test func aRelayWithAServerThatIsSilentComesUpWhenItSpeaks() throws {
        let redis = try RedisServer()
        redis.freeze()
        let relay = try RelayProcess(redis: redis.url, options: shortDeadlines)
        try expectDown(relay, .timeout)
        try expectUpAfter(relay, redis) { redis.thaw() }
        try relay.stop()
    }

    @Test(.breaksNetworks) func aRelayWithoutANetworkComesUpWhenThereIsOne() throws {
        try withNetwork(options: shortDeadlines, prepare: { try $0.stopForwarding() }) { scene, relay, redis in
            try expectDown(relay, .unreachable)
            try expectUpAfter(relay, redis) { try scene.startForwarding() }
        }
    }

    private func expectDown(_ relay: RelayProcess, _ cause: HubrelayCause) throws {
        let client = try relay.clientInAnyState()
        let first = client.welcome.status
        #expect(first.state == .down && !first.publishing && !first.receiving)
        try eventually("the cause is known") {
            let status = try relay.clientInAnyState().welcome.status
            return status.cause == cause && !status.reason.isEmpty
        }
        #expect(try client.publish("early", "x").outcome == .notConnected)
        try client.ping()
        let health = try relay.http("/health")
        #expect(health.status == 503 && health.body.contains("\"down\""))
        for path in ["/livez", "/readyz"] { #expect(try relay.http(path).status == 200) }
        #expect(try relay.http("/readyz?redis").status == 503)
    }

    private func expectUpAfter(_ relay: RelayProcess, _ redis: RedisServer, _ mend: () throws -> Void) throws {
        let client = try relay.clientInAnyState()
        #expect(try client.subscribe("early") == .pending)
        try mend()
        try client.collect(untilState: .up)
        #expect(client.status.outages == 0 && client.status.gaps == 0, "it had not been UP yet")
        #expect(try redis.client().subscribers(of: "t:early") == 1)
        #expect(try client.publish("early", "in force").outcome == .ok)
        #expect(try client.expectMessage().text == "in force")
        for path in ["/health", "/readyz?redis"] { #expect(try relay.http(path).status == 200) }
    }
}
