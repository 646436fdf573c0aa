import Testing

@testable import RelayCore

/// Frames that are never dropped are bounded over all connections, too. Past it, those with most unread are closed.
@Suite struct UnreadRepliesTests {
    private let frame = SlowReaders.frameSize(8)

    private func overflow(_ readers: SlowReaders) -> [ConnectionID] {
        readers.turn()
        guard readers.outboxes.hasOverflowed else { return [] }
        let most = readers.outboxes.takeMostUnread()
        for connection in most { readers.outboxes.seal(connection) }
        for connection in readers.outboxes.takeMostSealed() {
            readers.outboxes.discard(connection)
            readers.outboxes.setBacklog(0, of: connection)
        }
        #expect(!readers.outboxes.hasOverflowed)
        return most
    }

    @Test func thoseWithMostUnreadGoFirst() {
        let readers = SlowReaders(100, maxBuffered: 100_000)
        for number in 0..<100 { readers.setRoom(0, of: number) }
        for number in 0..<100 { readers.control(to: number, detail: number == 7 || number == 9 ? 2000 : 500) }
        #expect(overflow(readers) == [])
        for number in 50..<100 { readers.control(to: number, detail: 1000) }
        let first = overflow(readers)
        #expect(Set(first.prefix(2)) == [7, 9] && first.count < 10, "and no more than will do: \(first)")
        for round in 1...50 {
            for number in 0..<100 { readers.control(to: number, detail: round == 50 ? 5000 : 100) }
            _ = overflow(readers)
            let unread = (0..<100).filter { !readers.outboxes.isSealed(ConnectionID(index: $0)) }.reduce(0) {
                $0 + readers.backlog(of: $1)
            }
            #expect(unread <= 100_000)
        }
    }

    /// Clients may still read what closed connections have for them, but in total no more than the bound.
    @Test func whatClosedConnectionsHaveUnreadHasABoundOfItsOwn() {
        let readers = SlowReaders(10, maxBuffered: 10_000)
        for number in 0..<10 { readers.setRoom(0, of: number) }
        for number in 0..<10 { readers.control(to: number, detail: 800 + 10 * number) }
        #expect(overflow(readers) == [])
        for connection in (0..<9).map(ConnectionID.init(index:)) {
            readers.outboxes.seal(connection)
            readers.outboxes.seal(connection)
        }
        #expect(readers.outboxes.takeMostSealed() == [])
        readers.outboxes.close(0)
        readers.outboxes.open(0)
        readers.control(to: 0, detail: 4000)
        readers.turn()
        #expect(!readers.outboxes.hasOverflowed, "what is open does not count, nor what has gone")
        readers.outboxes.seal(0)
        #expect(readers.outboxes.hasOverflowed && readers.outboxes.takeMostSealed() == [0])
        readers.setRoom(500, of: 0)
        #expect(readers.outboxes.takeMostSealed() == [0])
        readers.setRoom(.max, of: 0)
        #expect(readers.outboxes.takeMostSealed() == [] && !readers.outboxes.hasOverflowed, "it has been read")
    }

    @Test func whoReadsIsNeverAmongThem() {
        let readers = SlowReaders(10, maxBuffered: 10_000)
        for number in 1..<10 { readers.setRoom(0, of: number) }
        for _ in 0..<1000 {
            for number in 0..<10 { readers.control(to: number, detail: 100) }
            #expect(!overflow(readers).contains(0))
        }
        readers.control(detail: 100)
        readers.turn()
        readers.read(0)
        #expect(readers.isBalanced(0))
    }

    /// Messages have a bound of their own, and are dropped. No connection is closed for them.
    @Test func messagesDoNotCount() {
        let readers = SlowReaders(4, window: 1 << 20, maxBuffered: 10_000)
        for number in 0..<4 { readers.setRoom(0, of: number) }
        for _ in 0..<1000 {
            readers.message(100, to: [0, 1, 2, 3])
            #expect(overflow(readers) == [])
        }
        // The whole bound is left for frames that are never dropped.
        for number in 0..<4 { for _ in 0..<2 { readers.control(to: number, detail: 1000) } }
        #expect(overflow(readers) == [])
    }

    @Test func whatHasBeenReadCountsNoMore() {
        let readers = SlowReaders(2, maxBuffered: 10_000)
        for _ in 0..<100 {
            readers.setRoom(0)
            for _ in 0..<9 { readers.control(detail: 1000) }
            #expect(overflow(readers) == [])
            readers.setRoom(.max)
            #expect(overflow(readers) == [])
        }
    }

    /// Even if the bound over all connections is reached, each connection has its share.
    @Test func aShareIsEveryConnectionsOwn() {
        let readers = SlowReaders(20, window: 1 << 20, maxBuffered: 1 << 20)
        for number in 0..<20 { readers.setRoom(0, of: number) }
        while readers.message(1000, to: Array(0..<19)) > 0 { readers.turn() }
        let share = (1 << 20) / 40
        #expect(readers.outboxes.share == share)
        var taken = 0
        while readers.message(1000, to: [19]) > 0 {
            taken += SlowReaders.frameSize(1000)
            readers.turn()
        }
        #expect(taken > share && taken <= share + SlowReaders.frameSize(1000))
        #expect(SlowReaders(2).outboxes.share == 64 << 10)
    }
}
