import Foundation
import Testing
import TextFormats

@Suite("JSON, against an independent parser")
struct JSONWriterTests {
    func parsed(_ text: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    @Test("every kind of member, and nesting, reads back as it was written")
    func roundTrip() throws {
        var json = JSONWriter()
        json.object { json in
            json.member("text", "a \"quoted\" \\ text")
            json.member("most", UInt64.max)
            json.member("least", Int.min)
            json.member("fraction", 0.1)
            json.member("none", nil as Double?)
            json.member("yes", true)
            json.member("no", false)
            json.member("names", ["one", "two"])
            json.member("empty", object: { _ in })
            json.key("list")
            json.array { json in
                json.number(1.5)
                json.number(UInt64(2))
                json.number(-3)
                json.string("four")
                json.bool(false)
                json.null()
                json.object { $0.member("five", ["six"]) }
                json.array { _ in }
            }
            json.member("last", 1)
        }
        let expected: NSDictionary = [
            "text": "a \"quoted\" \\ text", "most": UInt64.max, "least": Int.min, "fraction": 0.1,
            "none": NSNull(),
            "yes": true, "no": false, "names": ["one", "two"], "empty": [String: Int](),
            "list": [1.5, 2, -3, "four", false, NSNull(), ["five": ["six"]], [Int]()] as [Any], "last": 1,
        ]
        #expect(try parsed(json.text) as? NSDictionary == expected)
        // A parser might have rounded these numbers to the same values.
        #expect(json.text.contains("18446744073709551615") && json.text.contains("-9223372036854775808"))
        #expect(json.text.contains("\"yes\":true"))
    }

    @Test("every character below U+0300, and some beyond, in a string and in a key")
    func characters() throws {
        let scalars =
            (0..<0x300).map { Unicode.Scalar($0)! } + ["\u{2028}", "\u{FFFF}", "\u{1F600}", "\u{10FFFF}"]
        for scalar in scalars {
            let text = "a\(scalar)b"
            var json = JSONWriter()
            json.object { $0.member(text, text) }
            let object = try parsed(json.text) as? [String: String]
            #expect(object == [text: text], "U+\(String(scalar.value, radix: 16))")
            #expect(object?.values.first.map { Array($0.utf8) } == Array(text.utf8))
        }
    }

    @Test("a text is one line, so that logs are")
    func oneLine() {
        var json = JSONWriter()
        json.object {
            $0.member("a\r\n", String(String.UnicodeScalarView((0..<0x20).map { Unicode.Scalar($0)! })))
        }
        #expect(json.text.utf8.allSatisfy { $0 >= 0x20 })
    }

    @Test("numbers that JSON does not have are null", arguments: [Double.infinity, -.infinity, .nan])
    func notANumber(_ value: Double) throws {
        var json = JSONWriter()
        json.array { $0.number(value) }
        #expect(json.text == "[null]")
    }

    @Test(
        "fractions read back bit for bit",
        arguments: [
            0.0, -0.0, 1e-300, Double.leastNonzeroMagnitude, Double.greatestFiniteMagnitude, 1e20,
            123_456_789.123_456_78, -1,
        ])
    func fractions(_ value: Double) throws {
        var json = JSONWriter()
        json.number(value)
        #expect(try parsed(json.text) is NSNumber)
        // strtod(3) is used, because the parser above is not exact in the last digit.
        #expect(strtod(json.text, nil).bitPattern == value.bitPattern)
    }
}
