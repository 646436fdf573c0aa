/// The names of one message (pattern and channel, or only the channel), copied out of hiredis's buffer. The memory is
/// used again for the next message. A copy is needed, because hiredis drops what it has read before
/// `redisReaderGetReply` returns, and in the middle of an array nobody can know whether the rest of it is already
/// there.
struct NameBuffer: ~Copyable {
    private static let initialCapacity = 1 << 10

    private var storage = UnsafeMutableRawPointer.allocate(byteCount: initialCapacity, alignment: 1)
    private var capacity = initialCapacity
    /// Where the first name ends and the second begins.
    private var split = 0
    private var end = 0

    deinit { storage.deallocate() }

    /// The first name kept.
    var first: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage, count: split) }
    /// The second name kept.
    var second: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage + split, count: end - split) }

    /// Forgets both names and keeps `name` as the first.
    mutating func keepFirst(_ name: UnsafeRawBufferPointer) {
        end = 0
        append(name)
        split = end
    }

    /// Keeps `name` as the second, beside the first.
    mutating func keepSecond(_ name: UnsafeRawBufferPointer) {
        end = split
        append(name)
    }

    /// Forgets both names, and frees the memory that a long one took.
    mutating func shrink() {
        (split, end) = (0, 0)
        guard capacity > Self.initialCapacity else { return }
        storage.deallocate()
        capacity = Self.initialCapacity
        storage = .allocate(byteCount: capacity, alignment: 1)
    }

    private mutating func append(_ name: UnsafeRawBufferPointer) {
        if name.count > capacity - end { grow(toHold: end + name.count) }
        guard let base = name.baseAddress else { return }
        (storage + end).copyMemory(from: base, byteCount: name.count)
        end += name.count
    }

    /// Names are at most as long as a reply may be, so that the sum cannot overflow.
    private mutating func grow(toHold needed: Int) {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: needed * 2, alignment: 1)
        larger.copyMemory(from: storage, byteCount: end)
        storage.deallocate()
        (storage, capacity) = (larger, needed * 2)
    }
}
