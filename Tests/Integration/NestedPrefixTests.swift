import TestSupport
import Testing

/// Relays at one Redis, where each prefix begins with the one before it: none, `t:` and `t:b:`.
@Suite struct NestedPrefixTests {
    @Test func noPatternMatchesTheProbesOfOtherRelays() throws {
        let redis = try RedisServer()
        let relays = try ["", "t:", "t:b:", "t:b:__hub"].map {
            try RelayProcess(redis: redis.url, prefix: $0, options: ["--probe", "50ms"])
        }
        let clients = try relays.map { try $0.client() }
        for client in clients { #expect(try client.subscribe(patterns: ["*", "*__hubrelay*", "?*:*"]) == .ok) }
        let plain = try redis.client()
        try plain.subscribe("*__hubrelay:probe:*", pattern: true)
        var seen: [String: Int] = [:]
        while seen.count < relays.count || seen.values.contains(where: { $0 < 3 }) {
            seen[try plain.nextMessage().channel, default: 0] += 1
        }
        // One message is the barrier of every relay: those with shorter prefixes hear it, too.
        try redis.client().publish("t:b:__hub_barrier", "the end")
        for (relay, client) in zip(relays, clients) {
            let name = String("t:b:__hub_barrier".dropFirst(relay.prefix.count))
            #expect(try client.expectMessage().channel == name)
            let patterns = name.contains(":") ? 2.0 : 1.0
            _ = try name.contains(":") ? client.expectMessage() : HubrelayMessage()
            #expect(try relay.metric("hubrelay_messages_received_total") == patterns)
        }
        for relay in relays { try relay.stop() }
    }

    /// A client may subscribe to such a channel by its name, and the relay that the channel belongs to works on.
    @Test func aChannelOfAnotherRelaysCanBeNamed() throws {
        let redis = try RedisServer()
        let inner = try RelayProcess(redis: redis.url, prefix: "t:b:", options: ["--probe", "50ms"])
        let outer = try RelayProcess(redis: redis.url, prefix: "t:")
        let channel = try "b:__hubrelay:probe:\(inner.client().welcome.relayID)"
        let client = try outer.client()
        #expect(try client.subscribe(channel) == .ok)
        for _ in 0..<3 { #expect(try client.expectMessage().channel == channel) }
        #expect(try client.publish(channel, "1").outcome == .ok)
        #expect(try client.publish(channel, "no number").outcome == .ok)
        #expect(try client.unsubscribe(channel) == .ok)
        for _ in 0..<3 {
            let before = try inner.metric("hubrelay_probe_round_trip_seconds_count")
            try eventually("the inner relay's probes come back") {
                try inner.metric("hubrelay_probe_round_trip_seconds_count") > before
            }
        }
        #expect(try inner.client().status.outages == 0 && client.status.outages == 0)
        try inner.stop()
        try outer.stop()
    }

    @Test func anEmptyChannelAndOneThatIsTooLongAreToldAsThat() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe(patterns: ["*"]) == .ok)
            let plain = try redis.client()
            let channels = [("", "the channel is empty"), (String(repeating: "x", count: 513), "over 512 bytes")]
            for (channel, reason) in channels {
                try plain.publish("t:" + channel, "x")
                let loss = try client.expectLoss()
                #expect(loss.cause == .badName && loss.messages == 1 && loss.reason.contains(reason), "\(loss)")
            }
        }
    }
}
