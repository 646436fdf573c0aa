import TestSupport
import Testing

@testable import RelayCore

/// Random readers, fast and slow, and an account of every frame.
@Suite struct SimulatedKernelTests {
    @Test(arguments: seeds(12))
    func whatIsReadAndWhatIsLostIsWhatWasSent(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = random.int(1...6)
        let window = random.int(50...3000)
        let maxBuffered = random.int(100...8000)
        let readers = SlowReaders(count, window: window, maxBuffered: maxBuffered)
        let everybody = Array(0..<count)
        let largest = 600
        for _ in 0..<400 {
            for _ in 0..<random.int(0...8) { step(readers, everybody, largest, &random) }
            readers.turn()
            #expect(readers.outboxes.buffered == readers.totalBacklog)
            for number in everybody { readers.read(number) }
        }
        for number in everybody { readers.setRoom(.max, of: number) }
        readers.turn()
        for number in everybody {
            readers.read(number)
            #expect(readers.isBalanced(number) && readers.outboxes.unread(ConnectionID(index: number)) == 0)
        }
        let told = readers.losses.filter { $0.cause == .slowReader }.reduce(0) { $0 + $1.messages }
        #expect(readers.counters.messagesLost[.slowReader] == told)
        #expect(readers.outboxes.buffered == 0)
    }

    private func step(
        _ readers: SlowReaders, _ everybody: [Int], _ largest: Int, _ random: inout SeededGenerator
    ) {
        let number = random.pick(everybody)
        switch random.int(0...9) {
        case 0...3: readers.message(random.int(8...largest), to: everybody.shuffled(using: &random))
        case 4: readers.message(random.int(8...40), to: [number])
        case 5: readers.control(to: number)
        case 6: readers.misfit(random.pick([.tooLarge, .badName]), to: number)
        case 7: readers.setRoom(0, of: number)
        case 8: readers.setRoom(random.int(0...2000), of: number)
        default: readers.setRoom(random.oneIn(3) ? .max : random.int(0...100), of: number)
        }
    }
}
