import TestSupport
import Testing

/// Several relays that lose the same Redis at the same moment.
@Suite struct FleetTests {
    @Test func aFleetComesBackWithFewAttemptsAndFewLines() async throws {
        let redis = try RedisServer(onPort: true)
        let options = ["--backoff-min", "50ms", "--backoff-max", "500ms", "--link-timeout", "20s"]
        let relays = try (0..<8).map { _ in try RelayProcess(redis: redis.url, options: options) }
        let clients = try relays.map { try $0.client() }
        for client in clients { #expect(try client.subscribe("c") == .ok) }
        redis.stop()
        for client in clients { try client.collect(untilState: .down) }
        #expect(try await clients[0].nextIfAny(inTheCourseOf: 1) == nil, "it stays away")
        try redis.start()
        for client in clients { try client.collect(untilState: .up) }
        let plain = try redis.client()
        #expect(try plain.subscribers(of: "t:c") == 8)
        // Two connections of each relay, those of the harness, and a few attempts that were given up.
        #expect(try plain.statistic("total_connections_received") < 16 + 16)
        #expect(try clients[0].publish("c", "to all").receivers == 8)
        for client in clients { #expect(try client.expectMessage().text == "to all") }
        for (relay, client) in zip(relays, clients) {
            #expect(client.status.outages == 1)
            #expect(relay.stateChangesLogged <= 9, "\(relay.process.errors)")
            relay.process.signal(15)
        }
        for relay in relays { try relay.expectExit() }
    }
}
