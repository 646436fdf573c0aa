import TestSupport
import Testing

/// Rule 5: subscriptions while Redis is there and accepts them.
@Suite(.sharedRelay()) struct SubscribeTests {
    let relay: RelayProcess
    let redis: RedisServer

    init() throws {
        let stage = try sharedStage()
        relay = stage.relay
        redis = stage.redis
    }

    /// Proves that nothing else is on its way to `client`: the next message that it gets is the one that is published
    /// now.
    private func expectNothingBefore(_ client: TestConnection, _ channel: String) throws {
        try redis.client().publish("t:" + channel, "the end")
        #expect(try client.expectMessage().text == "the end")
    }

    @Test func subscribeIsOKOnlyOnceRedisHasConfirmedEveryName() throws {
        let client = try relay.client()
        let plain = try redis.client()
        for round in 0..<20 {
            let names = (0..<50).map { "confirmed.\(round).\($0)" }
            try client.send(.subscribe(names, id: UInt64(round + 1)))
            #expect(try client.expectReply(id: UInt64(round + 1)).outcome == .ok)
            let counts = try plain.run(["PUBSUB", "NUMSUB"] + names.map { "t:" + $0 }).array ?? []
            #expect(counts.compactMap(\.integer) == [Int](repeating: 1, count: 50))
        }
    }

    @Test func aPatternIsConfirmedAsWell() throws {
        let client = try relay.client()
        #expect(try client.subscribe(patterns: ["confirmed.by.pattern.*"]) == .ok)
        #expect(try redis.client().publish("t:confirmed.by.pattern.1", "x") == 1)
        let message = try client.expectMessage()
        #expect(message.channel == "confirmed.by.pattern.1")
        #expect(message.pattern == "confirmed.by.pattern.*")
    }

    @Test func redisSeesOneSubscriptionForManyHoldersAndTheLastOneEndsIt() throws {
        let plain = try redis.client()
        let first = try relay.client()
        let second = try relay.client()
        let third = try relay.client()
        for client in [first, second, third] { #expect(try client.subscribe("held") == .ok) }
        #expect(try plain.publish("t:held", "one for all") == 1)
        for client in [first, second, third] { #expect(try client.expectMessage().text == "one for all") }

        #expect(try first.unsubscribe("held") == .ok)
        // The second client goes by closing. From outside, this only shows in what is left.
        second.socket.close()
        try first.ping()
        #expect(try plain.publish("t:held", "for the third") == 1)
        #expect(try third.expectMessage().text == "for the third")
        third.socket.close()
        try eventually("Redis has no subscriber") { try plain.subscribers(of: "t:held") == 0 }
        try first.ping()
    }

    @Test func thousandsOfSubscriptionsEndWithTheirConnection() throws {
        let plain = try redis.client()
        let client = try relay.client()
        let names = (0..<5000).map { "many.\($0)" }
        try client.send(.subscribe(names, id: 1))
        #expect(try client.expectReply(id: 1).outcome == .ok)
        let before = try plain.run("PUBSUB", "CHANNELS", "t:many.*").array?.count
        #expect(before == 5000)
        client.socket.close()
        try eventually("all are gone") {
            try plain.run("PUBSUB", "CHANNELS", "t:many.*").array?.isEmpty == true
        }
    }

    @Test func subscribingTwiceIsOneSubscription() throws {
        let client = try relay.client()
        #expect(try client.subscribe("twice", "twice", patterns: ["twice.*", "twice.*"]) == .ok)
        #expect(try client.subscribe("twice", patterns: ["twice.*"]) == .ok)
        let plain = try redis.client()
        #expect(try plain.publish("t:twice", "once") == 1)
        #expect(try client.expectMessage().text == "once")
        #expect(try plain.publish("t:twice.1", "once more") == 1)
        #expect(try client.expectMessage().text == "once more")
        // One Unsubscribe ends the subscription.
        #expect(try client.unsubscribe("twice") == .ok)
        try eventually("gone") { try plain.subscribers(of: "t:twice") == 0 }
        try expectNothingBefore(client, "twice.1")
    }

    @Test func whatMatchesAChannelAndPatternsArrivesOnceForEach() throws {
        let client = try relay.client()
        let patterns = ["both.*", "both.?", "*.both.never"]
        #expect(try client.subscribe("both.1", patterns: patterns) == .ok)
        let other = try relay.client()
        #expect(try other.subscribe("both.1") == .ok)
        try redis.client().publish("t:both.1", "x")
        let found = try (0..<3).map { _ in try client.expectMessage() }
        #expect(Set(found.map(\.pattern)) == ["", "both.*", "both.?"])
        #expect(found.allSatisfy { $0.channel == "both.1" && $0.text == "x" })
        #expect(try other.expectMessage().pattern.isEmpty)
        try expectNothingBefore(other, "both.1")
    }

    @Test func afterTheReplyToUnsubscribeNoMessageComes() throws {
        let plain = try redis.client()
        let client = try relay.client()
        #expect(try client.subscribe("quiet.end") == .ok)
        for round in 0..<100 {
            #expect(try client.subscribe("quiet") == .ok)
            // The test does not wait here, so the messages and the request are under way at the same time.
            for _ in 0..<20 { try plain.send(["PUBLISH", "t:quiet", "x"].map { Array($0.utf8) }) }
            try client.send(.unsubscribe(["quiet"], id: UInt64(round + 1)))
            _ = try client.collect("the Reply") { $0.reply.id == UInt64(round + 1) }
            for _ in 0..<20 { _ = try plain.read() }
            try client.send(.ping(id: 5000))
            try client.expectReply(id: 5000)
        }
        try expectNothingBefore(client, "quiet.end")
    }

    @Test func unsubscribingFromWhatIsNotHeldIsOK() throws {
        let client = try relay.client()
        #expect(try client.unsubscribe("never.held", patterns: ["never.*"]) == .ok)
        let holder = try relay.client()
        #expect(try holder.subscribe("held.by.another") == .ok)
        #expect(try client.unsubscribe("held.by.another") == .ok)
        try expectNothingBefore(holder, "held.by.another")
    }

    @Test func aRequestWithoutNamesIsInvalid() throws {
        let client = try relay.client()
        #expect(try client.subscribe() == .invalid)
        #expect(try client.unsubscribe() == .invalid)
        try client.ping()
    }

    @Test func aRequestWithIdZeroTakesEffectWithoutAReply() throws {
        let plain = try redis.client()
        let client = try relay.client()
        try client.send(.subscribe(["unasked"], id: 0))
        try eventually("subscribed") { try plain.subscribers(of: "t:unasked") == 1 }
        try plain.publish("t:unasked", "x")
        #expect(try client.expectMessage().text == "x")
        try client.send(.unsubscribe(["unasked"], id: 0))
        try eventually("gone") { try plain.subscribers(of: "t:unasked") == 0 }
        try client.send(.ping(id: 1))
        try client.expectReply(id: 1)
    }

    @Test func aChannelAndAPatternOfTheSameTextAreTwoThings() throws {
        let client = try relay.client()
        #expect(try client.subscribe("same", patterns: ["same"]) == .ok)
        #expect(try client.unsubscribe("same") == .ok)
        try redis.client().publish("t:same", "x")
        #expect(try client.expectMessage().pattern == "same")
    }
}
