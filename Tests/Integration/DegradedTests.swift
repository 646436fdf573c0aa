import TestSupport
import Testing

/// Rule 6, when only one of the two links fails.
@Suite struct DegradedTests {
    @Test func withoutTheSubscribeLinkPublishesAreStillTaken() throws {
        try withRelay { relay, redis in
            let plain = try redis.client()
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try redis.refuseNewClients(true, through: plain)
            try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
            try client.collect(untilState: .degraded)
            #expect(client.status.publishing && !client.status.receiving)
            #expect(try client.publish("c", "unheard").outcome == .ok)
            #expect(try client.subscribe("d") == .pending)
            #expect(try client.unsubscribe("never") == .ok)

            try redis.refuseNewClients(false, through: plain)
            let frames = try client.collect(untilState: .up)
            #expect(frames.allSatisfy { $0.status.state != .down }, "it never was DOWN")
            #expect(client.status.outages == 1 && client.status.gaps == 1)
            #expect(try plain.subscribers(of: "t:c") == 1)
            #expect(try plain.subscribers(of: "t:d") == 1)
            #expect(try client.publish("c", "heard").outcome == .ok)
            #expect(try client.expectMessage().text == "heard")
        }
    }

    @Test func withoutThePublishLinkMessagesStillArrive() throws {
        try withRelay { relay, redis in
            let plain = try redis.client()
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try redis.refuseNewClients(true, through: plain)
            try plain.run("CLIENT", "KILL", "TYPE", "normal")
            try client.collect(untilState: .degraded)
            #expect(!client.status.publishing && client.status.receiving)
            #expect(try client.publish("c", "x").outcome == .notConnected)
            try plain.publish("t:c", "from elsewhere")
            #expect(try client.expectMessage().text == "from elsewhere")
            #expect(try client.subscribe("d") == .ok)

            try redis.refuseNewClients(false, through: plain)
            let frames = try client.collect(untilState: .up)
            #expect(frames.allSatisfy { $0.status.state != .down }, "it never was DOWN")
            #expect(client.status.outages == 1)
            #expect(client.status.gaps == 0, "receiving never broke")
            #expect(try client.publish("d", "both").outcome == .ok)
            #expect(try client.expectMessage().text == "both")
        }
    }

    @Test func aLinkThatIsBackAtOnceIsStillTold() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try redis.client().run("CLIENT", "KILL", "TYPE", "pubsub")
            let states = try client.collect(untilState: .up).map(\.status.state)
            #expect(states.first == .degraded && !states.contains(.down))
            #expect(client.status.gaps == 1)
        }
    }
}
