import RESP
import RedisWire
import Testing

@Suite("Text of a server is fit for a log line")
struct RedisTextTests {
    private func cleaned(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { RedisText.cleaned($0) } }

    @Test("at most 512 bytes, ended on a whole character")
    func cut() {
        #expect(cleaned([UInt8](repeating: 0x61, count: 512)) == String(repeating: "a", count: 512))
        #expect(cleaned([UInt8](repeating: 0x61, count: 9_000)) == String(repeating: "a", count: 512))
        for shift in 0..<4 {
            let text = String(repeating: "a", count: 509 + shift - 3) + "🦊" + String(repeating: "b", count: 9)
            let short = cleaned(Array(text.utf8))
            #expect(text.hasPrefix(short))
            #expect((509...512).contains(short.utf8.count))
        }
        #expect(cleaned([UInt8](repeating: 0xFF, count: 600)).utf8.count == 510)
    }

    @Test("control characters and malformed UTF-8 are replaced")
    func replaced() {
        #expect(cleaned([UInt8]("a\u{1B}[31mb\0\u{7F}\u{9B}\u{2028}c")) == "a�[31mb����c")
        #expect(cleaned([0x61, 0xFF, 0xC3, 0x28]) == "a��(")
        #expect(cleaned(Array("NOPERM für Ächtung".utf8)) == "NOPERM für Ächtung")
        #expect(cleaned([]) == "")
    }

    @Test("in statuses and errors, at the top and in arrays")
    func inReplies() throws {
        let reading = Reading()
        try reading.feed([UInt8]("-ERR a\tb\r\n+\u{1}\r\n*2\r\n-x\u{7}\r\n+y\u{8}\r\n"))
        #expect(
            reading.events == [
                .reply(.error("ERR a�b")), .reply(.status("�")),
                .reply(.array([.error("x�"), .status("y�")])),
            ])
    }
}
