import RelayCore
import Testing

@Suite("Lines that come too often are counted, and told in a summary every ten seconds")
struct LineLimiterTests {
    private static let second: UInt64 = 1_000_000_000

    /// Uses the limiter as the log does: in a turn of the loop that began at `turn`, with the write done at `written`.
    private struct Writer {
        var limiter = LineLimiter()
        var lines: [UInt64] = []
        var summaries: [(at: UInt64, count: UInt64)] = []

        mutating func log(turn: UInt64, written: UInt64, isUrgent: Bool = false) {
            flush(turn: turn, written: written)
            guard limiter.admits(now: turn, isUrgent: isUrgent) else { return }
            lines.append(written)
            limiter.wrote(now: written)
        }

        mutating func flush(turn: UInt64, written: UInt64, isLast: Bool = false) {
            guard let count = limiter.takeSummary(now: turn, isLast: isLast) else { return }
            summaries.append((written, count))
            limiter.wrote(now: written)
        }
    }

    @Test func sixLinesAreWrittenAndTheRestIsCounted() {
        var writer = Writer()
        for event in 0..<100 { writer.log(turn: UInt64(event) * 1_000_000, written: UInt64(event) * 1_000_000) }
        #expect(writer.lines.count == 6)
        #expect(writer.limiter.leftOut == 94)
        writer.flush(turn: 10 * Self.second - 1, written: 10 * Self.second)
        #expect(writer.summaries.isEmpty)
        writer.flush(turn: 10 * Self.second, written: 10 * Self.second)
        #expect(writer.summaries.map(\.count) == [94])
        writer.flush(turn: 30 * Self.second, written: 30 * Self.second)
        #expect(writer.summaries.count == 1)
    }

    @Test func theSummaryIsALineOfTheNextWindow() {
        var writer = Writer()
        for _ in 0..<7 { writer.log(turn: 0, written: 0) }
        for _ in 0..<20 { writer.log(turn: 10 * Self.second, written: 10 * Self.second) }
        #expect(writer.summaries.map(\.count) == [1])
        #expect(writer.lines.count == 6 + 5)
        #expect(writer.limiter.leftOut == 15)
    }

    @Test func linesThatComeSeldomAreAllWritten() {
        var writer = Writer()
        for time in stride(from: 0, to: 120 * Self.second, by: 2_000_000_000) { writer.log(turn: time, written: time) }
        #expect(writer.lines.count == 60)
        #expect(writer.summaries.isEmpty)
    }

    /// The machine was busy: the turn began at once, but the line was written later.
    @Test func aWindowBeginsWhenItsFirstLineWasWritten() {
        var writer = Writer()
        for _ in 0..<7 { writer.log(turn: 0, written: Self.second / 2) }
        writer.flush(turn: 10 * Self.second, written: 10 * Self.second)
        #expect(writer.summaries.isEmpty)
        writer.flush(turn: 10 * Self.second + Self.second / 2, written: 11 * Self.second)
        for _ in 0..<20 { writer.log(turn: 12 * Self.second, written: 12 * Self.second) }
        writer.flush(turn: 21 * Self.second - 1, written: 21 * Self.second)
        #expect(writer.summaries.count == 1)
        writer.flush(turn: 21 * Self.second, written: 21 * Self.second)
        #expect(writer.summaries.map(\.at) == [11 * Self.second, 21 * Self.second])
    }

    @Test func anUrgentLineIsWrittenInAnyCase() {
        var writer = Writer()
        for _ in 0..<8 { writer.log(turn: 0, written: 0) }
        writer.log(turn: 0, written: 0, isUrgent: true)
        #expect(writer.lines.count == 7)
        #expect(writer.limiter.leftOut == 2)
    }

    @Test func theLastSummaryWaitsForNothing() {
        var writer = Writer()
        for _ in 0..<8 { writer.log(turn: 0, written: 0) }
        writer.flush(turn: 1, written: 1, isLast: true)
        #expect(writer.summaries.map(\.count) == [2])
        // Nothing is reported twice.
        writer.flush(turn: 2, written: 2, isLast: true)
        #expect(writer.summaries.count == 1)
    }

    /// In any order of events, the lines that were written and those that were counted are all the lines that came.
    @Test(arguments: [UInt64(1), 2, 3])
    func nothingGoesUncounted(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var writer = Writer()
        var now: UInt64 = 0
        for _ in 0..<5000 {
            now += UInt64.random(in: 0...40_000_000, using: &random)
            writer.log(turn: now, written: now + UInt64.random(in: 0...20_000_000, using: &random))
        }
        writer.flush(turn: now, written: now, isLast: true)
        #expect(UInt64(writer.lines.count) + writer.summaries.reduce(0) { $0 + $1.count } == 5000)
        let times = writer.summaries.dropLast().map(\.at)
        for (earlier, later) in zip(times, times.dropFirst()) { #expect(later - earlier >= LineLimiter.window) }
    }
}
