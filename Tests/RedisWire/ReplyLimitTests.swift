import RESP
import RedisWire
import Testing

@Suite("What a server can make us hold is bounded")
struct ReplyLimitTests {
    @Test("an announced count allocates nothing", arguments: [65_537, 100_000_000, 2_147_483_647])
    func announcedElements(count: Int) {
        for bytes in ["*\(count)\r\n", "*1\r\n*\(count)\r\n", "*2\r\n:1\r\n*\(count)\r\n"] {
            let reading = Reading()
            #expect(reading.error(feeding: Array(bytes.utf8)) == .tooManyElements(limit: 65_536))
        }
    }

    @Test("as many elements as the limit are read")
    func allElements() throws {
        let reply = Resp.array([Resp](repeating: .integer(1), count: 65_536))
        let reading = Reading()
        try reading.feed(reply.bytes)
        #expect(reading.events == [.reply(reply.value)])
    }

    @Test("nested arrays share a limit on values")
    func values() {
        var limits = ReplyLimits()
        limits.maxValues = 10
        // Three arrays of three elements: with the outer array, thirteen values.
        let reply = Resp.array([Resp](repeating: .array([.integer(1), .nilBulk, .bulk("x")]), count: 3))
        #expect(Reading(limits: limits).error(feeding: reply.bytes) == .tooManyElements(limit: 10))
        limits.maxValues = 13
        let reading = Reading(limits: limits)
        #expect(reading.error(feeding: reply.bytes + reply.bytes) == nil)
        #expect(reading.events == [.reply(reply.value), .reply(reply.value)])
    }

    @Test("arrays nest to the limit and not beyond")
    func depth() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(String(repeating: "*1\r\n", count: depth).utf8) + [UInt8](":1\r\n")
        }
        #expect(Reading().error(feeding: nested(7)) == nil)
        #expect(Reading().error(feeding: nested(8)) == .tooDeep(limit: 7))
        #expect(Reading().error(feeding: nested(100_000)) == .tooDeep(limit: 7))
    }

    @Test(
        "a string too long is refused by its head", arguments: ["$536870912\r\n", "$9223372036854775807\r\n"])
    func announcedLength(head: String) {
        let limit = ReplyError.replyTooLarge(limit: 64 << 20)
        #expect(Reading().error(feeding: Array(head.utf8)) == limit)
        #expect(Reading().error(feeding: Array(head.utf8), inPiecesOf: 1) == limit)
        let message = [UInt8]("*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n")
        #expect(Reading().error(feeding: message + Array(head.utf8)) == limit)
    }

    @Test("a reply of many parts is bounded as a whole")
    func totalBytes() {
        var limits = ReplyLimits()
        limits.maxReplyBytes = 100_000
        let part = Resp.bulk([UInt8](repeating: 0, count: 10_000)).bytes
        let parts = [UInt8]("*20\r\n") + (0..<20).flatMap { _ in part }
        let reading = Reading(limits: limits)
        #expect(reading.error(feeding: parts) == .replyTooLarge(limit: 100_000))
        #expect(reading.events.isEmpty)
        let names =
            [UInt8]("*4\r\n$8\r\npmessage\r\n")
            + (0..<3).flatMap { _ in
                Resp.bulk([UInt8](repeating: 0, count: 50_000)).bytes
            }
        #expect(Reading(limits: limits).error(feeding: names) == .replyTooLarge(limit: 100_000))
    }

    @Test("many replies in a row are not one large reply")
    func manySmall() throws {
        var limits = ReplyLimits()
        limits.maxReplyBytes = 10_000
        let sample = Sample.message([UInt8]("room"), [UInt8](repeating: 1, count: 9_000))
        let reading = Reading(limits: limits)
        try reading.feed((0..<50).flatMap { _ in sample.bytes }, inPiecesOf: 1_000)
        #expect(reading.events.count == 50)
    }

    /// Each head looks like the beginning of something that may be long.
    @Test(
        "a line without an end is refused before it is looked through too often",
        arguments: [
            "+", "-", ":", "*", "$", "$-", "$1", "$1\r", "$1\r\r", "*3\r\n$7\r\nmessage\r\n$", "*1\r\n+",
        ])
    func endlessLine(head: String) {
        for filler in [UInt8(ascii: "x"), UInt8(ascii: "\r"), UInt8(ascii: "0"), UInt8(ascii: "1")] {
            let bytes = Array(head.utf8) + [UInt8](repeating: filler, count: 80_000)
            let reading = Reading()
            let error = reading.error(feeding: bytes)
            // Digits after a $ are a length, which soon becomes too large.
            #expect(
                error == .lineTooLong(limit: 65_536) || error == .replyTooLarge(limit: 64 << 20),
                "\(head) and \(filler)")
        }
    }

    @Test("a long line that ends within the limit is read")
    func longLine() throws {
        let reading = Reading()
        try reading.feed(Resp.error("ERR " + String(repeating: "x", count: 60_000)).bytes)
        #expect(reading.events == [.reply(.error("ERR " + String(repeating: "x", count: 508)))])
    }
}
