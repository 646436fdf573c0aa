internal import CLibuv

/// The bytes that the kernel has not taken, as chunks in order. libuv may have the first chunk. Chunks never move and
/// are small, so that progress shows soon and no large block is copied twice.
final class WriteBacklog {
    private struct Chunk {
        var base: UnsafeMutableRawPointer
        var count: Int
        var capacity: Int
    }

    private static let minimumChunk = 1 << 10
    private static let maximumChunk = 64 << 10

    let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    /// The chunks before `first` have been sent, and their memory is freed.
    private var chunks: [Chunk] = []
    private var first = 0
    /// Whether libuv has the first chunk. libuv counts the bytes of that chunk itself.
    private(set) var isSending = false
    /// Bytes that are not with libuv yet.
    private(set) var queued = 0

    deinit {
        discard()
        for chunk in chunks[first...] { chunk.base.deallocate() }
        request.deallocate()
    }

    var isEmpty: Bool { first == chunks.count }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard var source = bytes.baseAddress else { return }
        var left = bytes.count
        queued += left
        while left > 0 {
            let last = chunks.count - 1
            let isOpen = last >= first && !(isSending && last == first)
            guard isOpen, chunks[last].count < chunks[last].capacity else {
                // The capacity grows with what waits already: many backlogs are small, and a large one should not have
                // many pieces.
                let capacity = min(Self.maximumChunk, max(Self.minimumChunk, left, queued / 2))
                chunks.append(Chunk(base: .allocate(byteCount: capacity, alignment: 1), count: 0, capacity: capacity))
                continue
            }
            let count = min(left, chunks[last].capacity - chunks[last].count)
            (chunks[last].base + chunks[last].count).copyMemory(from: source, byteCount: count)
            chunks[last].count += count
            source += count
            left -= count
        }
    }

    /// The first chunk, to be handed to libuv; nil if there is none.
    func beginSending() -> uv_buf_t? {
        guard first < chunks.count else { return nil }
        isSending = true
        queued -= chunks[first].count
        return uv_buf_t(base: chunks[first].base.assumingMemoryBound(to: CChar.self), len: chunks[first].count)
    }

    /// libuv is done with the first chunk.
    func endSending() {
        guard isSending else { return }
        isSending = false
        chunks[first].base.deallocate()
        first += 1
        if first == chunks.count || first > 64 {
            chunks.removeFirst(first)
            first = 0
        }
    }

    /// Throws away everything except the chunk that libuv has.
    func discard() {
        let kept = isSending ? first + 1 : first
        for chunk in chunks[kept...] { chunk.base.deallocate() }
        chunks.removeLast(chunks.count - kept)
        queued = 0
    }
}
