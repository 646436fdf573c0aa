import Testing

@testable import RelayCore

/// Whom to believe when the sentinels name different masters.
@Suite final class SentinelViewTests {
    private var view = SentinelView(sentinels: 3)
    private let (old, new) = (
        SentinelView.Master(host: "a.example", port: 6379), SentinelView.Master(host: "b.example", port: 6380)
    )

    private func hear(_ sentinel: Int, _ master: SentinelView.Master, _ epoch: UInt64) -> Bool {
        view.answered(sentinel, master: master, epoch: epoch)
    }

    @Test func theFirstWordIsBelievedUntilThereIsABetterOne() {
        #expect(view.master == nil && view.epoch == nil)
        #expect(hear(2, old, 4))
        #expect(view.master == old && view.epoch == 4)
        #expect(!hear(1, old, 4), "the same again is no news")
        #expect(hear(1, new, 5))
        #expect(view.master == new && view.epoch == 5)
        #expect(view.master(by: 2) == old && view.master(by: 1) == new && view.master(by: 0) == nil)
    }

    /// It was cut off from the others, and comes back with what it knew.
    @Test func anOlderEpochChangesNothing() {
        #expect(hear(0, new, 5))
        #expect(!hear(1, old, 4))
        #expect(!hear(2, new, 5))
        #expect(view.master == new)
    }

    @Test func theMasterStaysKnownWhenNobodyTellsItAnyMore() {
        #expect(hear(0, new, 5))
        view.withdrew(0)
        #expect(view.master == new && view.master(by: 0) == nil)
        #expect(!hear(1, old, 4), "one of three with an older epoch is no reason to go back")
        #expect(view.master == new)
    }

    /// Sentinels that were set up anew count their epochs from 0 again.
    @Test func anOlderEpochOfMostOfThemIsBelieved() {
        #expect(hear(0, new, 5))
        #expect(!hear(1, old, 0))
        #expect(!hear(2, old, 0), "the one with the higher epoch is still there")
        view.withdrew(0)
        #expect(hear(2, old, 0))
        #expect(view.master == old && view.epoch == 0)
    }

    /// Where the epoch is not told, it is 0 everywhere.
    @Test func amongEqualEpochsMostOfThemAreBelieved() {
        #expect(hear(0, old, 0))
        #expect(!hear(1, new, 0), "one against one")
        #expect(hear(2, new, 0))
        #expect(view.master == new)
        #expect(!hear(0, old, 0))
    }

    /// What changed while nobody could be asked.
    @Test func amongEqualEpochsAChangeInOnesAbsenceIsBelieved() {
        #expect(hear(0, old, 0))
        view.withdrew(0)
        #expect(!hear(1, new, 0), "it has never said anything else, and is one of three")
        view.withdrew(1)
        #expect(hear(0, new, 0), "it said something else when it went")
        #expect(view.master == new)
    }

    @Test func amongEqualEpochsAChangeThatWasHeardIsBelievedUnlessMoreSayOtherwise() {
        #expect(hear(0, old, 0))
        #expect(!hear(1, old, 0))
        #expect(!hear(1, new, 0), "one against one")
        view.withdrew(0)
        #expect(hear(1, new, 0), "nobody says otherwise any more")
        #expect(!hear(0, old, 0))
        #expect(view.master == new)
    }

    /// One that saw a change long ago, and is stale by now, is alone for a moment.
    @Test func amongEqualEpochsAnOldChangeCountsNoMore() {
        #expect(hear(0, new, 0))
        #expect(!hear(0, old, 0) || view.master == old)
        for sentinel in 0..<3 { _ = hear(sentinel, new, 0) }
        #expect(view.master == new)
        view.withdrew(1)
        view.withdrew(2)
        view.withdrew(0)
        #expect(hear(0, old, 0), "now it says something else than it did")
        for sentinel in 1..<3 { _ = hear(sentinel, new, 0) }
        #expect(view.master == new)
        for sentinel in 1..<3 { view.withdrew(sentinel) }
        #expect(!hear(0, old, 0), "it has said so all the time")
    }

    /// They know the same server by different names; each reconnection must not be a failover.
    @Test func sentinelsThatComeAndGoDoNotMakeTheMasterMove() {
        view = SentinelView(sentinels: 2)
        #expect(hear(0, old, 3))
        #expect(!hear(1, new, 3))
        for _ in 0..<3 {
            view.withdrew(0)
            #expect(!hear(1, new, 3))
            #expect(!hear(0, old, 3))
        }
        #expect(view.master == old)
    }

    @Test func aPortIsPartOfTheAddress() {
        #expect(hear(0, old, 1))
        #expect(hear(0, SentinelView.Master(host: old.host, port: 1), 2))
        #expect(view.master?.port == 1)
    }
}
