import Testing

@testable import RelayCore

/// Which sentinel to believe when they name different masters.
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
        #expect(view.epoch(by: 2) == 4 && view.epoch(by: 1) == 5 && view.epoch(by: 0) == nil)
        #expect(view.candidates == [new], "the older epoch is no contradiction")
    }

    /// A sentinel that was cut off from the others comes back with its old knowledge.
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

    /// Sentinels that were set up again count their epochs from 0 on.
    @Test func anOlderEpochOfMostOfThemIsBelieved() {
        #expect(hear(0, new, 5))
        #expect(!hear(1, old, 0))
        #expect(!hear(2, old, 0), "the one with the higher epoch is still there")
        view.withdrew(0)
        #expect(hear(2, old, 0))
        #expect(view.master == old && view.epoch == 0)
    }

    /// If sentinels do not report the epoch, it is 0 for all of them.
    @Test func amongEqualEpochsMostOfThemAreBelieved() {
        #expect(hear(0, old, 0))
        #expect(!hear(1, new, 0), "one against one")
        #expect(hear(2, new, 0))
        #expect(view.master == new)
        #expect(!hear(0, old, 0))
    }

    @Test func amongEqualEpochsAndVotesTheAddressDecidesAndNotWhoSpokeFirst() {
        #expect(hear(0, new, 0))
        #expect(hear(1, old, 0) && view.master == old)
        #expect(!hear(0, new, 0) && view.master == old)
        #expect(view.candidates == [old, new])
    }

    /// The master changed while no sentinel could be asked.
    @Test func aChangeInASentinelsAbsenceIsBelieved() {
        #expect(hear(0, old, 0))
        #expect(!hear(1, old, 0))
        view.withdrew(0)
        view.withdrew(1)
        #expect(hear(0, new, 0), "it said something else when it went; the other one may not know better")
        #expect(view.master == new)
    }

    /// The word of an absent sentinel counts only until another sentinel changes its mind.
    @Test func aSentinelThatIsAwayDoesNotHoldUpAFailover() {
        view = SentinelView(sentinels: 2)
        #expect(hear(0, old, 0))
        #expect(!hear(1, old, 0))
        view.withdrew(0)
        #expect(hear(1, new, 0))
        #expect(view.master == new && view.candidates == [new])
    }

    @Test func aSentinelThatKnowsNoMasterAnyMoreHasNoVote() {
        #expect(hear(0, old, 0))
        #expect(!hear(1, new, 0))
        view.knowsNothing(0)
        #expect(view.master == old && view.candidates == [new])
        #expect(hear(1, new, 0))
    }

    /// For a moment, only a sentinel with old knowledge is present.
    @Test func theLastWordsOfThoseThatAreAwayCount() {
        for sentinel in 1..<3 { _ = hear(sentinel, new, 0) }
        #expect(!hear(0, old, 0))
        for sentinel in 1..<3 { view.withdrew(sentinel) }
        #expect(!hear(0, old, 0), "it has said so all the time")
        #expect(view.master == new && view.candidates == [old])
    }

    /// Relays have the same sentinels in another order, and get the answers in another order, too.
    @Test(arguments: [0, 7] as [UInt64]) func allRelaysChooseTheSame(epoch: UInt64) {
        let masters = ["b.example", "a.example", "10.0.0.9", "c.example"].map {
            SentinelView.Master(host: $0, port: 6379)
        }
        // The master that each sentinel names, as an index of `masters`; nil: a sentinel with old knowledge, which
        // names the last.
        let words: [[Int?]] = [
            [0, 1, 2], [0, 1], [0, 0, 1, 1], [0, 0, 1, 1, 1], [3, 3, 1, 1, 2], [0, 1, nil], [2, 0, nil],
        ]
        for word in words {
            var choices: Set<SentinelView.Master?> = []
            var candidates: Set<[SentinelView.Master]> = []
            for arrival in permutations(word.count) {
                for list in [Array(word.indices), word.indices.reversed(), Array(word.indices.dropFirst()) + [0]] {
                    var view = SentinelView(sentinels: word.count)
                    for sentinel in arrival {
                        let isStale = word[sentinel] == nil
                        _ = view.answered(
                            list[sentinel], master: masters[word[sentinel] ?? 3], epoch: isStale ? epoch : epoch + 1)
                    }
                    choices.insert(view.master)
                    candidates.insert(view.candidates)
                }
            }
            #expect(choices.count == 1 && candidates.count == 1, "\(word): \(choices)")
        }
    }

    /// Earlier answers do not matter once all sentinels have answered.
    @Test func relaysThatStartedAtDifferentTimesChooseTheSame() {
        let others = [old, new, SentinelView.Master(host: "c.example", port: 6379)]
        for history in permutations(3) {
            for present in permutations(3) {
                view = SentinelView(sentinels: 3)
                for sentinel in 0..<3 { _ = hear(sentinel, others[history[sentinel]], 0) }
                view.withdrew(history[0])
                for sentinel in 0..<3 { _ = hear(sentinel, others[present[sentinel]], 0) }
                #expect(view.master == old)
            }
        }
    }

    private func permutations(_ count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return permutations(count - 1).flatMap { rest in
            (0..<count).map { place in Array(rest[..<place]) + [count - 1] + Array(rest[place...]) }
        }
    }

    /// Two sentinels know the same server by different names. A reconnection must not count as a failover.
    @Test func sentinelsThatComeAndGoDoNotMakeTheMasterMove() {
        view = SentinelView(sentinels: 2)
        #expect(hear(0, old, 3))
        #expect(!hear(1, new, 3))
        for _ in 0..<3 {
            for sentinel in 0..<2 {
                view.withdrew(sentinel)
                #expect(!hear(1 - sentinel, sentinel == 0 ? new : old, 3))
                #expect(!hear(sentinel, sentinel == 0 ? old : new, 3))
            }
        }
        #expect(view.master == old)
    }

    @Test func aPortIsPartOfTheAddress() {
        #expect(hear(0, old, 1))
        #expect(hear(0, SentinelView.Master(host: old.host, port: 1), 2))
        #expect(view.master?.port == 1)
    }
}
