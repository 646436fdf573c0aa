import RESP
import RedisWire
import Testing

@Suite("A sink can end the reading in the middle of a call")
struct ReplyStopTests {
    @Test("nothing more is handed over, whatever the reply was", arguments: ReplyReaderTests.samples.indices)
    func stopInside(index: Int) throws {
        let sample = ReplyReaderTests.samples[index]
        let reading = Reading()
        reading.sink.onEvent = { [unowned reading] in if $0 == 2 { reading.reader.stop() } }
        try reading.feed(sample.bytes + sample.bytes + sample.bytes + [UInt8]("garbage"))
        #expect(reading.events == [sample.event, sample.event])
        #expect(reading.reader.pendingBytes == 0)
        try reading.feed(sample.bytes)
        try reading.feed([UInt8]("garbage"))
        #expect(reading.events.count == 2)
    }

    @Test("also between two pieces of a reply")
    func stopOutside() throws {
        let reading = Reading()
        try reading.feed([UInt8](":1\r\n*3\r\n$7\r\nmessage\r\n"))
        reading.reader.stop()
        #expect(reading.reader.pendingBytes == 0)
        try reading.feed([UInt8]("$1\r\nx\r\n$1\r\ny\r\n"))
        #expect(reading.events == [.integer(1)])
    }

    @Test("a sink that nobody else holds any more lives to the end of the feed")
    func sinkDroppedInside() throws {
        var sink: RecordingSink? = RecordingSink()
        weak let observed = sink
        let reader = ReplyReader(sink: sink!)
        var calls = 0
        sink!.onEvent = { _ in
            calls += 1
            sink = nil
        }
        try [UInt8](":1\r\n:2\r\n").withUnsafeBytes { try reader.feed($0) }
        #expect(calls == 2)
        #expect(observed == nil)
    }

    @Test("the reader may be dropped inside a call")
    func readerDroppedInside() throws {
        final class Owner {
            var reader: ReplyReader?
        }
        let (owner, sink) = (Owner(), RecordingSink())
        owner.reader = ReplyReader(sink: sink)
        sink.onEvent = { _ in
            owner.reader?.stop()
            owner.reader = nil
        }
        try [UInt8]("*1\r\n$1\r\nx\r\n:2\r\n").withUnsafeBytes { try owner.reader?.feed($0) }
        #expect(sink.events == [.reply(.array([.bulk([UInt8]("x"))]))])
    }
}
