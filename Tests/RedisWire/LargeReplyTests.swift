import RedisWire
import Testing

@Suite("A large reply arrives whole and leaves no large buffer behind")
struct LargeReplyTests {
    /// A repeated block whose length divides no buffer's size, so that bytes at a wrong place would show.
    static let payload: [UInt8] = {
        let block = (0..<4_099).map { UInt8(truncatingIfNeeded: $0 ^ ($0 >> 5)) }
        var payload: [UInt8] = []
        while payload.count < 8 << 20 { payload += block }
        return payload
    }()

    @Test("8 MiB in pieces of 64 KiB, with more behind it")
    func largeMessage() throws {
        let large = Sample.message([UInt8]("room"), Self.payload)
        let small = Sample.message([UInt8]("room"), [UInt8]("next"))
        // The last piece also has a whole reply and the beginning of another.
        let bytes = small.bytes + large.bytes + small.bytes + small.bytes.prefix(20)
        let reading = Reading()
        try reading.feed(Array(bytes.prefix(6 << 20)), inPiecesOf: 64 << 10)
        #expect(reading.reader.pendingBytes == (6 << 20) - small.bytes.count)
        #expect(reading.reader.bufferCapacity >= 6 << 20)
        try reading.feed(Array(bytes.dropFirst(6 << 20)), inPiecesOf: 64 << 10)
        #expect(reading.events == [small.event, large.event, small.event])
        #expect(reading.reader.pendingBytes == 20)
        #expect(reading.reader.bufferCapacity < 64 << 10)
        try reading.feed(small.bytes.dropFirst(20))
        #expect(reading.events.last == small.event)
    }

    @Test("large names as well")
    func largeNames() throws {
        let sample = Sample.patternMessage(Self.payload, Self.payload, [UInt8]("x"))
        let reading = Reading()
        for _ in 0..<2 { try reading.feed(sample.bytes, inPiecesOf: 100_000) }
        #expect(reading.events == [sample.event, sample.event])
        #expect(reading.reader.bufferCapacity < 64 << 10)
    }

    @Test("the largest reply allowed")
    func largestReply() throws {
        var limits = ReplyLimits()
        limits.maxReplyBytes = Sample.message([UInt8]("room"), Self.payload).bytes.count
        let sample = Sample.message([UInt8]("room"), Self.payload)
        let reading = Reading(limits: limits)
        try reading.feed(sample.bytes, inPiecesOf: 64 << 10)
        #expect(reading.events == [sample.event])
    }
}
