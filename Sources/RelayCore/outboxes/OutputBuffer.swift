internal import RESP

/// Bytes for Redis, gathered in one loop turn and then written in one go.
///
/// Positions count from the first byte ever appended, so that "has a byte of this command left?" can be asked long
/// after the buffer was emptied.
package final class OutputBuffer {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes that wait to be written.
    package private(set) var count = 0
    private var written: UInt64 = 0

    private static let initialCapacity = 64 << 10
    /// A buffer that has become larger than this in a large turn is given back.
    private static let keptCapacity = 1 << 20

    package init() {
        capacity = Self.initialCapacity
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// The position of the next byte appended.
    package var position: UInt64 { written + UInt64(count) }

    /// The waiting bytes; valid until the next append.
    package var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: count) }

    /// Reserves room for `size` bytes; `commit` has to follow, with how many of them were written.
    @inline(__always)
    func reserve(_ size: Int) -> UnsafeMutablePointer<UInt8> {
        if count + size > capacity { grow(by: size) }
        return base + count
    }

    private func grow(by size: Int) {
        let grown = max(count + size, capacity * 2)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: grown)
        moved.update(from: base, count: count)
        base.deallocate()
        (base, capacity) = (moved, grown)
    }

    @inline(__always)
    func commit(_ size: Int) {
        assert(count + size <= capacity, "no more is written than was reserved")
        count += size
    }

    package func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        UnsafeMutableRawPointer(reserve(bytes.count)).copyMemory(from: source, byteCount: bytes.count)
        commit(bytes.count)
    }

    /// Everything has been handed over to be written.
    package func removeAll() {
        written += UInt64(count)
        count = 0
        guard capacity > Self.keptCapacity else { return }
        base.deallocate()
        capacity = Self.initialCapacity
        base = .allocate(capacity: capacity)
    }
}

extension OutputBuffer {
    /// Appends a command of a few words.
    func append(command words: [String]) { RedisCommand.bytes(words).withUnsafeBytes { append($0) } }
}
