/// Cuts the byte stream of one connection into frames. It lends whole frames where they lie. It owns bytes only in the
/// middle of a frame, or after the consumer has asked to stop.
package struct FrameSplitter: ~Copyable {
    /// Why a length is refused. Nothing has been allocated for it.
    package enum Violation: Error, Equatable { case empty, tooLarge }
    package enum Verdict { case goOn, stop }

    /// Bytes `start ..< start + heldCount` of the allocation are in use; never nil while `heldCapacity` is over 0.
    private var held: UnsafeMutableRawPointer?
    private var start = 0
    private var heldCount = 0
    private var heldCapacity = 0

    package init() {}

    deinit { held?.deallocate() }

    /// Bytes that wait for the rest of their frame, or for the consumer.
    package var heldBytes: Int { heldCount }

    /// The length of the frame at the beginning of the held bytes, with its header; 0 while the header is not complete.
    package var announcedBytes: Int {
        guard let held, heldCount >= 4 else { return 0 }
        return 4 + Int(UInt32(bigEndian: (held + start).loadUnaligned(as: UInt32.self)))
    }

    /// Calls `consume` with the body of each whole frame in `bytes`. Before each frame, `limit` returns the longest
    /// body allowed. After `.stop` the frame just lent counts as not consumed: it and what follows are kept for the
    /// next call. An empty `bytes` goes on with what was kept.
    ///
    /// `consume` must not call into this splitter again.
    /// - Throws: `Violation` for a length of 0 or over the limit; the splitter must not be fed again after that.
    package mutating func feed(
        _ bytes: UnsafeRawBufferPointer, limit: () -> Int, consume: (UnsafeRawBufferPointer) -> Verdict
    ) throws(Violation) {
        var rest = bytes
        while heldCount > 0 {
            let whole = UnsafeRawBufferPointer(start: held.map { $0 + start }, count: heldCount)
            guard let total = try frameLength(whole, limit: limit()) else {
                guard take(&rest, upTo: 4) else { return }
                continue
            }
            guard heldCount >= total else {
                guard take(&rest, upTo: total) else { return }
                continue
            }
            guard consume(UnsafeRawBufferPointer(rebasing: whole[4..<total])) == .goOn else { return append(rest) }
            dropFirst(total)
        }
        while let total = try frameLength(rest, limit: limit()), rest.count >= total {
            guard consume(UnsafeRawBufferPointer(rebasing: rest[4..<total])) == .goOn else { return append(rest) }
            rest = UnsafeRawBufferPointer(rebasing: rest[total...])
        }
        append(rest)
    }

    /// The length of the frame at the beginning of `bytes`, including its header; nil while the header is not complete.
    private func frameLength(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(Violation) -> Int? {
        guard bytes.count >= 4 else { return nil }
        let length = Int(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
        guard length > 0 else { throw .empty }
        guard length <= limit else { throw .tooLarge }
        return 4 + length
    }

    /// Moves bytes over until `total` are held; false if there were none to move.
    private mutating func take(_ rest: inout UnsafeRawBufferPointer, upTo total: Int) -> Bool {
        let count = min(total - heldCount, rest.count)
        append(UnsafeRawBufferPointer(rebasing: rest[..<count]))
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        return count > 0
    }

    /// Grows with the bytes that have come, never with what a header announces.
    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        if start + heldCount + bytes.count > heldCapacity { makeRoom(for: bytes.count) }
        held.unsafelyUnwrapped.advanced(by: start + heldCount).copyMemory(from: base, byteCount: bytes.count)
        heldCount += bytes.count
    }

    private mutating func makeRoom(for count: Int) {
        let capacity = max(heldCount + count, heldCount * 2)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 1)
        if let held {
            grown.copyMemory(from: held + start, byteCount: heldCount)
            held.deallocate()
        }
        (held, start, heldCapacity) = (grown, 0, capacity)
    }

    private mutating func dropFirst(_ count: Int) {
        start += count
        heldCount -= count
        if heldCount == 0 { reset() }
    }

    /// Frees the held bytes.
    package mutating func reset() {
        held?.deallocate()
        (held, start, heldCount, heldCapacity) = (nil, 0, 0, 0)
    }
}
