import Configuration
import RelayCore
import Testing

@testable import Relay

@Suite("How late the loop is, and for how long it has stood still")
struct LoopLagTests {
    private static let millisecond: UInt64 = 1_000_000
    private var started: LoopLag {
        var lag = LoopLag(interval: 100 * Self.millisecond)
        lag.start(now: 1000 * Self.millisecond)
        return lag
    }

    @Test func ticksInTimeAreNotLate() {
        var lag = started
        for time: UInt64 in stride(from: 1100, through: 2000, by: 100) {
            lag.ticked(now: time * Self.millisecond)
            #expect(lag.longest == 0)
            #expect(lag.takeStall(now: time * Self.millisecond) == 0)
        }
    }

    @Test func aLateTickIsLateByWhatPassedBeyondTheInterval() {
        var lag = started
        lag.ticked(now: 1130 * Self.millisecond)
        #expect(lag.longest == 30 * Self.millisecond)
        lag.ticked(now: 1250 * Self.millisecond)
        #expect(lag.longest == 30 * Self.millisecond, "another one was later")
        #expect(lag.ofTicks.counts.reduce(0, +) == 2 && lag.ofTicks.sum == 50 * Self.millisecond)
    }

    @Test func aStallCountsOnceHoweverOftenItIsAskedFor() {
        var lag = started
        // Here the timer of a link asks, before the tick comes.
        #expect(lag.takeStall(now: 4000 * Self.millisecond) == 2900 * Self.millisecond)
        #expect(lag.takeStall(now: 4000 * Self.millisecond) == 0)
        lag.ticked(now: 4000 * Self.millisecond)
        #expect(lag.takeStall(now: 4000 * Self.millisecond) == 0)
        #expect(lag.longest == 2900 * Self.millisecond, "the tick was late all the same")
    }

    /// A scrape every minute sees the longest lag, and so does anybody else who asks.
    @Test func theLongestIsToldForOneMinuteAtLeastAndTwoAtMost() {
        var lag = started
        func tick(untilSecond end: UInt64, from start: UInt64) {
            for second in start...end {
                for tenth: UInt64 in 0..<10 { lag.ticked(now: (second * 1000 + tenth * 100) * Self.millisecond) }
            }
        }
        tick(untilSecond: 30, from: 1)
        // The last tick was at 30.9 s, so the one at 32.9 s is late.
        lag.ticked(now: 32_900 * Self.millisecond)
        #expect(lag.longest == 1900 * Self.millisecond)
        tick(untilSecond: 92, from: 33)
        #expect(lag.longest == 1900 * Self.millisecond)
        tick(untilSecond: 122, from: 93)
        #expect(lag.longest == 0)
    }

    @Test func aStallOfMinutesLeavesNothingOfBefore() {
        var lag = started
        lag.ticked(now: 31_100 * Self.millisecond)
        #expect(lag.longest == 30_000 * Self.millisecond)
        lag.ticked(now: 231_200 * Self.millisecond)
        #expect(lag.longest == 200_000 * Self.millisecond)
    }

    @Test func questionsBetweenTicksMakeNoStallOfTime() {
        var lag = started
        for time: UInt64 in stride(from: 1090, through: 3000, by: 90) {
            #expect(lag.takeStall(now: time * Self.millisecond) == 0)
        }
    }

    private func timings(_ change: (inout Timings) -> Void) throws -> Timings {
        let flags = ["--prefix": ["p:"]]
        var timings = try RelayConfiguration.parse(flags: flags).timings
        change(&timings)
        return timings
    }

    @Test func theTickIsShortEnoughForEveryDeadlineAndNeverBusy() throws {
        #expect(try timings { _ in }.tickInterval == 250 * Self.millisecond)
        #expect(try timings { $0.heartbeatInterval = 400 * Self.millisecond }.tickInterval == 100 * Self.millisecond)
        #expect(try timings { $0.linkTimeout = 400 * Self.millisecond }.tickInterval == 50 * Self.millisecond)
        #expect(try timings { $0.helloTimeout = 400 * Self.millisecond }.tickInterval == 50 * Self.millisecond)
        #expect(try timings { $0.connectTimeout = 400 * Self.millisecond }.tickInterval == 50 * Self.millisecond)
        #expect(try timings { $0.frameTimeout = 400 * Self.millisecond }.tickInterval == 50 * Self.millisecond)
        #expect(try timings { $0.frameTimeout = Self.millisecond }.tickInterval == 5 * Self.millisecond)
    }
}
