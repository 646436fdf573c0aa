import Testing

@testable import RelayCore

@Suite struct OutputBufferTests {
    @Test(arguments: seeds(3))
    func holdsWhatWasAppendedAndCountsOn(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let buffer = OutputBuffer()
        var expected: [UInt8] = []
        var written: UInt64 = 0
        for _ in 0..<300 {
            let bytes = random.bytes(0...(random.oneIn(30) ? 100_000 : 300))
            if random.oneIn(2) {
                lending(bytes) { buffer.append($0) }
            } else {
                // More bytes are reserved than used.
                let room = buffer.reserve(bytes.count + 64)
                for (place, byte) in bytes.enumerated() { room[place] = byte }
                buffer.commit(bytes.count)
            }
            expected += bytes
            #expect(buffer.position == written + UInt64(expected.count))
            guard random.oneIn(10) else { continue }
            #expect(Array(buffer.bytes) == expected)
            buffer.removeAll()
            written += UInt64(expected.count)
            expected = []
            #expect(buffer.count == 0 && buffer.position == written)
        }
    }

    @Test func aLargeTurnIsFollowedByOrdinaryOnes() {
        let buffer = OutputBuffer()
        for _ in 0..<3 {
            lending([UInt8](repeating: 1, count: 3 << 20)) { buffer.append($0) }
            #expect(buffer.count == 3 << 20)
            buffer.removeAll()
            lending([7]) { buffer.append($0) }
            #expect(Array(buffer.bytes) == [7])
            buffer.removeAll()
        }
        #expect(buffer.position == UInt64(3 * (3 << 20 + 1)))
    }
}
