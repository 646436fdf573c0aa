import TestSupport
import Testing

/// Rules 3 and 4: payloads, and the outcome of a publish.
@Suite(.sharedRelay()) struct PublishTests {
    let relay: RelayProcess
    let redis: RedisServer

    init() throws {
        let stage = try sharedStage()
        relay = stage.relay
        redis = stage.redis
    }

    @Test func aPlainRedisClientSeesExactlyThePayloadOnThePrefixedChannel() throws {
        let plain = try redis.client()
        try plain.subscribe("t:plain")
        let client = try relay.client()
        let payload: [UInt8] = [0, 13, 10, 255, 36, 42] + Array("text".utf8)
        #expect(try client.publish("plain", bytes: payload).outcome == .ok)
        let message = try plain.nextMessage()
        #expect(message.channel == "t:plain")
        #expect(message.payload == payload)
    }

    @Test func whatAPlainRedisClientPublishesArrives() throws {
        let client = try relay.client()
        #expect(try client.subscribe("from.plain") == .ok)
        #expect(try redis.client().publish("t:from.plain", "hello\r\n") == 1)
        let message = try client.expectMessage()
        #expect(message.channel == "from.plain")
        #expect(message.text == "hello\r\n")
        #expect(message.pattern.isEmpty)
    }

    @Test func receiversAreTheClientsOfRedisAndNotTheConnectionsBehindARelay() throws {
        let client = try relay.client()
        #expect(try client.publish("receivers", "none").receivers == 0)
        let others = try (0..<3).map { _ in try relay.client() }
        for other in others { #expect(try other.subscribe("receivers") == .ok) }
        #expect(try client.publish("receivers", "the relay").receivers == 1)
        let plain = try redis.client()
        try plain.subscribe("t:receivers")
        #expect(try client.publish("receivers", "the relay and a plain client").receivers == 2)
        for other in others { #expect(try other.expectMessage().text == "the relay") }
    }

    @Test func aPublishWithIdZeroHasNoReply() throws {
        let client = try relay.client()
        let plain = try redis.client()
        try plain.subscribe("t:silent")
        try client.send(.publish("silent", "one", id: 0), .publish("silent", "two", id: 7))
        #expect(try client.expectReply(id: 7).outcome == .ok)
        #expect(try plain.nextMessage().payload == Array("one".utf8))
        #expect(try plain.nextMessage().payload == Array("two".utf8))
        try client.send(.ping(id: 8))
        try client.expectReply(id: 8)
    }

    @Test func publishesToOneChannelReachRedisInTheOrderWritten() throws {
        let plain = try redis.client()
        try plain.subscribe("t:order")
        let client = try relay.client()
        let count = 10_000
        // Publishes with and without an id, small and large, are all one sequence.
        let frames = (0..<count).map { index in
            let filling = index % 1000 == 0 ? String(repeating: "x", count: 50_000) : ""
            return HubrelayClientFrame.publish(
                "order", "\(index) \(filling)", id: index % 3 == 0 ? UInt64(index + 1) : 0)
        }
        try client.send(raw: frames.flatMap { $0.bytes })
        for index in 0..<count {
            let number = try plain.nextMessage().payload.prefix { $0 != UInt8(ascii: " ") }
            guard String(decoding: number, as: UTF8.self) == "\(index)" else {
                Issue.record("at \(index) came \(number)")
                return
            }
        }
        for index in stride(from: 0, to: count, by: 3) {
            guard try client.expectReply(id: UInt64(index + 1)).outcome == .ok else {
                Issue.record("publish \(index) was not taken")
                return
            }
        }
    }

    @Test func theEmptyPayloadIsAPayload() throws {
        let client = try relay.client()
        #expect(try client.subscribe("empty") == .ok)
        #expect(try client.publish("empty", "").outcome == .ok)
        let message = try client.expectMessage()
        #expect(message.channel == "empty" && message.payload.isEmpty)
    }

    @Test func theLargestPayloadWorksBothWaysByteForByte() throws {
        let client = try relay.client()
        let payload = (0..<Int(client.welcome.maxPayloadBytes)).map {
            UInt8(truncatingIfNeeded: $0 &* 131 >> 7)
        }
        let plain = try redis.client()
        try plain.subscribe("t:largest")
        #expect(try client.subscribe("largest") == .ok)
        #expect(try client.publish("largest", bytes: payload).outcome == .ok)
        let (isSeen, isBack) = (
            try plain.nextMessage().payload == payload, try client.expectMessage().bytes == payload
        )
        #expect(isSeen, "what Redis got differs")
        #expect(isBack, "what came back differs")
    }

    @Test func aPayloadOneByteTooLargeIsInvalidAndTheConnectionLivesOn() throws {
        let client = try relay.client()
        let payload = [UInt8](repeating: 1, count: Int(client.welcome.maxPayloadBytes) + 1)
        let reply = try client.publish("toolarge", bytes: payload)
        #expect(reply.outcome == .invalid)
        #expect(!reply.detail.isEmpty)
        #expect(try client.publish("toolarge", "fits").outcome == .ok)
    }

    @Test func invalidPublishesWithoutIdAreCountedInALoss() throws {
        let client = try relay.client()
        try client.send(
            .publish("", "x", id: 0), .publish("__hubrelay:x", "x", id: 0), .publish("", "x", id: 0))
        var lost: UInt64 = 0
        while lost < 3 {
            let loss = try client.expectLoss()
            #expect(loss.cause == .invalid)
            #expect(loss.publishes > 0 && loss.publishesUnknown == 0 && loss.messages == 0)
            lost += loss.publishes
        }
        #expect(lost == 3)
    }
}
