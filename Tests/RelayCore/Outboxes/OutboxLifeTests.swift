import Testing

@testable import RelayCore

/// The hard bound, sealed and discarded outboxes, places used again, and what is handed to the kernel.
@Suite struct OutboxLifeTests {
    private let frame = SlowReaders.frameSize(8)

    @Test func controlFramesPassTheWindow() {
        let readers = SlowReaders(window: 10)
        readers.setRoom(0)
        for _ in 0..<100 {
            readers.control()
            readers.turn()
        }
        readers.setRoom(.max)
        readers.turn()
        #expect(readers.read().count == 100 && readers.isBalanced())
    }

    @Test func pastTheHardBoundAConnectionIsNamedOnce() {
        let readers = SlowReaders(2, hardBound: 1000)
        readers.setRoom(0)
        while readers.backlog() + 6 <= 1000 {
            #expect(readers.outboxes.takeOverflowed() == [])
            readers.control()
            readers.turn()
        }
        for _ in 0..<10 { readers.control(to: 0) }
        #expect(readers.outboxes.takeOverflowed() == [0])
        readers.control(to: 0)
        readers.turn()
        #expect(readers.outboxes.takeOverflowed() == [])
    }

    @Test func exactlyTheHardBoundIsAllowed() {
        let size = Self.controlSize
        let readers = SlowReaders(hardBound: 10 * size)
        readers.setRoom(0)
        for _ in 0..<10 { readers.control() }
        #expect(readers.outboxes.takeOverflowed() == [])
        readers.control()
        #expect(readers.outboxes.takeOverflowed() == [0])
    }

    private static var controlSize: Int {
        let readers = SlowReaders()
        readers.setRoom(0)
        readers.control()
        readers.turn()
        return readers.backlog()
    }

    /// The frames of one turn are offered to the kernel before a connection counts as one that does not read.
    @Test func aFastReaderDoesNotOverflowHoweverMuchComesInOneTurn() {
        let readers = SlowReaders(hardBound: 100)
        for _ in 0..<1000 { readers.control() }
        #expect(readers.outboxes.takeOverflowed() == [])
        readers.turn()
        #expect(readers.read().count == 1000)
    }

    @Test func aSealedOutboxTakesNothingButWritesWhatItHas() {
        let readers = SlowReaders()
        readers.control()
        readers.outboxes.seal(0)
        #expect(readers.message() == 0)
        readers.outboxes.addLoss(3, cause: .tooLarge, to: 0)
        let frame = readers.outboxes.arena.reply(id: 9, outcome: .ok, receivers: 0)
        readers.outboxes.appendControl(frame, to: 0)
        readers.turn()
        #expect(readers.read() == ["reply"])
        #expect(readers.counters.messagesLost.total == 0, "there is nobody to lose it")
    }

    @Test func aDiscardedOutboxHasNothing() {
        let readers = SlowReaders()
        readers.setRoom(0)
        readers.control()
        readers.turn()
        readers.control()
        readers.misfit(.tooLarge)
        readers.outboxes.discard(0)
        readers.turn()
        readers.setRoom(.max)
        readers.turn()
        #expect(readers.read() == ["reply"], "what the kernel has refused before is the I/O layer's")
        #expect(readers.outboxes.unread(0) == 0)
    }

    @Test func closingGivesItsShareOfTheCommonBoundBack() {
        let readers = SlowReaders(2, window: 1000)
        for number in 0..<2 {
            readers.setRoom(0, of: number)
            readers.message(to: [number])
        }
        readers.turn()
        #expect(readers.outboxes.buffered == 2 * frame)
        readers.outboxes.close(1)
        #expect(readers.outboxes.buffered == frame)
    }

    /// A place is closed and opened again while it waits to be written. It is listed and written once, and is like new.
    @Test func aPlaceIsUsedAgainInTheSameTurn() {
        let readers = SlowReaders(1, hardBound: 9)
        readers.setRoom(0)
        var writes = 0
        for _ in 0..<50 {
            readers.control()
            readers.outboxes.close(0)
            readers.outboxes.open(0)
        }
        #expect(readers.outboxes.hasOverflowed && readers.outboxes.takeOverflowed() == [], "that one is gone")
        #expect(readers.outboxes.unread(0) == 0)
        #expect(readers.outboxes.dirtyCount == 1)
        readers.outboxes.send = { _, _ in
            writes += 1
            return 0
        }
        readers.control()
        readers.outboxes.writeAll()
        #expect(writes == 1)
    }

    @Test func neighbouringFramesGoOutAsOnePieceOfMemory() {
        let readers = SlowReaders(2, window: 1 << 20)
        for _ in 0..<100 { readers.message() }
        readers.turn()
        #expect(readers.ranges[0] == 1)
        for _ in 0..<10 {
            readers.message(to: [0, 1])
            readers.message(to: [1])
        }
        readers.turn()
        #expect(readers.ranges == [10, 1])
        #expect(readers.read(0).count == 110 && readers.read(1).count == 20)
    }

    /// A turn of very many pieces, so that their list grows and is freed again.
    @Test func manyPiecesInOneTurn() {
        let readers = SlowReaders(2, window: 1 << 20)
        for _ in 0..<3 {
            for _ in 0..<500 {
                readers.message(to: [0])
                readers.message(to: [1])
            }
            readers.turn()
            #expect(readers.ranges == [500, 500])
            #expect(readers.read(0).count == 500 && readers.read(1).count == 500)
        }
    }
}
