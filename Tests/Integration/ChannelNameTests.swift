import TestSupport
import Testing

/// Rule 2: which names a channel may have.
@Suite(.sharedRelay()) struct ChannelNameTests {
    let relay: RelayProcess
    let redis: RedisServer

    init() throws {
        let stage = try sharedStage()
        relay = stage.relay
        redis = stage.redis
    }

    static let goodNames = [
        "x", " ", "a b\r\nc", "\u{0}", "*?[x]\\", "канал.кошки", "🦉", "__hubrelay", "_hubrelay:x", "t:x",
        "x__hubrelay:", String(repeating: "n", count: 512), String(repeating: "é", count: 256),
    ]

    @Test(arguments: goodNames) func aChannelIsAnyTextOf1To512Bytes(name: String) throws {
        let client = try relay.client()
        let plain = try redis.client()
        try plain.subscribe("t:" + name)
        #expect(try client.subscribe(name) == .ok)
        #expect(try client.publish(name, "payload").outcome == .ok)
        let message = try client.expectMessage()
        #expect(message.channel == name)
        #expect(message.text == "payload")
        #expect(try plain.nextMessage().channel == "t:" + name)
    }

    static let badNames = [
        "", String(repeating: "n", count: 513), String(repeating: "é", count: 257), "__hubrelay:",
        "__hubrelay:probe:1",
    ]

    @Test(arguments: badNames) func otherChannelsAreInvalidInEveryRequest(name: String) throws {
        let client = try relay.client()
        let reply = try client.publish(name, "x")
        #expect(reply.outcome == .invalid)
        #expect(!reply.detail.isEmpty)
        #expect(try client.subscribe(name) == .invalid)
        #expect(try client.subscribe(patterns: [name]) == .invalid)
        #expect(try client.subscribe("good.one", name) == .invalid)
        try client.ping()
        // The good name in the same request had no effect either.
        #expect(try redis.client().subscribers(of: "t:good.one") == 0)
    }
}
