/// What is to be done, first in, first out. Each turn has one or two actions: they are moved in and out, and neither copied
/// nor counted.
final class ActionQueue {
    /// Invariant: places from `head` to `tail` are initialized, and there are never more of them than `capacity`, which is a
    /// power of two.
    private var storage: UnsafeMutablePointer<RelayAction>
    private var capacity = ActionQueue.usualCapacity
    private var head = 0
    private var tail = 0

    private static let usualCapacity = 16

    init() { storage = .allocate(capacity: Self.usualCapacity) }

    deinit {
        while head < tail { (storage + take()).deinitialize(count: 1) }
        storage.deallocate()
    }

    @inline(__always)
    var isEmpty: Bool { head == tail }

    @inline(__always)
    func append(_ action: consuming RelayAction) {
        if tail - head == capacity { resize(to: 2 * capacity) }
        (storage + (tail & (capacity - 1))).initialize(to: action)
        tail += 1
    }

    @inline(__always)
    func popFirst() -> RelayAction? {
        guard head < tail else { return nil }
        let action = (storage + take()).move()
        if head == tail, capacity > 1024 { resize(to: Self.usualCapacity) }
        return action
    }

    @inline(__always)
    private func take() -> Int {
        defer { head += 1 }
        return head & (capacity - 1)
    }

    /// - Parameter capacity: at least as many as there are, a power of two.
    @inline(never)
    private func resize(to capacity: Int) {
        let resized = UnsafeMutablePointer<RelayAction>.allocate(capacity: capacity)
        let count = tail - head
        for index in 0..<count {
            (resized + index).initialize(to: (storage + ((head + index) & (self.capacity - 1))).move())
        }
        storage.deallocate()
        (storage, self.capacity, head, tail) = (resized, capacity, 0, count)
    }
}
