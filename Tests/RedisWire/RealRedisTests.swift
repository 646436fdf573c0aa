import RESP
import RedisWire
import TestSupport
import Testing

@Suite("Against a real redis-server")
struct RealRedisTests {
    let server: RedisServer

    init() throws { server = try RedisServer() }

    @Test("a conversation with every kind of reply")
    func conversation() throws {
        let (one, two) = (try RedisConnection(server), try RedisConnection(server))
        try one.send("SUBSCRIBE", "room.7")
        #expect(try one.next() == .confirmation(.subscribe, [UInt8]("room.7"), 1))
        try one.send("PSUBSCRIBE", "room.*")
        #expect(try one.next() == .confirmation(.psubscribe, [UInt8]("room.*"), 2))
        try two.send("PUBLISH", "room.7", "hi\r\n")
        #expect(try two.next() == .integer(2))
        #expect(try one.next() == .message([UInt8]("room.7"), [UInt8]("hi\r\n")))
        #expect(try one.next() == .patternMessage([UInt8]("room.*"), [UInt8]("room.7"), [UInt8]("hi\r\n")))
        try one.send("PING")
        #expect(try one.next() == .reply(.array([.bulk([UInt8]("pong")), .bulk([])])))
        try one.send("PUNSUBSCRIBE")
        #expect(try one.next() == .confirmation(.punsubscribe, [UInt8]("room.*"), 1))
        try one.send("UNSUBSCRIBE", "room.7")
        #expect(try one.next() == .confirmation(.unsubscribe, [UInt8]("room.7"), 0))
        try one.send("UNSUBSCRIBE")
        #expect(try one.next() == .confirmation(.unsubscribe, nil, 0))
        try two.send("PING")
        #expect(try two.next() == .reply(.status("PONG")))
        try two.send("ROLE")
        #expect(try two.next() == .reply(.array([.bulk([UInt8]("master")), .integer(0), .array([])])))
        try two.send("GET", "nothing")
        #expect(try two.next() == .reply(.nilValue))
        try two.send("NONSENSE")
        guard case .reply(.error(let text)) = try two.next() else {
            Issue.record("no error")
            return
        }
        #expect(text.hasPrefix("ERR unknown command"))
    }

    @Test("sharded channels, which one server alone has too")
    func shardedChannels() throws {
        let (one, two) = (try RedisConnection(server), try RedisConnection(server))
        try one.send("SSUBSCRIBE", "room.7")
        #expect(try one.next() == .confirmation(.ssubscribe, [UInt8]("room.7"), 1))
        try two.send("PUBLISH", "room.7", "to the others")
        #expect(try two.next() == .integer(0))
        try two.send("SPUBLISH", "room.7", "hi\r\n")
        #expect(try two.next() == .integer(1))
        #expect(try one.next() == .message([UInt8]("room.7"), [UInt8]("hi\r\n")))
        try one.send("SUNSUBSCRIBE", "room.7")
        #expect(try one.next() == .confirmation(.sunsubscribe, [UInt8]("room.7"), 0))
        try one.send("SUNSUBSCRIBE")
        #expect(try one.next() == .confirmation(.sunsubscribe, nil, 0))
    }

    /// Tries every byte, and many mixtures of the special ones. Redis itself says what the pattern matches.
    @Test("an escaped prefix matches itself and nothing else")
    func escapedPrefix() throws {
        var generator = SeededGenerator(seed: 7)
        let alphabet = [UInt8]("*?[]\\^-ab")
        func random(_ range: ClosedRange<Int>) -> [UInt8] {
            (0..<Int.random(in: range, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator)!
            }
        }
        let (subscriber, publisher) = (try RedisConnection(server), try RedisConnection(server))
        let prefixes = (0...255).map { [UInt8($0)] } + (0..<200).map { _ in random(1...5) }
        for prefix in prefixes {
            let pattern = RedisCommand.escapeGlob(prefix) + [UInt8]("r*m")
            try subscriber.send([[UInt8]("PSUBSCRIBE"), pattern])
            #expect(try subscriber.next() == .confirmation(.psubscribe, pattern, 1))
            var channels = [prefix + [UInt8]("rm"), prefix + [UInt8]("r.7.m")]
            for _ in 0..<10 { channels.append(random(1...5) + [UInt8]("rm")) }
            for index in prefix.indices {
                var other = prefix
                other[index] = other[index] == 0x61 ? 0x62 : 0x61
                channels.append(other + [UInt8]("rm"))
            }
            for channel in channels {
                let matches = channel.starts(with: prefix + [UInt8]("r")) && channel.last == UInt8(ascii: "m")
                try publisher.send([[UInt8]("PUBLISH"), channel, []])
                #expect(try publisher.next() == .integer(matches ? 1 : 0), "\(prefix), \(channel)")
                if matches { #expect(try subscriber.next() == .patternMessage(pattern, channel, [])) }
            }
            try subscriber.send("PUNSUBSCRIBE")
            #expect(try subscriber.next() == .confirmation(.punsubscribe, pattern, 0))
        }
    }
}
