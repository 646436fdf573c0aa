import TestSupport
import Testing

/// The plain cases of rule 6: Redis is absent, goes, and comes back.
@Suite struct OutageTests {
    @Test func aRelayWithoutRedisListensSaysDownAndComesUpByItself() throws {
        let redis = try RedisServer(started: false)
        let relay = try RelayProcess(redis: redis.url)
        let client = try relay.clientInAnyState()
        let first = client.welcome.status
        #expect(first.state == .down)
        #expect(!first.publishing && !first.receiving)
        #expect([.starting, .unreachable, .closed].contains(first.cause), "\(first.cause)")
        #expect(try client.publish("early", "x").outcome == .notConnected)
        #expect(try client.subscribe("early") == .pending)
        try client.ping()

        try redis.start()
        try client.collect(untilState: .up)
        #expect(client.status.publishing && client.status.receiving)
        #expect(client.status.outages == 0 && client.status.gaps == 0, "it had not been UP yet")
        #expect(client.status.downMs > 0)
        #expect(try client.publish("early", "in force").outcome == .ok)
        #expect(try client.expectMessage().text == "in force")
        try relay.stop()
    }

    @Test func subscriptionsAreInRedisAgainWhenUpIsSaid() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            // The names are so many that the restore takes several turns of the relay's loop.
            let names = (0..<20_000).map { "restored.\($0)" }
            try client.send(.subscribe(names, patterns: ["restored.by.pattern.*"], id: 1))
            #expect(try client.expectReply(id: 1).outcome == .ok)
            redis.stop()
            try client.collect(untilState: .down)
            try redis.start()
            let plain = try redis.client()
            try client.collect(untilState: .up)
            #expect(try plain.run("PUBSUB", "CHANNELS", "t:restored.*").array?.count == 20_000)
            #expect(try plain.patterns() == 1)
            try plain.publish("t:restored.19999", "x")
            #expect(try client.expectMessage().text == "x")
        }
    }

    @Test(arguments: [false, true]) func theStatusCountsOutagesAndGapsAndHowLongItTook(onPort: Bool) throws {
        try withRelay(onPort: onPort) { relay, redis in
            let client = try relay.client()
            let other = try relay.client()
            let before = client.status
            for round in UInt64(1)...2 {
                redis.stop()
                try client.collect(untilState: .down)
                #expect(client.status.cause.rawValue >= 16, "a cause of the link, not \(client.status.cause)")
                #expect(!client.status.reason.isEmpty)
                let newcomer = try relay.clientInAnyState().welcome.status
                #expect(newcomer.state == .down && newcomer.sinceUnixMs == client.status.sinceUnixMs)
                #expect(newcomer.outages == client.status.outages && newcomer.gaps == client.status.gaps)
                try redis.start()
                try client.collect(untilState: .up)
                #expect(client.status.outages == before.outages + round)
                #expect(client.status.gaps == before.gaps + round)
                #expect(client.status.downMs > 0)
                #expect(client.status.sinceUnixMs >= before.sinceUnixMs)
                // Every connection gets the same Status.
                try other.collect(untilState: .down)
                try other.collect(untilState: .up)
                #expect(other.status == client.status)
            }
            #expect(try relay.client().welcome.relayID == client.welcome.relayID)
        }
    }

    @Test func publishesAreAnsweredAtOnceWhileDown() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            redis.stop()
            try client.collect(untilState: .down)
            let taken = try secondsTaken {
                for _ in 0..<200 {
                    let outcome = try client.publish("down", "x").outcome
                    #expect(outcome == .notConnected)
                }
            }
            #expect(taken < 5, "nothing waits for Redis")
            // No publish was kept for later.
            try redis.start()
            let plain = try redis.client()
            try plain.subscribe("t:down")
            try client.collect(untilState: .up)
            #expect(try client.publish("down", "the first").outcome == .ok)
            #expect(try plain.nextMessage().payload == Array("the first".utf8))
        }
    }

    /// Takes seconds: the contract says that a Loss comes at most once a second.
    @Test func publishesWithoutIdAreCountedInALossAtMostOnceASecondWhileDown() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            redis.stop()
            try client.collect(untilState: .down)
            // Each Loss came after `since`, when it had not arrived yet, and before `at`, when it was read.
            var losses: [(since: UInt64, at: UInt64, count: UInt64)] = []
            var looked = TestDeadline.now
            // Publishes steadily until the third Loss has come.
            var sent: UInt64 = 0
            let deadline = TestDeadline(within: 10)
            while losses.count < 3, !deadline.isOver {
                try client.send(.publish("down", "x", id: 0))
                sent += 1
                // The time before the check, since this thread may be suspended after it.
                let began = TestDeadline.now
                guard let frame = try client.nextIfAny(within: 0.02) else {
                    looked = began
                    continue
                }
                guard case .loss(let loss) = frame.frame else {
                    throw TestFailure("not a Loss: \(frame.summary)")
                }
                #expect(loss.cause == .notConnected)
                #expect(loss.publishesUnknown == 0 && loss.messages == 0)
                losses.append((looked, TestDeadline.now, loss.publishes))
            }
            while losses.map(\.count).reduce(0, +) < sent {
                losses.append((looked, TestDeadline.now, try client.expectLoss().publishes))
            }
            #expect(losses.map(\.count).reduce(0, +) == sent)
            for (earlier, later) in zip(losses, losses.dropFirst()) {
                #expect(later.at - earlier.since > 700_000_000, "two a second")
                #expect(later.at - earlier.at < 3_000_000_000, "later than within a second or so")
            }
        }
    }

    @Test func whatIsSubscribedAndUnsubscribedWhileDownHoldsWhenUp() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("kept", "given.up", patterns: ["given.up.*"]) == .ok)
            redis.stop()
            try client.collect(untilState: .down)
            #expect(try client.unsubscribe("given.up", patterns: ["given.up.*"]) == .ok)
            #expect(try client.subscribe("new") == .pending)
            #expect(try client.subscribe("changed.mind") == .pending)
            #expect(try client.unsubscribe("changed.mind") == .ok)
            #expect(try client.subscribe("", "new") == .invalid)
            try redis.start()
            try client.collect(untilState: .up)
            let plain = try redis.client()
            #expect(try plain.subscribers(of: "t:kept") == 1)
            #expect(try plain.subscribers(of: "t:new") == 1)
            #expect(try plain.subscribers(of: "t:given.up") == 0)
            #expect(try plain.subscribers(of: "t:changed.mind") == 0)
            #expect(try plain.patterns() == 0)
            for channel in ["given.up", "given.up.1", "changed.mind", "new", "kept"] {
                try plain.publish("t:" + channel, channel)
            }
            #expect(try client.expectMessage().text == "new")
            #expect(try client.expectMessage().text == "kept")
        }
    }

    @Test func aRelayThatIsStartedAgainIsAnotherRelay() throws {
        let redis = try RedisServer()
        let first = try RelayProcess(redis: redis.url)
        let id = try first.client().welcome.relayID
        try first.stop()
        let second = try RelayProcess(redis: redis.url)
        #expect(try second.client().welcome.relayID != id)
        try second.stop()
    }
}
