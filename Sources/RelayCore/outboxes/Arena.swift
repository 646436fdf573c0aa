/// The memory in which the frames of one loop turn are encoded. What was handed out stays in its place until `reset()`,
/// so outboxes can point into it. Once the first chunk is there, turns of ordinary size allocate nothing.
package struct Arena: ~Copyable {
    private struct Chunk {
        var base: UnsafeMutablePointer<UInt8>
        var capacity: Int
    }
    private static let chunkBytes = 256 << 10

    private var chunks: [Chunk] = []
    /// Where the free bytes of the last chunk begin, `left` of them.
    private var next: UnsafeMutablePointer<UInt8>
    private var left: Int
    /// With more bytes than this in use, output is written before the turn ends.
    private static let highWater = 1 << 20

    /// Whether the turn has so much output that it must be written in several steps.
    package var isHigh: Bool { used > Self.highWater }
    /// Bytes handed out since the last `reset()`.
    package private(set) var used = 0

    package init() {
        next = .allocate(capacity: Self.chunkBytes)
        left = Self.chunkBytes
        chunks.append(Chunk(base: next, capacity: Self.chunkBytes))
    }

    deinit {
        for chunk in chunks { chunk.base.deallocate() }
    }

    /// `count` bytes in one piece, valid until `reset()`. Successive calls give neighbouring memory while a chunk
    /// lasts, which lets outboxes merge ranges.
    @inline(__always)
    mutating func allocate(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        if count > left { grow(count) }
        let start = next
        next += count
        left -= count
        used += count
        return start
    }

    /// Takes back the last `count` bytes of the latest allocation, which must not have been lent yet.
    @inline(__always)
    mutating func giveBack(_ count: Int) {
        next -= count
        left += count
        used -= count
    }

    private mutating func grow(_ count: Int) {
        let capacity = max(count, Self.chunkBytes)
        next = .allocate(capacity: capacity)
        left = capacity
        chunks.append(Chunk(base: next, capacity: capacity))
    }

    /// Ends the turn: everything handed out so far becomes invalid. All but the first chunk go back to the allocator.
    package mutating func reset() {
        guard used > 0 else { return }
        for chunk in chunks.dropFirst() { chunk.base.deallocate() }
        chunks.removeLast(chunks.count - 1)
        next = chunks[0].base
        left = chunks[0].capacity
        used = 0
    }
}
