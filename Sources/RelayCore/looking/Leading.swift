/// The first of many items in some order, found in one pass and without sorting the others.
struct Leading<Item> {
    /// A heap: its root is the last of the items that are kept.
    private var heap: [Item] = []
    private let limit: Int
    private let precedes: (Item, Item) -> Bool

    /// - Parameter limit: how many items are kept, at least one.
    init(limit: Int, by precedes: @escaping (Item, Item) -> Bool) { (self.limit, self.precedes) = (limit, precedes) }

    mutating func offer(_ item: Item) {
        if heap.count < limit {
            heap.append(item)
            rise()
        } else if precedes(item, heap[0]) {
            heap[0] = item
            sink()
        }
    }

    /// The items that are kept, in order.
    var inOrder: [Item] { heap.sorted(by: precedes) }

    private mutating func rise() {
        var child = heap.count - 1
        while child > 0, precedes(heap[(child - 1) / 2], heap[child]) {
            heap.swapAt((child - 1) / 2, child)
            child = (child - 1) / 2
        }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var last = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(heap[last], heap[child])
            {
                last = child
            }
            guard last != parent else { return }
            heap.swapAt(parent, last)
            parent = last
        }
    }
}
