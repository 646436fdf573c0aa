import Testing

@testable import RelayCore

/// Heartbeat, deadline and backoff of a link over time.
@Suite struct LinkDeadlineTests {
    @Test func aQuietLinkIsPinged() {
        var link = Link.established(at: 0)
        #expect(link.tick(999) == .none)
        #expect(link.tick(1000) == .ping)
        link.machine.heard(now: 1001.ms)
        #expect(link.tick(2000) == .none)
        #expect(link.tick(2001) == .ping)
    }

    @Test func aLinkThatOwesAnAnswerIsNotPinged() {
        var link = Link.established(at: 0)
        #expect(link.tick(1000, isOwed: true) == .none)
        #expect(link.tick(3000, isOwed: true) == .none)
    }

    @Test func silenceForTooLongFailsAfterASecondLook() {
        var link = Link.established(at: 0)
        #expect(link.tick(1000, isOwed: true) == .none)
        #expect(link.tick(5999, isOwed: true) == .none)
        #expect(link.tick(6000, isOwed: true) == .none, "the socket is looked at once more")
        guard case .fail(let failure) = link.tick(6001, isOwed: true) else {
            Issue.record("still up")
            return
        }
        #expect(failure.cause == .timeout && failure.reason.contains("5000 ms"))
    }

    @Test func theDeadlineBeginsWhenSomethingIsOwed() {
        var link = Link.established(at: 0)
        #expect(link.tick(900) == .none)
        #expect(link.tick(20_000, isOwed: true) == .none, "quiet for long, but nothing was asked")
        #expect(link.tick(24_999, isOwed: true) == .none)
        #expect(link.tick(25_000, isOwed: true) == .none)
        #expect(link.tick(25_001, isOwed: true) != .none)
    }

    /// The bytes had been in the socket while this process had no time to read them.
    @Test func whatTheSecondLookFindsClearsTheSuspicion() {
        var link = Link.established(at: 0)
        _ = link.tick(1000, isOwed: true)
        #expect(link.tick(6000, isOwed: true) == .none)
        link.machine.heard(now: 6001.ms)
        #expect(link.tick(6002, isOwed: true) == .ping, "what has come answers nothing yet")
        #expect(link.tick(11_000, isOwed: true) == .none)
        #expect(link.tick(11_001, isOwed: true) == .none)
        #expect(link.tick(11_002, isOwed: true) != .none)
    }

    @Test func forgivenTimeDoesNotCount() {
        var link = Link.established(at: 0)
        _ = link.tick(1000, isOwed: true)
        _ = link.tick(6000, isOwed: true)
        link.machine.forgive(3000.ms, now: 6500.ms)
        #expect(link.tick(6500, isOwed: true) == .none)
        #expect(link.tick(8999, isOwed: true) == .none)
        #expect(link.tick(9000, isOwed: true) == .none)
        #expect(link.tick(9001, isOwed: true) != .none)
    }

    @Test func aLoopThatStandsStillAgainAndAgainStillFindsOut() {
        var link = Link.established(at: 0)
        _ = link.tick(1000, isOwed: true)
        var now = 1000
        var action = LinkMachine.Action.none
        while action == .none, now < 60_000 {
            now += 1500  // of which it runs for 600
            link.machine.forgive(900.ms, now: now.ms)
            action = link.tick(now, isOwed: true)
            if action == .none { action = link.tick(now + 250, isOwed: true) }
        }
        #expect(now >= 1000 + 5000 && now < 16_000, "found out at \(now) ms")
    }

    @Test func forgivenTimeIsNotInTheFuture() {
        var link = Link.established(at: 0)
        link.machine.heard(now: 900.ms)
        link.machine.forgive(5000.ms, now: 1000.ms)
        #expect(link.tick(1999) == .none && link.tick(2000) == .ping)
    }

    @Test func anAnswerEndsWhatIsOwed() {
        var link = Link.established(at: 0)
        _ = link.tick(1000, isOwed: true)
        link.machine.heard(now: 2000.ms)
        #expect(link.tick(2500) == .none)
        #expect(link.tick(9000, isOwed: true) == .none, "another command, asked just now")
    }

    @Test func aGreetingHasTheSameDeadline() {
        var link = Link()
        link.connect(0)
        _ = link.machine.connected(now: 1000.ms, secret: nil)
        #expect(link.tick(5999) == .none)
        #expect(link.tick(6000) == .none)
        guard case .fail(let failure) = link.tick(6001) else {
            Issue.record("greets for ever")
            return
        }
        #expect(failure.cause == .timeout)
    }

    @Test func aSuspicionDoesNotOutliveItsConnection() {
        var link = Link.established(at: 0)
        _ = link.tick(1000, isOwed: true)
        _ = link.tick(6000, isOwed: true)
        _ = link.fail(.closed, at: 6000)
        link.connect(0)
        _ = link.machine.connected(now: 7000.ms, secret: nil)
        // The command was given up with its connection, and was not answered.
        link.debt.answered = link.debt.asked
        #expect(link.look(12_000) == .none, "the second look belongs to each connection")
        #expect(link.look(12_001) != .none)
    }

    // MARK: Backoff

    @Test func aRefusalWaitsLonger() {
        var link = Link()
        let waits = (0..<200).map { _ in link.fail(.auth, at: 0) }
        #expect(waits.max()! > 2000.ms && waits.max()! <= 5000.ms)
        #expect(link.machine.lastFailure?.cause == .auth)
    }

    /// The longest of many waits after a failure at `now`, each of a link in the same state.
    private func longestWait(_ link: Link, at now: Int) -> UInt64 {
        (1...100 as ClosedRange<UInt64>).map { seed in
            var copy = link
            copy.random = SeededGenerator(seed: seed)
            return copy.fail(.closed, at: now)
        }.max()!
    }

    @Test func theBackoffBeginsAnewOnlyAfterALinkHasStayedUp() {
        var link = Link()
        for _ in 0..<10 { _ = link.fail(.closed, at: 0) }
        func establish(_ now: Int) {
            link.connect(0)
            for step in link.machine.connected(now: now.ms, secret: nil) {
                _ = link.machine.greeted(step.goodAnswer, now: now.ms)
            }
        }
        establish(10_000)
        _ = link.tick(12_000)
        #expect(longestWait(link, at: 12_000) > 300.ms, "up for two seconds: flapping")
        _ = link.tick(15_001)
        #expect(longestWait(link, at: 15_001) <= 50.ms, "up for longer than the timeout")
    }
}
