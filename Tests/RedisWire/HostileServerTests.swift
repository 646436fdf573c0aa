import RESP
import RedisWire
import Testing

@Suite("A hostile server ends in a typed error")
struct HostileServerTests {
    static let pushes: [(bytes: StaticString, says: String)] = [
        ("*1\r\n$7\r\nmessage\r\n", "message with 1 elements, not 3"),
        ("*2\r\n$7\r\nmessage\r\n$1\r\nx\r\n", "message with 2 elements, not 3"),
        ("*5\r\n$7\r\nmessage\r\n", "message with 5 elements, not 3"),
        ("*3\r\n$8\r\npmessage\r\n", "pmessage with 3 elements, not 4"),
        ("*4\r\n$8\r\nsmessage\r\n", "smessage with 4 elements, not 3"),
        ("*4\r\n$10\r\nssubscribe\r\n", "ssubscribe with 4 elements, not 3"),
        ("*2\r\n$12\r\nsunsubscribe\r\n", "sunsubscribe with 2 elements, not 3"),
        ("*3\r\n$8\r\nsmessage\r\n$-1\r\n", "smessage with nil as element 1"),
        ("*3\r\n$10\r\nssubscribe\r\n$-1\r\n", "ssubscribe with nil as element 1"),
        ("*3\r\n$12\r\nsunsubscribe\r\n$-1\r\n$-1\r\n", "sunsubscribe with nil as element 2"),
        ("*2\r\n$9\r\nsubscribe\r\n", "subscribe with 2 elements, not 3"),
        ("*4\r\n$12\r\npunsubscribe\r\n", "punsubscribe with 4 elements, not 3"),
        ("*3\r\n$7\r\nmessage\r\n$-1\r\n", "message with nil as element 1"),
        ("*3\r\n$7\r\nmessage\r\n*-1\r\n", "message with nil as element 1"),
        ("*3\r\n$7\r\nmessage\r\n:1\r\n", "message with an integer as element 1"),
        ("*3\r\n$7\r\nmessage\r\n+x\r\n", "message with a status as element 1"),
        ("*3\r\n$7\r\nmessage\r\n*1\r\n$1\r\nx\r\n", "message with an array as element 1"),
        ("*4\r\n$8\r\npmessage\r\n$-1\r\n", "pmessage with nil as element 1"),
        ("*4\r\n$8\r\npmessage\r\n$1\r\nx\r\n$-1\r\n", "pmessage with nil as element 2"),
        ("*3\r\n$9\r\nsubscribe\r\n$-1\r\n", "subscribe with nil as element 1"),
        ("*3\r\n$10\r\npsubscribe\r\n$-1\r\n", "psubscribe with nil as element 1"),
        ("*3\r\n$9\r\nsubscribe\r\n:1\r\n", "subscribe with an integer as element 1"),
        ("*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n$1\r\n1\r\n", "subscribe with a string as element 2"),
        ("*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:-1\r\n", "subscribe with an integer as element 2"),
        ("*3\r\n$11\r\nunsubscribe\r\n$-1\r\n$-1\r\n", "unsubscribe with nil as element 2"),
        ("*3\r\n$11\r\nunsubscribe\r\n*1\r\n", "unsubscribe with an array as element 1"),
    ]

    @Test("a message or confirmation that is none", arguments: pushes.indices)
    func unexpectedPush(index: Int) {
        let (bytes, says) = Self.pushes[index]
        #expect(Reading().error(feeding: [UInt8](bytes)) == .unexpectedPush(says))
        #expect(Reading().error(feeding: [UInt8](bytes), inPiecesOf: 1) == .unexpectedPush(says))
    }

    @Test(
        "garbage",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\0", "\u{16}\u{3}\u{1}", "!21\r\n", "\r\n",
            "+OK\r\n\"",
            ":\r\n", ":1x\r\n", ":12345678901234567890\r\n", ":+1\r\n", ":01\r\n", "$\r\n", "$-2\r\n",
            "$1x\r\n",
            "$99999999999999999999\r\n", "*\r\n", "*-2\r\n", "*2147483648\r\n", "*9223372036854775808\r\n",
            "*3\r\n$7\r\nmessage\r\nx", "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\nPONG\r\n",
        ])
    func garbage(text: String) {
        for size in [1, 1_000] {
            let reading = Reading()
            switch reading.error(feeding: Array(text.utf8), inPiecesOf: size) {
            case .malformed(let reason): #expect(!reason.isEmpty)
            case .tooManyElements, .replyTooLarge: break
            case let other: Issue.record("\(other.map(String.init(describing:)) ?? "no error")")
            }
            #expect(reading.reader.pendingBytes == 0)
        }
    }

    /// hiredis 0.14 knows none of them, and 1.x reads them all. They must neither come through nor vanish from an
    /// array.
    @Test(
        "RESP3, which we do not ask for",
        arguments: [
            "_\r\n", "#t\r\n", ",1.5\r\n", "(123\r\n", "=6\r\ntxt:ab\r\n", "%1\r\n+a\r\n+b\r\n",
            "~1\r\n+a\r\n",
            ">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n", "|1\r\n+a\r\n+b\r\n",
        ])
    func resp3(text: String) {
        for prefix in ["", "*2\r\n:1\r\n", "*3\r\n$7\r\nmessage\r\n", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n"] {
            let reading = Reading()
            guard case .malformed = reading.error(feeding: Array((prefix + text).utf8)) else {
                Issue.record("\(prefix)\(text) was read")
                continue
            }
            #expect(reading.events.isEmpty)
        }
    }

    @Test("what came before the error is handed over, nothing after it, and the error stays")
    func errorStays() throws {
        let reading = Reading()
        #expect(reading.error(feeding: [UInt8](":1\r\n:2\r\n*2\r\n$7\r\nmessage\r\n:3\r\n")) != nil)
        #expect(reading.events == [.integer(1), .integer(2)])
        let first = ReplyError.unexpectedPush("message with 2 elements, not 3")
        #expect(throws: first) { try reading.feed([UInt8](":4\r\n")) }
        #expect(throws: first) { try reading.feed([]) }
        #expect(reading.events.count == 2)
    }

    @Test("a connection that ends at any byte leaves nothing behind")
    func closeAtEveryByte() throws {
        let bytes = ReplyReaderTests.samples.flatMap(\.bytes)
        for end in 0...bytes.count {
            let reading = Reading()
            try reading.feed(bytes[..<end])
        }
    }

    @Test("random damage never crashes", arguments: 0..<150 as Range<UInt64>)
    func randomDamage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bytes = (0..<20).flatMap { _ in generator.sample().bytes }
        for _ in 0..<Int.random(in: 1...10, using: &generator) {
            let index = bytes.indices.randomElement(using: &generator)!
            bytes[index] = [UInt8]("*$:+-\r\n0123456789\0").randomElement(using: &generator)!
        }
        _ = Reading().error(feeding: bytes, inPiecesOf: Int.random(in: 1...5_000, using: &generator))
    }
}
