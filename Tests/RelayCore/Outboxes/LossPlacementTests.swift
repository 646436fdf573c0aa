import Testing

@testable import RelayCore

/// Where a Loss stands in the output, and which Losses are merged.
@Suite struct LossPlacementTests {
    private let frame = SlowReaders.frameSize(8)

    /// A connection whose window holds two frames, and is full.
    private func full() -> SlowReaders {
        let readers = SlowReaders(window: 2 * frame)
        readers.setRoom(0)
        for _ in 0..<2 {
            readers.message()
            readers.turn()
        }
        return readers
    }

    @Test func standsWhereTheMessagesWouldHaveBeen() {
        let readers = full()
        for _ in 0..<3 { #expect(readers.message() == 0) }
        readers.turn()
        readers.setRoom(.max)
        readers.message()
        readers.turn()
        #expect(readers.read() == ["message", "message", "loss 3 slowReader", "message"])
        #expect(readers.isBalanced())
    }

    @Test func comesAsSoonAsEverythingBeforeItIsTaken() {
        let readers = full()
        readers.message()
        readers.turn()
        readers.setRoom(2 * frame - 1)
        readers.turn()
        #expect(readers.read() == ["message"])
        readers.setRoom(.max)
        readers.turn()
        #expect(readers.read() == ["message", "loss 1 slowReader"])
    }

    @Test func standsBeforeAFrameThatIsNeverDropped() {
        let readers = full()
        readers.message()
        readers.control()
        readers.message()
        readers.message()
        readers.control()
        readers.turn()
        readers.setRoom(.max)
        readers.turn()
        #expect(
            readers.read() == [
                "message", "message", "loss 1 slowReader", "reply", "loss 2 slowReader", "reply",
            ])
        #expect(readers.isBalanced())
    }

    @Test func lossesOfOneCauseWithNothingBetweenThemMergeOverTurns() {
        let readers = full()
        for _ in 0..<10 {
            readers.message()
            readers.turn()
        }
        readers.setRoom(1)  // not even the first frame
        for _ in 0..<5 {
            readers.message()
            readers.turn()
        }
        readers.setRoom(.max)
        readers.turn()
        #expect(readers.read() == ["message", "message", "loss 15 slowReader"])
    }

    /// Losses are merged even if the kernel refused nothing before the turn in which the first message was lost.
    @Test func lossesMergeFromTheTurnInWhichTheReaderStops() {
        let readers = SlowReaders(window: frame)
        readers.setRoom(0)
        readers.message()
        readers.misfit(.tooLarge)
        readers.turn()
        readers.misfit(.tooLarge)
        readers.turn()
        readers.setRoom(.max)
        readers.turn()
        #expect(readers.read() == ["message", "loss 2 tooLarge"])
    }

    @Test func differentCausesDoNotMerge() {
        let readers = full()
        readers.message()
        readers.misfit(.tooLarge)
        readers.misfit(.tooLarge)
        readers.misfit(.badName)
        readers.message()
        readers.misfit(.tooLarge)
        readers.turn()
        readers.setRoom(.max)
        readers.turn()
        #expect(
            readers.read() == [
                "message", "message", "loss 1 slowReader", "loss 2 tooLarge", "loss 1 badName",
                "loss 1 slowReader", "loss 1 tooLarge",
            ])
        #expect(readers.isBalanced())
    }

    @Test func aMisfitIsToldToAReaderThatIsNotSlow() {
        let readers = SlowReaders()
        readers.message()
        readers.misfit(.badName)
        readers.message()
        readers.turn()
        #expect(readers.read() == ["message", "loss 1 badName", "message"])
        readers.misfit(.tooLarge)
        readers.turn()
        #expect(readers.read() == ["loss 1 tooLarge"])
        #expect(readers.counters.messagesLost[.badName] == 1 && readers.counters.messagesLost[.tooLarge] == 1)
    }
}
