import TextFormats
import Testing

@testable import hubrelay

/// Tables on a terminal.
@Suite struct TableTests {
    private func client(_ name: String, _ more: String = "") throws -> Row {
        var json = JSONWriter()
        json.string(name)
        let text = #"""
            {"clients":[{"id":7,"name":\#(json.text),"uid":1000,"stage":"serving","age_seconds":4000.2,"channels":3,
            "published_per_second":0.4,"delivered_per_second":1234.5,"unread_bytes":2048,"lost":0,"held_back":false\#(more)}]}
            """#
        return try #require(try RowPage(text, items: "clients").rows.first)
    }

    @Test func aTableHasATitleAndALineForEachRow() throws {
        #expect(
            Table.clients.lines([try client("chat")]) == [
                "ID  NAME   UID  PID    AGE  CHANNELS  PUB/S  DELIV/S  UNREAD  LOST",
                " 7  chat  1000    -  1h06m         3    0.4     1.2k    2KiB     0",
            ])
        #expect(Table.channels.lines([]) == ["NAME  KIND  SUBSCRIBERS  PENDING"])
    }

    /// An app or its users choose a name, so it may contain anything.
    @Test func noNameCanDoAnythingToTheTerminal() throws {
        let names = [
            "\u{1b}]0;title\u{7}", "\u{1b}[2J", "a\nb", "a\rb", "\u{9b}31m", "\u{202e}live", "\u{7f}\u{8}", "\u{2028}",
            "\u{200b}\u{feff}",
        ]
        for name in names {
            let lines = Table.clients.lines([try client(name)])
            #expect(lines.count == 2)
            for scalar in lines[1].unicodeScalars {
                #expect(
                    ![.control, .format, .lineSeparator].contains(scalar.properties.generalCategory), "\(lines[1])")
            }
        }
        #expect(Table.clients.lines([try client("\u{1b}[2J")])[1].contains("\\u{1b}[2J"))
    }

    @Test(arguments: [20, 60, 72, 80, 200])
    func noLineIsLongerThanTheTerminal(width: Int) throws {
        let rows = [try client(String(repeating: "long", count: 16)), try client("短い名前"), try client("e\u{301}")]
        let lines = Table.clients.lines(rows, width: width)
        #expect(lines.allSatisfy { displayWidth($0) <= width })
        if width >= 80 { #expect(lines[1].hasSuffix(" 0") && lines[1].contains(width == 200 ? "longlong" : "~")) }
    }

    @Test func whatIsUnusualIsNoted() throws {
        #expect(Table.clients.lines([try client("a", #","stage":"x""#)])[1].hasSuffix("     0"))
        let text = #"{"clients":[{"id":1,"stage":"greeting"},{"id":2,"stage":"serving","held_back":true}]}"#
        let lines = Table.clients.lines(try RowPage(text, items: "clients").rows)
        #expect(lines[1].hasSuffix("greeting") && lines[2].hasSuffix("held back"))
    }

    @Test func numbersAreShort() {
        #expect(
            [0, 0.44, 7, 9.96, 17.2, 999, 1000, 1234, 12_345, 3_400_000].map(shortNumber) == [
                "0", "0.4", "7", "10", "17", "999", "1k", "1.2k", "12k", "3.4M",
            ])
        #expect([0, 17, 1024, 1300, 4_194_304].map(shortSize) == ["0B", "17B", "1KiB", "1.3KiB", "4MiB"])
        #expect([0, 7.9, 60, 3900, 200_000].map(shortDuration) == ["0s", "7s", "1m", "1h05m", "2d07h"])
        #expect(shortNumber(-1) == "-" && shortNumber(.infinity) == "-" && shortNumber(.nan) == "-")
        #expect(shortNumber(1e300) == "-" && shortDuration(.nan) == "-")
    }

    @Test func textIsClippedByTheCellsThatItTakes() {
        #expect(clipped("abc", to: 3) == "abc" && clipped("abcd", to: 3) == "ab~" && clipped("abc", to: 0) == "")
        #expect(clipped("短い", to: 3) == "短~" && displayWidth("短い") == 4)
        #expect(displayWidth("e\u{301}") == 1)
    }
}
