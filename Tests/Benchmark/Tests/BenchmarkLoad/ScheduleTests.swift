internal import Testing

@testable internal import BenchmarkLoad

@Suite("A fixed rate")
struct ScheduleTests {
    @Test("messages are due at even distances, and the last of a second exactly one step before the next")
    func even() {
        let schedule = Schedule(start: 5_000, rate: 1_000)
        #expect(schedule.due(0) == 5_000)
        #expect(schedule.due(1) == 1_005_000)
        #expect(schedule.due(999) == 999_005_000)
        #expect(schedule.due(1_000) == 1_000_005_000)
    }

    @Test("a rate that does not divide a second does not drift", arguments: [3, 7, 50_001])
    func noDrift(rate: Int) {
        let schedule = Schedule(start: 0, rate: rate)
        for second: UInt64 in [1, 60, 86_400] { #expect(schedule.due(second * UInt64(rate)) == second * 1_000_000_000) }
        for number: UInt64 in 0..<100 { #expect(schedule.due(number) < schedule.due(number + 1)) }
    }

    /// The server stands still for 10 ms, and the sender with it. Counted from sending, one message of ten would take
    /// 10 ms, and the other nine would take nothing.
    @Test("a stall counts for every message that fell due in it, also those sent only afterwards")
    func stall() {
        let schedule = Schedule(start: 0, rate: 1_000)
        let end: UInt64 = 10_000_000
        let latencies = (0..<10).map { schedule.age(of: $0, at: end) / 1_000_000 }
        #expect(latencies == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    }

    @Test("a message that is not due yet has no age")
    func early() {
        #expect(Schedule(start: 1_000, rate: 1).age(of: 1, at: 5_000) == 0)
    }
}
