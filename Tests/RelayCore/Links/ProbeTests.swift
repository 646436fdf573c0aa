import Testing

@testable import RelayCore

@Suite struct ProbeTests {
    private var random = SeededGenerator(seed: 1)

    private func probe(interval: Int? = 5000, deadline: Int = 5000) -> Probe {
        Probe(interval: interval?.ms, deadline: deadline.ms)
    }

    /// Redis has answered the PUBLISH, and the PING on the other link, by `now`.
    private func due(_ probe: inout Probe, number: UInt64 = 1, at now: Int) {
        probe.answered(number: number)
        #expect(probe.tick(now: now.ms) == .none, "the message may be in the socket")
        #expect(probe.tick(now: now.ms) == .pingSubscribeLink)
        #expect(probe.tick(now: now.ms) == .none)
        probe.backlogRead(now: now.ms)
    }

    private func isFailure(_ action: Probe.Action) -> Bool {
        if case .fail(let failure) = action { failure.cause == .probe } else { false }
    }

    @Test func theFirstIsDueAtOnceAndTheNextAfterTheInterval() {
        var probe = probe()
        var random = random
        #expect(probe.tick(now: 0) == .publish(number: 1))
        #expect(probe.tick(now: 10.ms) == .none)
        probe.answered(number: 1)
        #expect(probe.heard(number: 1, now: 30.ms, using: &random) == 30.ms)
        #expect(probe.lastRoundTrip == 30.ms)
        #expect(probe.tick(now: 4029.ms) == .none)
        #expect(probe.tick(now: 6030.ms) == .publish(number: 2))
    }

    @Test func theIntervalIsSpreadByAFifthEitherWay() {
        var random = random
        var dues: [UInt64] = []
        for _ in 0..<500 {
            var probe = probe()
            _ = probe.tick(now: 0)
            _ = probe.heard(number: 1, now: 0, using: &random)
            var now: UInt64 = 3900.ms
            while probe.tick(now: now) == .none { now += 10.ms }
            dues.append(now)
        }
        #expect(dues.min()! >= 4000.ms && dues.max()! <= 6010.ms)
        #expect(dues.min()! < 4100.ms && dues.max()! > 5900.ms)
    }

    @Test func anAnsweredProbeThatIsNotHeardFailsAfterASecondLook() {
        var probe = probe()
        _ = probe.tick(now: 0)
        due(&probe, at: 100)
        #expect(probe.tick(now: 5099.ms) == .none)
        #expect(probe.tick(now: 5100.ms) == .none)
        #expect(isFailure(probe.tick(now: 5101.ms)))
    }

    @Test func aBacklogOnTheSubscribeLinkIsLagAndNotSilence() {
        var probe = probe()
        var random = random
        _ = probe.tick(now: 0)
        probe.answered(number: 1)
        _ = probe.tick(now: 0)
        #expect(probe.tick(now: 200.ms) == .pingSubscribeLink)
        for now in stride(from: 400, to: 60_000, by: 200) {
            #expect(probe.tick(now: now.ms) == .none, "what Redis has for the link has not been read")
        }
        var late = probe
        #expect(late.heard(number: 1, now: 60_000.ms, using: &random) == 60_000.ms)
        probe.backlogRead(now: 60_000.ms)
        #expect(probe.tick(now: 64_999.ms) == .none)
        #expect(probe.tick(now: 65_000.ms) == .none)
        #expect(isFailure(probe.tick(now: 65_001.ms)))
    }

    /// The links notice a failure earlier, and know why; but no probe waits for ever.
    @Test func noProbeIsUnderWayForEver() {
        var unanswered = probe()
        _ = unanswered.tick(now: 0)
        #expect(unanswered.tick(now: 59_999.ms) == .none && unanswered.tick(now: 60_000.ms) == .none)
        #expect(isFailure(unanswered.tick(now: 60_001.ms)))

        var behind = probe()
        _ = behind.tick(now: 0)
        behind.answered(number: 1)
        _ = behind.tick(now: 0)
        #expect(behind.tick(now: 1) == .pingSubscribeLink)
        behind.forgive(20_000.ms, now: 20_000.ms)
        #expect(behind.tick(now: 399_999.ms) == .none && behind.tick(now: 400_000.ms) == .none)
        #expect(isFailure(behind.tick(now: 400_001.ms)))
        #expect(behind.underWaySince == 0)
    }

    @Test func thePingOfAnotherProbeSaysNothing() {
        var probe = probe()
        _ = probe.tick(now: 0)
        probe.backlogRead(now: 0)
        probe.answered(number: 1)
        probe.backlogRead(now: 0)
        _ = probe.tick(now: 0)
        #expect(probe.tick(now: 1) == .pingSubscribeLink)
        #expect(probe.tick(now: 60_000.ms) == .none && probe.tick(now: 60_001.ms) == .none)
    }

    @Test func whatIsHeardBeforeItIsAnsweredIsHeard() {
        var probe = probe()
        var random = random
        _ = probe.tick(now: 0)
        #expect(probe.heard(number: 1, now: 5.ms, using: &random) == 5.ms)
        probe.answered(number: 1)
        #expect(probe.tick(now: 3000.ms) == .none)
        #expect(probe.heard(number: 1, now: 7.ms, using: &random) == nil, "only once")
    }

    @Test func otherNumbersAreNotOurs() {
        var probe = probe()
        var random = random
        _ = probe.tick(now: 0)
        probe.answered(number: 7)
        #expect(probe.heard(number: 0, now: 1.ms, using: &random) == nil)
        #expect(probe.heard(number: 2, now: 1.ms, using: &random) == nil)
        #expect(probe.tick(now: 60_000.ms) == .none, "unanswered is the publish link's business")
        #expect(probe.heard(number: 1, now: 60_000.ms, using: &random) != nil)
    }

    @Test func demandMakesANewOneDueAndVoidsTheOld() {
        var probe = probe()
        var random = random
        _ = probe.tick(now: 0)
        due(&probe, at: 0)
        _ = probe.tick(now: 5000.ms)
        probe.demand()
        #expect(probe.tick(now: 5001.ms) == .publish(number: 2))
        #expect(probe.heard(number: 1, now: 5002.ms, using: &random) == nil)
        probe.answered(number: 1)
        #expect(probe.tick(now: 20_000.ms) == .none, "2 is not answered yet")
        due(&probe, number: 2, at: 20_000)
        #expect(probe.tick(now: 25_000.ms) == .none, "the second look belongs to each probe")
    }

    @Test func forgivenTimeDoesNotCount() {
        var probe = probe()
        _ = probe.tick(now: 0)
        due(&probe, at: 0)
        _ = probe.tick(now: 5000.ms)
        probe.forgive(4000.ms, now: 9000.ms)
        #expect(probe.tick(now: 8999.ms) == .none)
        #expect(probe.tick(now: 9000.ms) == .none)
        #expect(isFailure(probe.tick(now: 9001.ms)))
    }

    @Test func isOffWithoutAnInterval() {
        var probe = probe(interval: nil)
        var random = random
        #expect(!probe.isEnabled)
        #expect(probe.tick(now: 0) == .none)
        #expect(probe.heard(number: 0, now: 0, using: &random) == nil)
    }

    @Test func isOffAfterARefusalUntilAllowed() {
        var probe = probe()
        _ = probe.tick(now: 0)
        probe.refused("NOPERM")
        #expect(!probe.isEnabled && probe.unavailable == "NOPERM")
        #expect(probe.tick(now: 60_000.ms) == .none)
        probe.allow()
        probe.demand()
        #expect(probe.isEnabled)
        #expect(probe.tick(now: 60_000.ms) == .publish(number: 2))
    }
}
