import Testing

@testable import RelayCore

@Suite struct ProbeTests {
    private var random = SeededGenerator(seed: 1)

    private func probe(interval: Int? = 5000, deadline: Int = 5000) -> Probe {
        Probe(interval: interval?.ms, deadline: deadline.ms)
    }

    private func isFailure(_ action: Probe.Action) -> Bool {
        if case .fail(let failure) = action { failure.cause == .probe } else { false }
    }

    @Test func theFirstIsDueAtOnceAndTheNextAfterTheInterval() {
        var probe = probe()
        var random = random
        #expect(probe.tick(now: 0, isDrained: true) == .publish(number: 1))
        #expect(probe.tick(now: 10.ms, isDrained: true) == .none)
        probe.answered(number: 1, now: 20.ms)
        #expect(probe.heard(number: 1, now: 30.ms, using: &random) == 30.ms)
        #expect(probe.lastRoundTrip == 30.ms)
        #expect(probe.tick(now: 4029.ms, isDrained: true) == .none)
        #expect(probe.tick(now: 6030.ms, isDrained: true) == .publish(number: 2))
    }

    @Test func theIntervalIsSpreadByAFifthEitherWay() {
        var random = random
        var dues: [UInt64] = []
        for _ in 0..<500 {
            var probe = probe()
            _ = probe.tick(now: 0, isDrained: true)
            _ = probe.heard(number: 1, now: 0, using: &random)
            var now: UInt64 = 3900.ms
            while probe.tick(now: now, isDrained: true) == .none { now += 10.ms }
            dues.append(now)
        }
        #expect(dues.min()! >= 4000.ms && dues.max()! <= 6010.ms)
        #expect(dues.min()! < 4100.ms && dues.max()! > 5900.ms)
    }

    @Test func anAnsweredProbeThatIsNotHeardFailsAfterASecondLook() {
        var probe = probe()
        _ = probe.tick(now: 0, isDrained: true)
        probe.answered(number: 1, now: 100.ms)
        #expect(probe.tick(now: 5099.ms, isDrained: true) == .none)
        #expect(probe.tick(now: 5100.ms, isDrained: true) == .none)
        #expect(isFailure(probe.tick(now: 5101.ms, isDrained: true)))
    }

    @Test func aBacklogOnTheSubscribeLinkIsLagAndNotSilence() {
        var probe = probe()
        _ = probe.tick(now: 0, isDrained: true)
        probe.answered(number: 1, now: 100.ms)
        for now in stride(from: 200, to: 60_000, by: 200) {
            #expect(probe.tick(now: now.ms, isDrained: false) == .none)
        }
        #expect(probe.tick(now: 64_000.ms, isDrained: true) == .none)
        #expect(probe.tick(now: 64_800.ms, isDrained: true) == .none)
        #expect(isFailure(probe.tick(now: 64_801.ms, isDrained: true)))
    }

    @Test func whatIsHeardBeforeItIsAnsweredIsHeard() {
        var probe = probe()
        var random = random
        _ = probe.tick(now: 0, isDrained: true)
        #expect(probe.heard(number: 1, now: 5.ms, using: &random) == 5.ms)
        probe.answered(number: 1, now: 6.ms)
        #expect(probe.tick(now: 3000.ms, isDrained: true) == .none)
        #expect(probe.heard(number: 1, now: 7.ms, using: &random) == nil, "only once")
    }

    @Test func otherNumbersAreNotOurs() {
        var probe = probe()
        var random = random
        _ = probe.tick(now: 0, isDrained: true)
        probe.answered(number: 7, now: 1.ms)
        #expect(probe.heard(number: 0, now: 1.ms, using: &random) == nil)
        #expect(probe.heard(number: 2, now: 1.ms, using: &random) == nil)
        #expect(probe.tick(now: 60_000.ms, isDrained: true) == .none, "unanswered is the publish link's business")
        #expect(probe.heard(number: 1, now: 60_000.ms, using: &random) != nil)
    }

    @Test func demandMakesANewOneDueAndVoidsTheOld() {
        var probe = probe()
        var random = random
        _ = probe.tick(now: 0, isDrained: true)
        probe.answered(number: 1, now: 0)
        _ = probe.tick(now: 5000.ms, isDrained: true)
        probe.demand()
        #expect(probe.tick(now: 5001.ms, isDrained: true) == .publish(number: 2))
        #expect(probe.heard(number: 1, now: 5002.ms, using: &random) == nil)
        probe.answered(number: 1, now: 5003.ms)
        #expect(probe.tick(now: 20_000.ms, isDrained: true) == .none, "2 is not answered yet")
        probe.answered(number: 2, now: 20_000.ms)
        #expect(probe.tick(now: 25_000.ms, isDrained: true) == .none, "the second look belongs to each probe")
    }

    @Test func forgivenTimeDoesNotCount() {
        var probe = probe()
        _ = probe.tick(now: 0, isDrained: true)
        probe.answered(number: 1, now: 0)
        _ = probe.tick(now: 5000.ms, isDrained: true)
        probe.forgive(now: 9000.ms)
        #expect(probe.tick(now: 13_999.ms, isDrained: true) == .none)
        #expect(probe.tick(now: 14_000.ms, isDrained: true) == .none)
        #expect(isFailure(probe.tick(now: 14_001.ms, isDrained: true)))
    }

    @Test func isOffWithoutAnInterval() {
        var probe = probe(interval: nil)
        var random = random
        #expect(!probe.isEnabled)
        #expect(probe.tick(now: 0, isDrained: true) == .none)
        #expect(probe.heard(number: 0, now: 0, using: &random) == nil)
    }

    @Test func isOffAfterARefusalUntilAllowed() {
        var probe = probe()
        _ = probe.tick(now: 0, isDrained: true)
        probe.refused("NOPERM")
        #expect(!probe.isEnabled && probe.unavailable == "NOPERM")
        #expect(probe.tick(now: 60_000.ms, isDrained: true) == .none)
        probe.allow()
        probe.demand()
        #expect(probe.isEnabled)
        #expect(probe.tick(now: 60_000.ms, isDrained: true) == .publish(number: 2))
    }
}
