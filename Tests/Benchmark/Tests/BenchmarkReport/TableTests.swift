import Testing

@testable import BenchmarkReport

@Suite("The report as text")
struct TableTests {
    /// Three rounds through the relay and two direct, and a workload without a direct run.
    func handMade() -> Report {
        let lost = MessageCounts(published: 1_000_000, delivered: 4_000_000, lost: 7)
        let held = MemoryUse(start: 16 << 20, end: 23 << 20, held: .connections(10_000))
        let runs = [(1, 2.0, 1.0), (2, 4.0, 1.25), (3, 3.0, 1.5)].map { round, relay, redis in
            run("fan-out", .fanOut, .relay, round: round, relay: relay, redis: redis, counts: lost)
        }
        return report(
            runs + [
                run("fan-out", .fanOut, .direct, round: 1, redis: 2, counts: lost),
                run("fan-out", .fanOut, .direct, round: 3, redis: 9, counts: lost),
                run("latency", .latency, .relay, relay: 9, redis: 8, latencies: latencies(95.25)),
                run("latency", .latency, .direct, redis: 7, latencies: latencies(50)),
                run("idle", .idleConnections, .relay, relay: 12, redis: nil, counts: MessageCounts(), memory: held),
            ])
    }

    @Test("a table made by hand, to the letter")
    func exact() {
        let lines = handMade().table.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            lines.prefix(12).joined(separator: "\n") == """
                hubrelay benchmark
                date        2026-01-02T03:04:05Z
                machine     Example CPU, 2 cores, 8.0 GiB, Linux 6.1.0
                versions    hubrelay 1.2.3, redis-server 7.0.15
                processors  all pinned to one, but for fixed rates
                rounds      3, of which medians are shown

                Processor time per message, in microseconds, and messages per second
                workload  relay  Redis  both  direct       both/direct    relay/s   direct/s  of           lost  missing  twice
                --------  -----  -----  ----  ------  ----------------  ---------  ---------  -----------  ----  -------  -----
                fan-out    3.00   1.25  4.50    5.50  1.00 (0.50–1.50)  2,000,000  2,000,000  deliveries     21        0      0
                latency    9.00   8.00  17.0    7.00              2.43    500,000    500,000  publishes       0        0      0
                """)
        #expect(
            lines.contains(
                "idle       12.0      –     –       –                 –    500,000          –  connections     0        0      0"
            ))
        #expect(
            lines.contains(
                "latency        95.3        286          381        953        50.0         150           200         500           –  due"
            ))
        #expect(lines.contains("idle        16.0   23.0         734  10,000 connections"))
        #expect(lines.contains { $0.contains("missing: and nobody said so") }, "the columns are explained")
        #expect(!handMade().table.contains("Wrong:"), "what the relay reported as lost is no error")
    }

    @Test("a report of nothing says so")
    func empty() {
        let text = report([]).table
        #expect(report([run(.relay, relay: 1, redis: 1)]).table.contains("\nrounds      1\n"))
        #expect(text.hasPrefix("hubrelay benchmark\n") && text.hasSuffix("\n\nNothing was measured.\n"))
    }

    @Test("a machine of which nothing is known, and processors that are not pinned")
    func unknownMachine() {
        let text = Report(machine: Machine(), versions: Versions(), date: "", pinned: false, measurements: []).table
        #expect(text.contains("\nmachine     unknown\nversions    hubrelay unknown, redis-server unknown\n"))
        #expect(text.contains("\nprocessors  not pinned\n"))
    }

    @Test("that the relay is by TLS is said wherever its figures are, and else nothing of it")
    func relayByTLS() {
        var report = report([run(.relay, relay: 1, redis: 1)])
        #expect(!report.table.contains("TLS") && !report.markdown.contains("TLS") && !report.html.contains("TLS"))
        report.isRelayByTLS = true
        #expect(report.table.contains("\nTLS         between the relay and Redis; direct connections are without\n"))
        #expect(report.markdown.contains("1 round; the relay by TLS, direct connections without. CPU"))
        #expect(report.html.contains("between the relay and Redis"))
        #expect(report.json.contains(#""relay_tls":true"#))
    }

    @Test("messages that are missing, twice or refused are told of both targets")
    func warnings() {
        let relay = MessageCounts(published: 1, lost: 9, missing: 1200)
        let direct = MessageCounts(published: 1, duplicates: 1, refused: 2)
        let text = report([
            run(.relay, round: 1, relay: 1, redis: 1, counts: relay), run(.direct, round: 1, redis: 1, counts: direct),
            run(.direct, round: 2, redis: 1, counts: direct),
        ]).table
        #expect(
            text.hasSuffix(
                "\nWrong:\n  publish, through hubrelay: 1,200 missing\n  publish, direct: 2 twice, 4 refused\n"))
    }

    @Test("a name cannot write to the terminal")
    func controlCharacters() {
        let text = report([run("\u{1B}[2J\r\nx\u{9B}", .publish, .relay, relay: 1, redis: 1)]).table
        #expect(text.contains("?[2J??x?  "))
    }

    @Test("how late the sender was is told, from when latencies count, and one connection is one")
    func details() {
        let memory = MemoryUse(start: 0, end: 10 << 20, held: .connections(1))
        var relay = run("timed", .latency, .relay, relay: 1, redis: 1, memory: memory, latencies: latencies(10))
        relay.generatorLateness = latencies(4)
        var direct = run("timed", .latency, .direct, redis: 1, latencies: latencies(10, corrected: false))
        direct.generatorLateness = latencies(6)
        let text = report([relay, direct]).table
        #expect(text.contains("       15.0  due, sent\n"))
        #expect(text.contains("  1 connection\n"))
    }

    @Test("Markdown: one table with the machine beneath")
    func markdown() {
        let lines = handMade().markdown.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 8)
        #expect(
            lines[2]
                == "| fan-out | 3.00 + 1.25 | 5.50 | 1.00 (0.50–1.50) | 2,000,000 deliveries | 2,000,000 | – | – | 21 / 0 / 0 | – |"
        )
        #expect(lines[3].contains("| 95.3 / 286 / 381 | 50.0 / 150 / 200 |"))
        #expect(lines[4].hasSuffix("| 23.0 MiB; 734 bytes per connection |"))
        #expect(lines[6].hasPrefix("Measured on 2026-01-02T03:04:05Z on Example CPU, 2 cores"))
        #expect(Set(lines.prefix(5).map { $0.split(separator: "|").count }) == [10])
    }

    @Test("Markdown: a name does not end its cell or its row, and is not taken for a link or HTML")
    func markdownEscapes() {
        let text = report([run("a|b\n[c](d)<i>*e*", .publish, .relay, relay: 1, redis: 1)]).markdown
        #expect(text.contains("\n| a\\|b \\[c\\](d)\\<i\\>\\*e\\* | 1.00 + 1.00 | – |"))
    }

    @Test("Markdown: an empty report is a table without rows")
    func emptyMarkdown() {
        #expect(report([]).markdown.split(separator: "\n").count == 3)
    }
}
