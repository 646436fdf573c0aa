/// A first-in, first-out queue in one block of memory. The block doubles when it is full; when it has grown large and
/// is empty, it is given back. The users of a queue bound what they put into it.
///
/// Elements are moved in and out, neither copied nor reference-counted. The queue itself is moved, too.
struct Ring<Element>: ~Copyable {
    /// Invariant: the places from `head` to `tail`, modulo `capacity`, are initialized, and there are never more of them than
    /// `capacity`, which is a power of two.
    private var storage: UnsafeMutablePointer<Element>
    private var capacity: Int
    private var head = 0
    private var tail = 0

    private static var usualCapacity: Int { 16 }
    /// A block with more places than this is given back when the queue is empty.
    private static var keptCapacity: Int { 1024 }

    init(minimumCapacity: Int = Ring.usualCapacity) {
        capacity = 1
        while capacity < minimumCapacity { capacity *= 2 }
        storage = .allocate(capacity: capacity)
    }

    deinit {
        for position in head..<tail { (storage + (position & (capacity - 1))).deinitialize(count: 1) }
        storage.deallocate()
    }

    @inline(__always)
    var isEmpty: Bool { head == tail }
    var count: Int { tail - head }
    var first: Element? { isEmpty ? nil : storage[head & (capacity - 1)] }

    @inline(__always)
    mutating func append(_ element: consuming Element) {
        if count == capacity { resize(to: 2 * capacity) }
        (storage + (tail & (capacity - 1))).initialize(to: element)
        tail += 1
    }

    @inline(__always)
    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = (storage + (head & (capacity - 1))).move()
        head += 1
        if isEmpty, capacity > Self.keptCapacity { resize(to: Self.usualCapacity) }
        return element
    }

    /// Changes the first element in place, if there is one.
    mutating func updateFirst(_ body: (inout Element) -> Void) {
        guard !isEmpty else { return }
        body(&storage[head & (capacity - 1)])
    }

    /// Empties the ring and gives its memory back.
    mutating func removeAll() { self = Ring() }

    /// - Parameter newCapacity: a power of two, and at least `count`.
    @inline(never)
    private mutating func resize(to newCapacity: Int) {
        let resized = UnsafeMutablePointer<Element>.allocate(capacity: newCapacity)
        let count = count
        for index in 0..<count {
            (resized + index).moveInitialize(from: storage + ((head + index) & (capacity - 1)), count: 1)
        }
        storage.deallocate()
        (storage, capacity, head, tail) = (resized, newCapacity, 0, count)
    }
}
