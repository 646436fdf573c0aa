import RelayCore
import Testing

@testable import hubrelay

/// What `hubrelay top` shows.
@Suite struct TopScreenTests {
    private func sample(_ published: Int, time: UInt64, lost: Int = 0, id: String = "r") throws -> TopScreen.Sample {
        let text = #"{"clients":[{"id":1,"name":"a","unread_bytes":0,"lost":\#(lost)},{"id":2,"name":"b","lost":5}]}"#
        return TopScreen.Sample(
            health: [
                "status": "up", "version": "0.1.0", "relay_id": id, "connections": "2", "publishes.ok": "\(published)",
                "messages.lost.slow_reader": "\(lost)", "probe.round_trip_seconds": "0.00044", "buffered_bytes": "2048",
            ], rows: try RowPage(text, items: "clients").rows, time: time)
    }

    private func screen() throws -> TopScreen {
        var screen = TopScreen(order: .lost, address: "unix:/x", hasColors: false)
        screen.previous = try sample(100, time: 1_000_000_000)
        screen.latest = try sample(300, time: 3_000_000_000, lost: 4)
        return screen
    }

    @Test func stateAndRatesAreAtTheTop() throws {
        let lines = try screen().lines(rows: 24, columns: 100)
        #expect(lines[0].hasPrefix("hubrelay 0.1.0  UP since ") && lines[0].hasSuffix("round trip 0.4 ms"))
        #expect(lines[1].hasPrefix("clients 2 ") && lines[1].hasSuffix("unread 2KiB"))
        #expect(lines[2].hasPrefix("published 100/s") && lines[2].hasSuffix("lost 2/s"))
        #expect(lines.last?.contains("[l lost]") == true && lines.last?.hasSuffix("q quit") == true)
    }

    @Test func afterARestartThereAreNoRatesOfTwoRelays() throws {
        var screen = try screen()
        screen.previous?.health["relay_id"] = "another"
        #expect(screen.lines(rows: 24, columns: 100)[2].hasPrefix("published -  "))
    }

    @Test(arguments: [(1, 10), (2, 20), (4, 40), (6, 80), (24, 80), (3, 1)])
    func itFitsTheScreen(rows: Int, columns: Int) throws {
        var screen = try screen()
        screen.hasColors = true
        screen.failure = "cannot connect"
        screen.latest?.health["status"] = "down"
        let lines = screen.lines(rows: rows, columns: columns)
        #expect(lines.count <= rows)
        for line in lines {
            let plain = line.replacing(/\u{1b}\[[0-9]*m/, with: "")
            #expect(displayWidth(plain) <= columns, "\(plain)")
        }
    }

    @Test func coloursAreLeftOutWhereTheyAreNotWanted() throws {
        var screen = try screen()
        screen.latest?.health["status"] = "down"
        #expect(!screen.lines(rows: 24, columns: 80).joined().contains("\u{1b}[3"))
        screen.isLive = false
        #expect(!screen.lines(rows: nil, columns: nil).joined().contains("\u{1b}"))
        screen.hasColors = true
        screen.isLive = true
        let lines = screen.lines(rows: 24, columns: 100)
        #expect(lines[0].contains("\u{1b}[31mDOWN"))
        // Client 1 has lost messages since the previous sample. Client 2 lost its messages earlier.
        #expect(lines.filter { $0.hasPrefix("\u{1b}[31m 1  a") }.count == 1)
        #expect(lines.contains { $0.hasPrefix(" 2  b") })
    }

    @Test func whatTheRelaySaysCanDoNothingToTheTerminal() throws {
        var screen = try screen()
        screen.latest?.health["status"] = "down"
        screen.latest?.health["reason"] = "\u{1b}[2Jgone\n\u{9b}1m"
        let text = screen.lines(rows: 24, columns: 200).joined()
        #expect(!text.contains("\u{1b}[2J") && !text.contains("\n") && !text.contains("\u{9b}"))
    }

    @Test func withoutAnAnswerItSaysWhy() {
        var screen = TopScreen(order: .lost, address: "unix:/x", hasColors: false)
        #expect(screen.lines(rows: 24, columns: 80) == ["asking unix:/x"])
        screen.failure = "cannot connect"
        #expect(screen.lines(rows: 24, columns: 80) == ["cannot connect"])
    }
}
