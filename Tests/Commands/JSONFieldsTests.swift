import Testing

@testable import hubrelay

private func fields(_ text: String) throws -> [String] {
    try JSONFields.parse(text).map { "\($0.path)|\($0.value)" }
}

@Suite struct JSONFieldsTests {
    @Test func everyScalarHasItsPath() throws {
        let text = #" { "a" : 1 , "b":{"c":[true, null,{"d":-1.5e+3}],"e":{}},"f":[], "g":"" } "#
        #expect(try fields(text) == ["a|1", "b.c.0|true", "b.c.1|null", "b.c.2.d|-1.5e+3", "g|"])
        #expect(try fields("[1,[2]]") == ["0|1", "1.0|2"])
        #expect(try fields("\"x\"") == ["|x"])
    }

    @Test func stringsLoseTheirEscapes() throws {
        let text = #"["\"\\\/\b\f\n\r\t","\u00e9\u20AC","\ud83d\ude00x","é😀","\ud83dx"]"#
        #expect(
            try fields(text) == [
                "0|\"\\/\u{8}\u{c}\n\r\t", "1|é€", "2|😀x", "3|é😀", "4|\u{fffd}x",
            ])
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u123", "\"\\u12g4\"", "\"a\nb\"",
        "1 2",
        "tru", "nan", "{}x", "ok", "<html>", "\"\\u+123\"",
    ])
    func anythingElseIsMalformed(text: String) {
        #expect(throws: JSONFields.Malformed.self) { try JSONFields.parse(text) }
    }

    @Test func whatIsNestedTooDeeplyIsMalformedAndNoCrash() throws {
        let nested = { (depth: Int) in
            String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
        }
        #expect(try fields(nested(31)).count == 1)
        #expect(throws: JSONFields.Malformed.self) { try JSONFields.parse(nested(32)) }
        #expect(throws: JSONFields.Malformed.self) {
            try JSONFields.parse(String(repeating: "[", count: 1_000_000))
        }
    }
}
