import Testing

@testable import RelayCore

/// What decides whether a message fits a frame, and the arena that frames are written to.
@Suite struct MessageSizeTests {
    /// Sizes around each length at which a length field grows by a byte.
    private static let sizes = [0, 1, 120, 125, 126, 127, 128, 129, 16_370, 16_380, 16_383, 16_384, 16_390, 70_000]

    @Test func fitsSaysTheSizeOfTheBody() throws {
        var arena = Arena()
        for size in Self.sizes {
            for pattern in [nil, "p*"] as [String?] {
                try lending([UInt8](repeating: 120, count: size)) { payload in
                    try lending("channel") { channel in
                        try withOptional(pattern) { pattern in
                            let frame = arena.message(channel: channel, payload: payload, pattern: pattern)
                            let count = try body(of: frame).count
                            #expect(Arena.fits(channel, payload, pattern, within: count))
                            #expect(!Arena.fits(channel, payload, pattern, within: count - 1))
                        }
                    }
                }
            }
        }
    }

    /// Beside the payload, a frame has enough room for the longest names.
    @Test func theLargestPayloadFitsWithTheLongestNames() {
        for maxPayload in [0, 100, 1 << 20, 64 << 20] {
            let limit = maxPayload + frameOverheadBytes
            lending([UInt8](repeating: 97, count: maxNameBytes)) { name in
                // Only the payload's size is used.
                let payload = UnsafeRawBufferPointer(start: name.baseAddress, count: maxPayload)
                #expect(Arena.fits(name, payload, name, within: limit))
            }
        }
    }

    private func withOptional<Result>(
        _ text: String?, _ body: (UnsafeRawBufferPointer?) throws -> Result
    ) rethrows -> Result {
        guard let text else { return try body(nil) }
        return try lending(text) { try body($0) }
    }

    /// Takes seconds: ten megabytes, compared byte by byte.
    @Test func framesOfOneTurnStayWhereTheyAreAndWhatTheyAre() throws {
        var arena = Arena()
        var random = SeededGenerator(seed: 5)
        for _ in 0..<5 {
            var frames: [(OutputRange, [UInt8])] = []
            for _ in 0..<200 {
                let payload = random.bytes(0...20_000)
                let frame = lending("c") { channel in
                    lending(payload) { arena.message(channel: channel, payload: $0, pattern: nil) }
                }
                frames.append((frame, payload))
            }
            #expect(arena.used == frames.reduce(0) { $0 + $1.0.count })
            for (frame, payload) in frames {
                let end = Array(UnsafeBufferPointer(start: frame.base, count: frame.count).suffix(payload.count))
                try #require(end == payload)
            }
            arena.reset()
            #expect(arena.used == 0)
        }
    }

    @Test func successiveFramesAreNeighbours() {
        var arena = Arena()
        let first = arena.reply(id: 1, outcome: .ok, receivers: 0)
        let second = arena.reply(id: 2, outcome: .ok, receivers: 0)
        #expect(first.base + first.count == second.base)
    }

    @Test func aFrameLargerThanAChunkGetsOneOfItsOwn() throws {
        var arena = Arena()
        for size in [256 << 10, 1 << 20, 3 << 20] {
            let payload = [UInt8](repeating: 7, count: size)
            let frame = lending("c") { channel in
                lending(payload) { arena.message(channel: channel, payload: $0, pattern: nil) }
            }
            #expect(try body(of: frame).suffix(size).elementsEqual(payload))
        }
        arena.reset()
        let small = arena.reply(id: 1, outcome: .ok, receivers: 0)
        #expect(try body(of: small).count == 6)
    }
}
