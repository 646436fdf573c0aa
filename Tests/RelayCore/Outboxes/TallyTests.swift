import Testing

@testable import RelayCore

/// What is counted of each connection's Messages.
@Suite struct TallyTests {
    @Test func messagesCountAndOtherFramesDoNot() {
        let readers = SlowReaders(2)
        for _ in 0..<3 {
            for _ in 0..<5 { _ = readers.message(to: [0, 1]) }
            readers.control()
            _ = readers.message(to: [1])
            readers.turn()
        }
        #expect(readers.outboxes.tally(ConnectionID(index: 0)).delivered == 15)
        #expect(readers.outboxes.tally(ConnectionID(index: 1)).delivered == 18)
        #expect(readers.counters.messagesDelivered == 0, "that is the hub's")
    }

    /// Messages also count if they take the slow path, because a connection has a backlog.
    @Test func theyCountForWhoHasABacklogAndForOthers() {
        let readers = SlowReaders(2, window: 1000)
        readers.setRoom(0)
        for _ in 0..<100 {
            _ = readers.message(to: [0, 1])
            readers.turn()
        }
        let (slow, quick) = (
            readers.outboxes.tally(ConnectionID(index: 0)), readers.outboxes.tally(ConnectionID(index: 1))
        )
        #expect(quick.delivered == 100 && quick.lost == 0)
        #expect(slow.lost > 0 && slow.delivered + slow.lost == 100)
        #expect(slow.lost == readers.counters.messagesLost[.slowReader])
    }

    @Test func whoLosesForTheFirstTimeIsToldOnce() {
        let readers = SlowReaders(2, window: 100)
        readers.setRoom(0)
        #expect(!readers.outboxes.hasNewSlowReaders)
        for _ in 0..<10 {
            _ = readers.message(to: [0, 1])
            readers.turn()
        }
        #expect(readers.outboxes.takeNewSlowReaders() == [ConnectionID(index: 0)])
        _ = readers.message(to: [0, 1])
        readers.misfit(.tooLarge, to: 1)
        #expect(!readers.outboxes.hasNewSlowReaders, "it was told, and the other is not slow")
    }

    /// The counts of bytes and of Messages share a machine word.
    @Test func bytesAndMessagesOfATurnStayApart() {
        var pending = PendingOutput()
        for size in [1, 1000, 1 << 20] {
            pending = pending + PendingOutput(messageBytes: size)
            pending.add(bytes: 3)
        }
        pending.countMessage()
        #expect(pending.bytes == 1 + 1000 + (1 << 20) + 9 && pending.messages == 4)
        #expect(pending <= PendingOutput(atMost: pending.bytes))
        #expect(!(pending <= PendingOutput(atMost: pending.bytes - 1)))
        var large = PendingOutput()
        large.add(bytes: 1 << 38)
        #expect(large.bytes == 1 << 38 && large.messages == 0)
    }
}
