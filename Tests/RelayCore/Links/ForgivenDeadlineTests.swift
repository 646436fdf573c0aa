import Testing

@testable import RelayCore

@Suite("A deadline for somebody else")
struct ForgivenDeadlineTests {
    private let deadline = Deadline(after: 1000.ms, from: 5000.ms)

    @Test("is over when its time has come")
    func over() {
        #expect(!deadline.isOver(now: 5999.ms) && deadline.isOver(now: 6000.ms))
    }

    @Test("is put off by the time in which the relay did not run, and by no more")
    func stall() {
        var deadline = deadline
        deadline.forgive(2500.ms, now: 7600.ms)
        #expect(!deadline.isOver(now: 8499.ms) && deadline.isOver(now: 8500.ms))
    }

    @Test("is never further away than when it is set")
    func setAfterwards() {
        var deadline = deadline
        deadline.forgive(60_000.ms, now: 5001.ms)
        #expect(deadline.at == 6001.ms)
    }

    @Test("comes all the same for a relay that stands still again and again")
    func againAndAgain() {
        var deadline = deadline
        var now = 5000
        while !deadline.isOver(now: now.ms), now < 60_000 {
            now += 500  // of which it runs for 100
            deadline.forgive(400.ms, now: now.ms)
        }
        #expect(now == 10_000, "over at \(now) ms")
    }
}
