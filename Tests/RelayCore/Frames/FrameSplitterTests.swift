import Testing

@testable import RelayCore

/// A splitter, the frames that it has lent, and a consumer that stops when `mayGoOn` returns false.
private struct Cutter: ~Copyable {
    var splitter = FrameSplitter()
    private(set) var bodies: [[UInt8]] = []

    /// - Returns: why the length was refused; nil if it was not.
    mutating func feed(
        _ bytes: some Collection<UInt8>, limit: Int = 1 << 20, mayGoOn: (Int) -> Bool = { _ in true }
    ) -> FrameSplitter.Violation? {
        var lent: [[UInt8]] = []
        let before = bodies.count
        defer { bodies += lent }
        return lending(bytes) { bytes in
            do throws(FrameSplitter.Violation) {
                try splitter.feed(bytes) {
                    limit
                } consume: { body in
                    guard mayGoOn(before + lent.count) else { return .stop }
                    lent.append(Array(body))
                    return .goOn
                }
                return nil
            } catch { return error }
        }
    }
}

private func length(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
private func frame(_ body: [UInt8]) -> [UInt8] { length(UInt32(body.count)) + body }

@Suite struct FrameSplitterTests {
    @Test func everySplitIntoTwo() {
        var random = SeededGenerator(seed: 1)
        let bodies = (0..<12).map { _ in random.bytes(1...30) }
        let stream = bodies.flatMap(frame)
        for split in 0...stream.count {
            var cutter = Cutter()
            #expect(cutter.feed(stream[..<split]) == nil)
            let whole = splitFrames(Array(stream[..<split]))
            #expect(cutter.bodies == whole.bodies && cutter.splitter.heldBytes == whole.rest.count)
            #expect(cutter.feed(stream[split...]) == nil)
            #expect(cutter.bodies == bodies && cutter.splitter.heldBytes == 0, "split at \(split)")
        }
    }

    @Test func byteByByte() {
        var random = SeededGenerator(seed: 2)
        let bodies = (0..<5).map { _ in random.bytes(1...300) }
        var cutter = Cutter()
        for byte in bodies.flatMap(frame) { #expect(cutter.feed([byte]) == nil) }
        #expect(cutter.bodies == bodies && cutter.splitter.heldBytes == 0)
    }

    @Test(arguments: seeds(20))
    func randomPiecesWithRandomStops(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bodies = (0..<100).map { _ in random.oneIn(10) ? random.bytes(1...5000) : random.bytes(1...20) }
        var rest = bodies.flatMap(frame)[...]
        var cutter = Cutter()
        while cutter.bodies.count < bodies.count {
            let stop = cutter.bodies.count + random.int(0...10)
            let piece = rest.prefix(random.int(0...(random.oneIn(3) ? 9000 : 40)))
            rest = rest.dropFirst(piece.count)
            #expect(cutter.feed(piece, mayGoOn: { $0 < stop }) == nil)
            let taken = cutter.bodies.reduce(0) { $0 + 4 + $1.count }
            let given = bodies.reduce(0) { $0 + 4 + $1.count } - rest.count
            #expect(cutter.splitter.heldBytes == given - taken)
        }
        #expect(cutter.bodies == bodies && cutter.splitter.heldBytes == 0)
    }

    /// The frame at which the consumer stops is lent again, and the bytes after it are not lost.
    @Test func stopsAndGoesOnAtEveryFrame() {
        let bodies = (1...6).map { [UInt8](repeating: UInt8($0), count: $0) }
        let stream = bodies.flatMap(frame)
        for stop in 0..<bodies.count {
            for split in 0...stream.count {
                var cutter = Cutter()
                #expect(cutter.feed(stream[..<split], mayGoOn: { $0 < stop }) == nil)
                #expect(cutter.feed(stream[split...], mayGoOn: { $0 < stop }) == nil)
                #expect(cutter.bodies.count == stop)
                #expect(cutter.feed([], mayGoOn: { $0 < stop }) == nil)
                #expect(cutter.bodies.count == stop)
                #expect(cutter.feed([]) == nil)
                #expect(cutter.bodies == bodies && cutter.splitter.heldBytes == 0, "\(stop), \(split)")
            }
        }
    }

    @Test func lengthsOutOfBoundsAreRefusedAtEverySplit() {
        let good = frame([1, 2, 3])
        for (bad, violation) in [
            (0, .empty), (6, .tooLarge), (UInt32.max, .tooLarge), (1 << 31, .tooLarge),
        ] as [(UInt32, FrameSplitter.Violation)] {
            let stream = good + length(bad) + [9, 9]
            for split in 0...stream.count {
                var cutter = Cutter()
                let first = cutter.feed(stream[..<split], limit: 5)
                if split < good.count + 4 { #expect(first == nil) } else { #expect(first == violation) }
                if first == nil { #expect(cutter.feed(stream[split...], limit: 5) == violation) }
                #expect(cutter.bodies == [[1, 2, 3]], "what stands before it is taken")
            }
        }
    }

    @Test func theLimitItselfIsAllowed() {
        var cutter = Cutter()
        #expect(cutter.feed(frame([1, 2, 3, 4, 5]), limit: 5) == nil)
        #expect(cutter.feed(frame([1, 2, 3, 4, 5, 6]), limit: 5) == .tooLarge)
        #expect(cutter.bodies == [[1, 2, 3, 4, 5]])
    }

    @Test func theLimitIsAskedForBeforeEveryFrame() {
        var splitter = FrameSplitter()
        var limit = 2
        var counts: [Int] = []
        func feed(_ bytes: [UInt8]) -> FrameSplitter.Violation? {
            lending(bytes) { bytes in
                do throws(FrameSplitter.Violation) {
                    try splitter.feed(bytes) {
                        limit
                    } consume: { body in
                        counts.append(body.count)
                        limit = 100
                        return .goOn
                    }
                    return nil
                } catch { return error }
            }
        }
        #expect(feed(frame([1, 2]) + frame([UInt8](repeating: 3, count: 100))) == nil)
        #expect(counts == [2, 100])
    }

    @Test func resetGivesBackWhatIsHeld() {
        var cutter = Cutter()
        #expect(cutter.feed(length(100) + [1, 2, 3]) == nil)
        #expect(cutter.splitter.heldBytes == 7)
        cutter.splitter.reset()
        #expect(cutter.splitter.heldBytes == 0)
        #expect(cutter.feed(frame([5])) == nil)
        #expect(cutter.bodies == [[5]])
    }
}
