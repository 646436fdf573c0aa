import Testing

@testable import RelayCore

/// From a wait to a connected socket: what is looked up, what is tried, for how long, and in which order.
@Suite final class LinkAttemptTests {
    private var link = Link()
    private static let notFound = LinkFailure(cause: .unreachable, reason: "resolving redis.test: no such name")

    /// Wakes the machine at the time that it asked for.
    private func wake() -> LinkMachine.Action {
        guard let due = link.machine.wakesAt else { return .none }
        #expect(due == 0 || link.machine.wake(now: due - 1) == .none, "not before it is due")
        return link.machine.wake(now: due)
    }

    private func failure(_ action: LinkMachine.Action) -> LinkFailure? {
        if case .fail(let failure) = action { failure } else { nil }
    }

    @Test func theFirstAttemptIsDueAtOnceAndLaterOnesAfterAWait() {
        #expect(wake() == .resolve)
        _ = link.fail(.unreachable, at: 60_000)
        guard case .waiting(let until) = link.machine.phase else { return }
        #expect(until >= 60_000.ms && until <= 60_050.ms)
        #expect(wake() == .resolve, "the name is looked up anew for each attempt")
    }

    @Test func everyAddressIsTriedInTurnWithATimeOfItsOwn() {
        #expect(wake() == .resolve)
        #expect(link.machine.resolved(count: 3, now: 100.ms) == .connect(.found(0)))
        #expect(link.machine.wakesAt == 2100.ms)
        #expect(link.machine.connectingFailed("refused", now: 200.ms) == .connect(.found(1)))
        #expect(link.machine.wakesAt == 2200.ms)
        #expect(wake() == .connect(.found(2)))
        #expect(link.machine.wakesAt == 4200.ms)
        let failure = failure(link.machine.connectingFailed("no route", now: 5000.ms))
        #expect(failure?.cause == .unreachable && failure?.reason == "connecting: no route")
    }

    /// A host name that resolves to all servers of a group, one of which is the master.
    @Test func aServerThatCannotBeUsedIsNotTheEndOfTheAttempt() {
        #expect(wake() == .resolve)
        #expect(link.machine.resolved(count: 2, now: 100.ms) == .connect(.found(0)))
        _ = link.machine.connected(now: 101.ms, secret: nil)
        _ = link.machine.greeted(.status("OK"), now: 102.ms)
        #expect(failure(link.machine.greeted(.role("slave"), now: 102.ms))?.cause == .demoted)
        #expect(link.fail(.demoted, at: 102) == 0, "the next address is tried at once")
        #expect(wake() == .connect(.found(1)))
        _ = link.machine.connected(now: 103.ms, secret: nil)
        for reply in [.status("OK"), .role("master"), .status("PONG")] as [LinkMachine.Reply] {
            _ = link.machine.greeted(reply, now: 104.ms)
        }
        #expect(link.machine.phase == .established)
        _ = link.fail(.closed, at: 200)
        #expect(wake() == .resolve)
    }

    @Test func aTLSHandshakeHasATimeOfItsOwnAndIsNotTheEndOfTheAttempt() {
        #expect(wake() == .resolve)
        #expect(link.machine.resolved(count: 2, now: 100.ms) == .connect(.found(0)))
        link.machine.securing(now: 200.ms)
        #expect(link.machine.phase == .securing(until: 2200.ms))
        link.machine.forgive(50.ms, now: 300.ms)
        #expect(wake() == .securingTimedOut && link.machine.wakesAt == 2250.ms)
        #expect(link.fail(.timeout, at: 2250) == 0, "the next address is tried at once")
        #expect(wake() == .connect(.found(1)))
        link.machine.securing(now: 2300.ms)
        #expect(link.machine.connected(now: 2310.ms, secret: nil) == [.setName, .role, .ping])
        #expect(link.machine.phase == .greeting)
    }

    @Test func failedAttemptsAreCountedUntilOneSucceeds() {
        for attempt in 1...3 {
            #expect(wake() == .resolve)
            _ = link.machine.resolved(count: 2, now: 0)
            _ = link.machine.connectingFailed("refused", now: 0)
            _ = link.machine.connectingFailed("refused", now: 0)
            _ = link.fail(.unreachable, at: 0)
            #expect(link.machine.failedAttempts == attempt)
        }
        link.connect(0)
        for step in link.machine.connected(now: 0, secret: nil) { _ = link.machine.greeted(step.goodAnswer, now: 0) }
        #expect(link.machine.failedAttempts == 0)
    }

    /// For example, the address of the former master.
    @Test func anAddressThatIsNoLongerMeantIsNoFallback() {
        link.connect(0)
        for step in link.machine.connected(now: 0, secret: nil) { _ = link.machine.greeted(step.goodAnswer, now: 0) }
        _ = link.fail(.demoted, at: 0)
        #expect(wake() == .resolve)
        link.machine.forgetLastGood()
        let action = link.machine.locatingFailed(Self.notFound, now: 5000.ms)
        #expect(failure(action) != nil)
    }

    /// One server refuses the password, the next one is away. The reason must name the password, which has to be
    /// corrected.
    @Test func ofSeveralServersTheFailureIsToldThatSomebodyHasToMend() {
        #expect(wake() == .resolve)
        _ = link.machine.resolved(count: 2, now: 0)
        _ = link.machine.connected(now: 0, secret: nil)
        _ = link.fail(.auth, at: 0)
        #expect(wake() == .connect(.found(1)))
        let action = link.machine.connectingFailed("refused", now: 0)
        #expect(failure(action)?.cause == .unreachable)
        _ = link.fail(.unreachable, at: 0)
        #expect(link.machine.lastFailure?.cause == .auth)

        // The next attempt does not keep that failure.
        link.machine.hasten(now: 0)
        #expect(link.machine.wake(now: 0) == .resolve)
        _ = link.machine.resolved(count: 1, now: 0)
        _ = link.machine.connectingFailed("refused", now: 0)
        _ = link.fail(.unreachable, at: 0)
        #expect(link.machine.lastFailure?.cause == .unreachable)
    }

    @Test func newsMakeAnAttemptBeginAnewAndNotGoOn() {
        #expect(wake() == .resolve)
        _ = link.machine.resolved(count: 3, now: 0)
        _ = link.machine.connected(now: 0, secret: nil)
        #expect(link.fail(.demoted, at: 0) == 0, "the second address would be next")
        link.machine.hasten(now: 0)
        #expect(link.machine.wake(now: 0) == .resolve)
    }

    @Test func newsEndAWaitAndNothingElse() {
        #expect(wake() == .resolve)
        link.machine.hasten(now: 1.ms)
        #expect(link.machine.phase == .resolving(until: 2000.ms))
        let failure = LinkFailure(cause: .topology, reason: "nobody knows")
        #expect(link.machine.locatingFailed(failure, now: 10.ms) == .fail(failure))
        _ = link.fail(.topology, at: 10)
        link.machine.hasten(now: 10.ms)
        #expect(link.machine.wake(now: 10.ms) == .resolve)
    }

    @Test func afterTheLastAddressTheWaitBegins() {
        #expect(wake() == .resolve)
        #expect(link.machine.resolved(count: 2, now: 0) == .connect(.found(0)))
        var waits: [UInt64] = []
        for _ in 0..<2 {
            _ = link.machine.connected(now: 0, secret: nil)
            waits.append(link.fail(.demoted, at: 0))
            _ = wake()
        }
        #expect(waits[0] == 0 && waits[1] > 0, "\(waits)")
        #expect(link.machine.phase == .resolving(until: waits[1] + 2000.ms))
    }

    @Test func resolvingTakesAtMostItsTime() {
        #expect(wake() == .resolve)
        #expect(link.machine.wakesAt == 2000.ms)
        #expect(wake() == .resolvingTimedOut)
        #expect(link.machine.resolved(count: 1, now: 2001.ms) == .connect(.found(0)), "the machine was not told to end")
    }

    @Test func theLastGoodAddressIsTriedWhenResolvingFails() {
        link = Link.established(at: 0)
        _ = link.fail(.closed, at: 1000)
        #expect(wake() == .resolve)
        #expect(link.machine.locatingFailed(Self.notFound, now: 3000.ms) == .connect(.lastGood))
        #expect(failure(link.machine.connectingFailed("refused", now: 3001.ms)) != nil)
        _ = link.fail(.unreachable, at: 3001)
        #expect(wake() == .resolve)
        #expect(wake() == .resolvingTimedOut)
        #expect(
            link.machine.locatingFailed(Self.notFound, now: 6000.ms) == .connect(.lastGood),
            "a resolver that hangs has failed too")
    }

    @Test func anAddressThatWasNeverGreetedIsNoFallback() {
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: nil)
        _ = link.fail(.auth, at: 0)
        #expect(wake() == .resolve)
        #expect(failure(link.machine.locatingFailed(Self.notFound, now: 10_000.ms)) != nil)
    }

    @Test func aNameWithoutAddressesIsAFailure() {
        #expect(wake() == .resolve)
        #expect(failure(link.machine.resolved(count: 0, now: 0))?.cause == .unreachable)
    }

    @Test func whatComesTooLateChangesNothing() {
        link = Link.established(at: 0)
        #expect(link.machine.resolved(count: 1, now: 1.ms) == .none)
        #expect(link.machine.locatingFailed(Self.notFound, now: 1.ms) == .none)
        #expect(link.machine.connectingFailed("late", now: 1.ms) == .none)
        #expect(link.machine.wakesAt == nil && link.machine.wake(now: 60_000.ms) == .none)
        #expect(link.machine.phase == .established)
    }

    @Test func timeInWhichOurOwnLoopStoodStillIsNotTheNetworks() {
        #expect(wake() == .resolve)
        link.machine.forgive(5000.ms, now: 5500.ms)
        #expect(link.machine.wakesAt == 7000.ms)
        _ = link.machine.resolved(count: 1, now: 5500.ms)
        link.machine.forgive(1000.ms, now: 6600.ms)
        #expect(link.machine.wakesAt == 8500.ms)
        // The phase begins after a stall, but before the relay has noticed the stall.
        link.machine.forgive(60_000.ms, now: 6700.ms)
        #expect(link.machine.wakesAt == 8700.ms)
    }
}
