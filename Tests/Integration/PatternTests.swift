import TestSupport
import Testing

/// The parts of rules 2 and 3 that need a relay with particular settings: the prefix, and what cannot be delivered.
@Suite struct PatternTests {
    /// Prefixes with all characters that have a meaning in a pattern of Redis.
    @Test(arguments: ["a*[b]?\\c:", "[a-c]", "^?", "\\", "*", "{}*"])
    func thePrefixIsLiteralInPatterns(prefix: String) throws {
        try withRelay(prefix: prefix) { relay, redis in
            let plain = try redis.client()
            let client = try relay.client()
            #expect(try client.subscribe("x.channel", patterns: ["x*", "y[0-9]", "z\\*"]) == .ok)
            // What the prefixes would match if they were patterns, except the last one.
            let foreign = ["aZZbQc:", "a*bQc:", "a", "b", "^a", "?", "zz", "", "{}z", "{}"]
            for other in foreign where other != prefix {
                try plain.publish(other + "x1", "foreign")
                try plain.publish(other + "y1", "foreign")
            }
            for channel in ["x1", "y7", "z*", "x.channel"] { try plain.publish(prefix + channel, "own") }
            // The relay's own probes use names that begin with the prefix too, but do not match.
            let found = try (0..<5).map { _ in try client.expectMessage() }
            #expect(found.map(\.text) == [String](repeating: "own", count: 5))
            #expect(
                Set(found.map { "\($0.channel) by \($0.pattern)" }) == [
                    "x1 by x*", "y7 by y[0-9]", "z* by z\\*", "x.channel by x*", "x.channel by ",
                ])
        }
    }

    @Test func theEmptyPrefixIsAllowed() throws {
        try withRelay(prefix: "") { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("bare", patterns: ["ba?e"]) == .ok)
            let plain = try redis.client()
            try plain.subscribe("bare")
            #expect(try client.publish("bare", "x").receivers == 3)
            #expect(try plain.nextMessage().payload == Array("x".utf8))
            let found = try (0..<2).map { _ in try client.expectMessage() }
            #expect(found.allSatisfy { $0.channel == "bare" && $0.text == "x" })
            #expect(Set(found.map(\.pattern)) == ["", "ba?e"])
        }
    }

    @Test func relaysWithDifferentPrefixesDoNotHearEachOther() throws {
        let redis = try RedisServer()
        let one = try RelayProcess(redis: redis.url, prefix: "app")
        let two = try RelayProcess(redis: redis.url, prefix: "apple:")
        let first = try one.client()
        let second = try two.client()
        #expect(try first.subscribe("x", patterns: ["x*"]) == .ok)
        #expect(try second.subscribe("x", patterns: ["x*"]) == .ok)
        #expect(try first.publish("x", "of the first").outcome == .ok)
        #expect(try second.publish("x", "of the second").outcome == .ok)
        #expect(try (0..<2).map { _ in try first.expectMessage().text } == ["of the first", "of the first"])
        #expect(
            try (0..<2).map { _ in try second.expectMessage().text } == ["of the second", "of the second"])
        try one.stop()
        try two.stop()
    }

    @Test func theRelaysOwnChannelsAreNeverDelivered() throws {
        try withRelay(options: ["--probe", "50ms"]) { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe(patterns: ["*", "__*", "?_hubrelay*"]) == .ok)
            let plain = try redis.client()
            try plain.subscribe("t:__hubrelay:*", pattern: true)
            // Several probes have passed, and a message that another client sends on such a channel.
            for _ in 0..<4 { _ = try plain.nextMessage() }
            try redis.client().publish("t:__hubrelay:foreign", "x")
            try redis.client().publish("t:barrier", "the end")
            #expect(try client.expectMessage().channel == "barrier")
        }
    }

    @Test func aChannelThatIsNotUTF8IsCountedInALoss() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            let bystander = try relay.client()
            #expect(try client.subscribe("after", patterns: ["raw*"]) == .ok)
            #expect(try bystander.subscribe("after") == .ok)
            let plain = try redis.client()
            for tail in [[0xff], [0xc3]] as [[UInt8]] { try plain.publish(Array("t:raw".utf8) + tail, [1]) }
            try plain.publish("t:after", "x")
            var lost: UInt64 = 0
            while lost < 2 {
                let loss = try client.expectLoss()
                #expect(loss.cause == .badName)
                #expect(loss.publishes == 0 && loss.publishesUnknown == 0)
                lost += loss.messages
            }
            #expect(lost == 2)
            #expect(try client.expectMessage().text == "x")
            #expect(try bystander.expectMessage().text == "x")
        }
    }

    @Test func aMessageIsDeliveredIfItFitsAFrameAndCountedInALossIfNot() throws {
        try withRelay(options: ["--max-payload", "64KiB"]) { relay, redis in
            let client = try relay.client()
            #expect(client.welcome.maxPayloadBytes == 65536)
            #expect(try client.subscribe("big") == .ok)
            let plain = try redis.client()
            let maximum = Int(client.welcome.maxFrameBytes)
            // The body of a Message on "big" is: tag and length of the Message (1 + 3), of the channel (1 + 1 + 3) and
            // of the payload (1 + 3), then the payload.
            let largest = maximum - 13
            for count in [largest, largest + 1, 5 << 20, 10] {
                try plain.publish(Array("t:big".utf8), [UInt8](repeating: 65, count: count))
            }
            #expect(try client.expectMessage().payload.count == largest)
            var lost: UInt64 = 0
            while lost < 2 {
                let loss = try client.expectLoss()
                #expect(loss.cause == .tooLarge)
                lost += loss.messages
            }
            #expect(lost == 2)
            #expect(try client.expectMessage().payload.count == 10)
        }
    }
}
