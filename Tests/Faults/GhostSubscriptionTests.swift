import TestSupport
import Testing

/// Redis is restarted behind a network that loses everything, so that nothing tells the relay that its subscriptions
/// are gone. The process that had them no longer exists.
@Suite(.breaksNetworks) struct GhostSubscriptionTests {
    /// - Parameter isNoticed: whether the network works again only after the relay has found out that the links are
    ///   half-open.
    @Test(arguments: [true, false]) func everyChannelIsConfirmedAnewBeforeUp(isNoticed: Bool) throws {
        // If it is not noticed, the links end by a reset from the new server, long before this deadline.
        let deadlines = isNoticed ? shortDeadlines : ["--link-timeout", "60s"]
        try withNetwork(options: deadlines) { scene, relay, redis in
            let names = (0..<2000).map { "ghost.\($0)" }
            let client = try relay.client()
            try client.send(.subscribe(names, patterns: ["by.pattern.*"], id: 1))
            #expect(try client.expectReply(id: 1).outcome == .ok)
            let before = client.status

            try scene.stopForwarding()
            redis.stop()
            try redis.start()
            let plain = try redis.client()
            if isNoticed { try client.collect(untilState: .down) }
            #expect(try plain.patterns() == 0, "the new server knows nothing")
            try scene.startForwarding()
            let statuses = try client.collect(untilState: .up).map(\.status)
            // This is asked after UP was read, and nothing is unsubscribed in between. So what is subscribed now was
            // subscribed at UP.
            #expect(try plain.run("PUBSUB", "CHANNELS", "t:ghost.*").array?.count == names.count)
            #expect(try plain.run(["PUBSUB", "NUMSUB"] + names.map { "t:" + $0 }).subscriberCounts == [1])
            #expect(try plain.patterns() == 1)
            #expect(isNoticed || statuses.contains { !$0.receiving }, "told, although it was UP all the while")
            #expect(client.status.gaps == before.gaps + 1)
            #expect(client.status.outages == before.outages + 1)

            try plain.publish("t:ghost.1999", "from elsewhere")
            #expect(try client.expectMessage().text == "from elsewhere")
            #expect(try client.publish("by.pattern.1", "x").outcome == .ok)
            #expect(try client.expectMessage().text == "x")
        }
    }
}

extension RedisValue {
    /// The distinct counts in an answer to PUBSUB NUMSUB.
    fileprivate var subscriberCounts: Set<Int> { Set((array ?? []).compactMap(\.integer)) }
}
