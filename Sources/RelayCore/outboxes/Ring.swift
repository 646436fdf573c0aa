/// A first-in, first-out queue in one block of memory, which doubles when it is full and is given back when it has
/// been large and is empty. Its users bound what they put into it.
struct Ring<Element> {
    private var storage: [Element?]
    private var head = 0
    private(set) var count = 0

    init(minimumCapacity: Int = 16) {
        var capacity = 1
        while capacity < minimumCapacity { capacity *= 2 }
        storage = Array(repeating: nil, count: capacity)
    }

    var isEmpty: Bool { count == 0 }
    var first: Element? { count == 0 ? nil : storage[head] }

    mutating func append(_ element: Element) {
        if count == storage.count { grow() }
        storage[(head + count) & (storage.count - 1)] = element
        count += 1
    }

    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = storage[head]
        storage[head] = nil
        head = (head + 1) & (storage.count - 1)
        count -= 1
        if count == 0, storage.count > 1024 { removeAll() }
        return element
    }

    /// Changes the first element in place; there must be one.
    mutating func updateFirst(_ body: (inout Element) -> Void) {
        guard count > 0, var element = storage[head] else { return }
        body(&element)
        storage[head] = element
    }

    /// Empties the ring and gives its memory back.
    mutating func removeAll() { self = Ring() }

    private mutating func grow() {
        var grown: [Element?] = []
        grown.reserveCapacity(storage.count * 2)
        for index in 0..<count { grown.append(storage[(head + index) & (storage.count - 1)]) }
        grown.append(contentsOf: repeatElement(nil, count: storage.count * 2 - count))
        (storage, head) = (grown, 0)
    }
}
