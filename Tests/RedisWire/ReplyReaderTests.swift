import RESP
import RedisWire
import Testing

@Suite("Every kind of reply is read, however it arrives")
struct ReplyReaderTests {
    static let samples: [Sample] = [
        .message([UInt8]("room.7"), [UInt8]("hi")),
        .message([UInt8]("room.7"), []),
        .message([], [UInt8]("\r\n$5\r\n")),
        .message([UInt8]("message"), [UInt8]("message")),
        .shardMessage([UInt8]("room.7"), [UInt8]("hi")),
        .shardMessage([], []),
        .patternMessage([UInt8]("room.*"), [UInt8]("room.7"), [UInt8]("hi")),
        .patternMessage([], [], []),
        .confirmation(.subscribe, [UInt8]("room.7"), 1),
        .confirmation(.unsubscribe, [UInt8]("room.7"), 0),
        .confirmation(.unsubscribe, nil, 0),
        .confirmation(.psubscribe, [UInt8]("room.*"), 2),
        .confirmation(.punsubscribe, [UInt8]("room.*"), 100_000),
        .confirmation(.punsubscribe, nil, 0),
        .confirmation(.ssubscribe, [UInt8]("room.7"), 1),
        .confirmation(.sunsubscribe, [UInt8]("room.7"), 0),
        .confirmation(.sunsubscribe, nil, 0),
        .reply(.integer(0)), .reply(.integer(.min)), .reply(.integer(.max)),
        .reply(.status("PONG")), .reply(.status("")), .reply(.error("ERR unknown command")),
        .reply(.bulk("a string")), .reply(.bulk("")), .reply(.nilBulk), .reply(.nilArray),
        .reply(.array([])), .reply(.array([.bulk("pong"), .bulk("")])),
        .reply(.array([.bulk("master"), .integer(3_129_659), .array([])])),
        .reply(.array([.status("message"), .bulk("x"), .bulk("y")])),
        .reply(.array([.nilBulk, .nilArray, .error("ERR"), .integer(-1)])),
        .reply(.array([.array([.array([]), .array([.bulk("message"), .integer(1)])]), .bulk("smessage")])),
        .reply(.array([.bulk("tmessage"), .bulk("ssubscribf"), .bulk("tunsubscribe")])),
        .reply(.array([.bulk("tsubscribe"), .bulk("room.7"), .integer(1)])),
        .reply(.array([.bulk("tunsubscribe"), .bulk("room.7"), .integer(1)])),
        .reply(.array([.bulk("messagE"), .bulk("pmessagf"), .bulk("xsubscribe")])),
    ]

    @Test("split at every byte", arguments: samples.indices)
    func splitAtEveryByte(index: Int) throws {
        let sample = Self.samples[index]
        for split in 0...sample.bytes.count {
            let reading = Reading()
            try reading.feed(sample.bytes[..<split])
            #expect(reading.events == (split == sample.bytes.count ? [sample.event] : []))
            #expect(reading.reader.pendingBytes == split % sample.bytes.count)
            try reading.feed(sample.bytes[split...])
            #expect(reading.events == [sample.event])
            #expect(reading.reader.pendingBytes == 0)
        }
    }

    @Test("all in one piece, twice over")
    func coalesced() throws {
        let samples = Self.samples + Self.samples
        let reading = Reading()
        try reading.feed(samples.flatMap(\.bytes))
        #expect(reading.events == samples.map(\.event))
        #expect(reading.reader.pendingBytes == 0)
    }

    @Test("one byte at a time")
    func bytewise() throws {
        let reading = Reading()
        try reading.feed(Self.samples.flatMap(\.bytes), inPiecesOf: 1)
        #expect(reading.events == Self.samples.map(\.event))
    }

    /// The names of a message are in one piece, and its payload is in the next. The bytes in between are so many that
    /// hiredis has dropped what it had read.
    @Test("names outlive the piece that they came in")
    func namesOutliveTheirPiece() throws {
        let (long, other) = ([UInt8](repeating: 0x61, count: 2_000), [UInt8](repeating: 0x62, count: 3_000))
        let samples: [Sample] = [
            .message(long, other), .patternMessage(long, other, long), .message([UInt8]("short"), long),
            .confirmation(.psubscribe, other, 3), .patternMessage([UInt8]("a*"), long, other),
        ]
        for size in [1, 100, 1_500, 4_095, 4_096, 4_097] {
            let reading = Reading()
            try reading.feed(samples.flatMap(\.bytes), inPiecesOf: size)
            #expect(reading.events == samples.map(\.event), "in pieces of \(size)")
        }
    }

    @Test("random replies, split at random", arguments: 0..<80 as Range<UInt64>)
    func randomReplies(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let samples = (0..<Int.random(in: 1...60, using: &generator)).map { _ in generator.sample() }
        let bytes = samples.flatMap(\.bytes)
        let longest = [3, 50, 5_000].randomElement(using: &generator)!
        let reading = Reading()
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 0...longest, using: &generator)
            try reading.feed(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        #expect(reading.events == samples.map(\.event))
        #expect(reading.reader.pendingBytes == 0)
    }
}
