import Configuration
import Logging
import Testing

@testable import hubrelay

@Suite struct TextTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func base64IsThatOfRFC4648(text: String, encoded: String) {
        #expect(base64(Array(text.utf8)) == encoded)
    }

    @Test func base64UsesTheWholeAlphabet() {
        #expect(base64([0xfb, 0xff, 0xbf, 0x00, 0x10, 0x83]) == "+/+/ABCD")
    }

    @Test func hexHasTwoDigitsForEveryByte() {
        #expect(hexDigits([0x00, 0x0a, 0xff]) == "000aff")
    }

    @Test func plainTextHasNoQuotes() {
        for text in ["room.7", "a:b/c", "{tag}", "*"] { #expect(TextLine.plainOrQuoted(text) == text) }
        for (text, quoted) in [
            ("", #""""#), ("a b", #""a b""#), ("a=b", #""a=b""#), ("\"", #""\"""#), ("a\\", #""a\\""#),
            ("a\nb", #""a\nb""#), ("é", #""é""#), ("\u{7f}", #""\u{7f}""#), ("a\u{202e}b", #""a\u{202e}b""#),
        ] {
            #expect(TextLine.plainOrQuoted(text) == quoted)
        }
        let long = String(repeating: "a b", count: 1000)
        #expect(TextLine.plainOrQuoted(long) == "\"\(long)\"")
    }

    private func record(_ message: String, _ fields: Logger.Metadata) -> LogRecord {
        LogRecord(time: "2026-11-21T01:02:03.456Z", level: .info, message: message, fields: fields)
    }

    @Test func aLogRecordIsOneLineOfText() {
        #expect(record("listening", [:]).textLine == "2026-11-21T01:02:03.456Z info listening")
        let fields: Logger.Metadata = ["b": "x y", "a": "1", "c": ["d": "e"], "list": ["f", "g"]]
        #expect(
            record("it's up", fields).textLine
                == #"2026-11-21T01:02:03.456Z info it's up a=1 b="x y" c="[\"d\": \"e\"]" list="[\"f\", \"g\"]""#
        )
    }

    @Test func aLineForTheJournalBeginsWithItsPriority() {
        let levels: [(Logger.Level, String)] = [
            (.trace, "<7>"), (.debug, "<7>"), (.info, "<6>"), (.notice, "<5>"), (.warning, "<4>"), (.error, "<3>"),
            (.critical, "<2>"),
        ]
        for (level, start) in levels {
            let record = LogRecord(time: "2026-11-21T01:02:03.456Z", level: level, message: "it", fields: [:])
            #expect(
                record.line(.text, maxBytes: 100, hasPriority: true) == "\(start)2026-11-21T01:02:03.456Z \(level) it")
            #expect(record.line(.json, maxBytes: 100, hasPriority: true).hasPrefix("\(start){"))
            #expect(record.line(.text, maxBytes: 100) == record.textLine)
        }
        let long = record("it", ["k": "\(String(repeating: "x", count: 200))"])
        #expect(long.line(.text, maxBytes: 100, hasPriority: true).utf8.count <= 100)
    }

    @Test func noValueCanForgeALineOrAnotherPair() {
        let forged = record("a\nb", ["k": "v\n2026 info x=y", "bad key\n": "x"])
        #expect(
            forged.textLine
                == #"2026-11-21T01:02:03.456Z info a\nb "bad key\n"=x k="v\n2026 info x=y""#)
        #expect(!forged.jsonLine.contains("\n"))
    }

    @Test func aLogRecordIsOneJSONObject() {
        let fields: Logger.Metadata = ["b": "x\ny", "time": "own", "c": ["d": ["e", "f"]]]
        #expect(
            record("it's \"up\"", fields).jsonLine
                == #"{"time":"2026-11-21T01:02:03.456Z","level":"info","message":"it's \"up\"","b":"x\ny","#
                + #""c":{"d":["e","f"]},"time_":"own"}"#)
    }

    /// A pipe takes a limited number of bytes in one piece. Values are cut, and not the line, so that programs can
    /// still parse it.
    @Test(arguments: [LogFormat.text, .json]) func aLineThatIsTooLongHasItsValuesCut(format: LogFormat) {
        let long = String(repeating: "\u{1b}\u{e9}", count: 5000)
        let fields: Logger.Metadata = ["a": "\(long)", "b": "short", "c": ["\(long)"], "d": ["e": "\(long)"]]
        for text in ["it", long] {
            let line = record(text, fields).line(format, maxBytes: 4095)
            #expect((500...4095).contains(line.utf8.count))
            #expect(line.contains(format == .text ? "b=short" : #""b":"short""#))
            #expect(format == .text || line.hasSuffix("}"))
        }
        #expect(record("it", ["b": "short"]).line(format, maxBytes: 4095).hasSuffix(format == .text ? "b=short" : "}"))
    }
}
