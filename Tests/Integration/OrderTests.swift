import TestSupport
import Testing

/// The order that rule 5 requires: requests that name the same channel take effect and are answered in order, and
/// messages begin after the Reply.
@Suite(.sharedRelay()) struct OrderTests {
    let relay: RelayProcess
    let redis: RedisServer

    init() throws {
        let stage = try sharedStage()
        relay = stage.relay
        redis = stage.redis
    }

    @Test(arguments: [true, false]) func aThousandChangesOfOneNameTakeEffectInOrder(endsHeld: Bool) throws {
        let client = try relay.client()
        let plain = try redis.client()
        let channel = "toggled.\(endsHeld)"
        let count = UInt64(endsHeld ? 1001 : 1000)
        let frames = (1...count).map { id in
            id % 2 == 1
                ? HubrelayClientFrame.subscribe([channel], id: id) : .unsubscribe([channel], id: id)
        }
        try client.send(raw: frames.flatMap { $0.bytes })
        for id in 1...count {
            guard try client.expectReply(id: id).outcome == .ok else {
                Issue.record("request \(id) failed")
                return
            }
        }
        if endsHeld {
            #expect(try plain.publish("t:" + channel, "once") == 1)
            #expect(try client.expectMessage().text == "once")
            try client.ping()
        } else {
            try eventually("nobody holds it") { try plain.subscribers(of: "t:" + channel) == 0 }
        }
    }

    @Test func requestsThatShareANameAreAnsweredInOrder() throws {
        let client = try relay.client()
        for round in 0..<100 {
            let names = (0..<4).map { "chain.\(round).\($0)" }
            // Each request has a name in common with the one before it. Only some of them need Redis.
            try client.send(
                .subscribe([names[0], names[1]], id: 1), .unsubscribe([names[1], names[2]], id: 2),
                .subscribe([names[2], names[3]], id: 3), .unsubscribe([names[3], names[0]], id: 4))
            for id in UInt64(1)...4 { #expect(try client.expectReply(id: id).outcome == .ok) }
        }
        let plain = try redis.client()
        try eventually("every round has left one name") {
            let held = try plain.run("PUBSUB", "CHANNELS", "t:chain.*").array?.compactMap(\.text)
            return Set(held ?? []) == Set((0..<100).map { "t:chain.\($0).2" })
        }
    }

    @Test func patternsKeepTheSameOrder() throws {
        let client = try relay.client()
        for id in stride(from: UInt64(1), to: 200, by: 2) {
            try client.send(.subscribe(patterns: ["p*"], id: id), .unsubscribe(patterns: ["p*"], id: id + 1))
        }
        for id in UInt64(1)...200 { #expect(try client.expectReply(id: id).outcome == .ok) }
        let plain = try redis.client()
        try eventually("no pattern is left") { try plain.patterns() == 0 }
    }

    @Test func aConnectionsMessagesStartAfterTheReply() throws {
        let holder = try relay.client()
        #expect(try holder.subscribe("busy") == .ok)
        let plain = try redis.client()
        let publish = ["PUBLISH", "t:busy", "x"].map { Array($0.utf8) }
        for round in 0..<100 {
            // One name has messages all the time. The relay has to subscribe to the other name first.
            let newcomer = try relay.client()
            for _ in 0..<10 { try plain.send(publish) }
            try newcomer.send(.subscribe(["busy", "busy.\(round)"], id: 1))
            for _ in 0..<10 { try plain.send(publish) }
            // Whichever of the messages arrive, the Reply comes before them.
            #expect(try newcomer.expectReply(id: 1).outcome == .ok)
            for _ in 0..<20 { _ = try plain.read() }
            try plain.publish("t:busy", "the end")
            let frames = try newcomer.collect("the end") { $0.message.text == "the end" }
            #expect(frames.allSatisfy { $0.message.channel == "busy" })
        }
    }

    @Test func messagesOfOneChannelArriveInTheOrderPublished() throws {
        let client = try relay.client()
        #expect(try client.subscribe("sequence") == .ok)
        let plain = try redis.client()
        try plain.publish("t:sequence", (0..<10_000).map { Array("\($0)".utf8) })
        for index in 0..<10_000 {
            guard try client.expectMessage().text == "\(index)" else {
                Issue.record("not message \(index)")
                return
            }
        }
    }
}
