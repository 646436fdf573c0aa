import Testing

@testable import RelayCore

/// What a connection that does not read may hold.
@Suite struct WindowTests {
    private let frame = SlowReaders.frameSize(8)

    @Test func anEmptyWindowTakesAnyOneFrame() {
        let readers = SlowReaders(window: 10, maxBuffered: 10)
        readers.setRoom(0)
        #expect(readers.message(100_000) == 1)
        readers.turn()
        #expect(readers.message() == 0)
        readers.turn()
        readers.setRoom(.max)
        readers.turn()
        #expect(readers.read() == ["message", "loss 1 slowReader"])
        #expect(readers.isBalanced())
    }

    @Test func theWindowIsFullWhenItIsFull() {
        let readers = SlowReaders(window: 5 * frame)
        readers.setRoom(0)
        for _ in 0..<5 {
            #expect(readers.message() == 1)
            readers.turn()
        }
        #expect(readers.backlog() == 5 * frame)
        #expect(readers.message() == 0)
        readers.setRoom(frame)
        #expect(readers.message() == 1, "there is room for one again")
    }

    @Test func oneByteTooMuchIsTooMuch() {
        let readers = SlowReaders(window: 5 * frame - 1)
        readers.setRoom(0)
        for _ in 0..<4 {
            #expect(readers.message() == 1)
            readers.turn()
        }
        #expect(readers.message() == 0)
    }

    /// Output that has not been offered to the kernel does not prove that a reader is slow.
    @Test func aFastReaderLosesNothingHoweverMuchComesInOneTurn() {
        let readers = SlowReaders(window: 3 * frame, maxBuffered: 3 * frame)
        for _ in 0..<1000 { #expect(readers.message() == 1) }
        readers.turn()
        #expect(readers.read().count == 1000 && readers.isBalanced())
    }

    @Test func oneSlowReaderCostsTheOthersNothing() {
        let readers = SlowReaders(3, window: 5 * frame)
        readers.setRoom(0, of: 1)
        for _ in 0..<100 {
            readers.message(to: [0, 1, 2])
            readers.turn()
        }
        #expect(readers.read(0).count == 100 && readers.read(2).count == 100)
        #expect(readers.backlog(of: 1) == 5 * frame)
        readers.setRoom(.max, of: 1)
        readers.turn()
        #expect(readers.read(1) == [String](repeating: "message", count: 5) + ["loss 95 slowReader"])
    }

    /// Past the bound, each connection has a share of 2 frames, and one more frame.
    @Test func whatAllHoldTogetherIsBounded() {
        let readers = SlowReaders(3, window: 10 * frame, maxBuffered: 12 * frame)
        for number in 0..<3 { readers.setRoom(0, of: number) }
        for _ in 0..<10 {
            readers.message(to: [0])
            readers.turn()
        }
        for _ in 0..<10 {
            readers.message(to: [1])
            readers.turn()
        }
        #expect(readers.backlog(of: 0) == 10 * frame && readers.backlog(of: 1) == 3 * frame)
        for _ in 0..<3 {
            #expect(readers.message(to: [2]) == 1)
            readers.turn()
        }
        #expect(readers.message(to: [2]) == 0)
        #expect(readers.outboxes.buffered == 16 * frame)
    }

    /// The bound over all connections also holds if nobody was slow until this turn.
    @Test func oneTurnDoesNotExceedTheBoundOverAll() {
        let readers = SlowReaders(100, window: 100 * frame, maxBuffered: 200 * frame)
        for number in 0..<100 { readers.setRoom(0, of: number) }
        for _ in 0..<100 { readers.message(to: Array(0..<100)) }
        readers.turn()
        #expect(readers.totalBacklog <= (200 + 200 / 4 + 200) * frame)
        for number in 0..<100 { readers.setRoom(.max, of: number) }
        readers.turn()
        for number in 0..<100 {
            readers.read(number)
            #expect(readers.isBalanced(number))
        }
    }

    @Test func aReaderThatReadsAgainCarriesOnFromThePresent() {
        let readers = SlowReaders(window: 5 * frame)
        for _ in 0..<3 {
            readers.setRoom(0)
            for _ in 0..<50 {
                readers.message()
                readers.turn()
            }
            readers.setRoom(.max)
            readers.turn()
            #expect(readers.read().last == "loss 45 slowReader" && readers.isBalanced())
            readers.message()
            readers.turn()
            #expect(readers.read() == ["message"])
        }
        #expect(readers.counters.messagesLost[.slowReader] == 135)
        #expect(readers.outboxes.buffered == 0)
    }
}
