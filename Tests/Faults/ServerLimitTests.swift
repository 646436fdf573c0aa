import TestSupport
import Testing

/// Settings of Redis that are below what the relay assumes.
@Suite struct ServerLimitTests {
    private static let minimal = [
        "ACL", "SETUSER", "relay", "on", ">hush", "resetkeys", "resetchannels", "&t:*", "-@all", "+publish",
        "+subscribe",
        "+unsubscribe", "+psubscribe", "+punsubscribe", "+ping", "+role", "+client|setname",
    ]

    /// - Parameter isTold: whether the relay may ask for the settings.
    private func withLimit(
        _ settings: [String], isTold: Bool, options: [String] = [], _ body: (RelayProcess) throws -> Void
    ) throws {
        let redis = try RedisServer(onPort: true, settings: settings)
        try redis.client().run(Self.minimal)
        let url = isTold ? redis.url : redis.url.replacing("redis://", with: "redis://relay:hush@")
        let relay = try RelayProcess(redis: url, options: options)
        try body(relay)
        try relay.stop()
    }

    /// Redis closes the connection at a larger payload, and everything in flight on it is interrupted.
    @Test(arguments: ["proto-max-bulk-len", "client-query-buffer-limit"], [true, false])
    func aPayloadOverTheServersLimitIsItsSendersBusinessAlone(setting: String, isTold: Bool) throws {
        try withLimit(["--" + setting, "1mb"], isTold: isTold, options: ["--max-payload", "4MiB"]) { relay in
            let sender = try relay.client()
            let other = try relay.client()
            let large = String(repeating: "x", count: 3 << 20)
            if !isTold {
                // The first time, it causes an outage for everybody.
                #expect([.interrupted, .refused].contains(try sender.publish("c", large).outcome))
                try sender.collect(untilState: .up)
            }
            let outages = try relay.metric("hubrelay_outages_total")
            #expect(outages == (isTold ? 0 : 1))
            for _ in 0..<5 {
                let reply = try sender.publish("c", large)
                #expect(reply.outcome == .invalid && reply.detail.contains(setting), "\(reply.detail)")
                #expect(try other.publish("c", "x").outcome == .ok)
            }
            #expect(try sender.publish("c", String(repeating: "x", count: 1_000_000)).outcome == .ok)
            #expect(try relay.metric("hubrelay_outages_total") == outages)
            let limit = try relay.http("/health").json["payload_limit"]
            #expect(limit?["setting"]?.text?.contains(setting) == true)
            #expect(relay.process.errors.contains("accepts only smaller payloads"))
        }
    }

    /// The largest payload that fits is taken. A payload that is larger by one byte is refused.
    @Test func theLimitIsExactWhereItIsTold() throws {
        for (setting, most) in [("proto-max-bulk-len", 1 << 20), ("client-query-buffer-limit", 1 << 20 - 2)] {
            try withLimit(["--" + setting, "1mb"], isTold: true, options: ["--max-payload", "4MiB"]) { relay in
                let client = try relay.client()
                #expect(try client.publish("c", String(repeating: "x", count: most)).outcome == .ok)
                #expect(try client.publish("c", String(repeating: "x", count: most + 1)).outcome == .invalid)
                #expect(client.status.outages == 0)
            }
        }
    }

    @Test func anIdleLimitThatRedisTellsIsKept() throws {
        try withLimit(["--timeout", "1"], isTold: true, options: ["--heartbeat-interval", "3s", "--probe", "off"]) {
            relay in
            let client = try relay.client()
            let health = try relay.http("/health").json
            #expect(health["links"]?.elements?.first?["heartbeat_seconds"] == .number(0.5))
            // Several times the timeout of Redis. If it had closed a link, there would have been a Status.
            let start = TestDeadline.now
            while TestDeadline.now - start < 4_000_000_000 {
                #expect(try client.nextIfAny(within: 0.5) == nil)
            }
        }
    }

    @Test func oneThatItDoesNotTellIsFoundOut() throws {
        try withLimit(["--timeout", "1"], isTold: false, options: ["--heartbeat-interval", "3s", "--probe", "off"]) {
            relay in
            try eventually("the heartbeat is shorter") {
                let heartbeat = try relay.http("/health").json["links"]?.elements?.first?["heartbeat_seconds"]
                return heartbeat != nil
            }
            #expect(relay.process.errors.contains("Redis's timeout, or an idle limit on the way"))
        }
    }
}
