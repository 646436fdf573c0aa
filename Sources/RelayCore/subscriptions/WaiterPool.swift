/// Which requests wait for Redis's answer about which name. There is a list for each name, as indices into one array,
/// since nearly every name has no request or one.
struct WaiterPool {
    private struct Node {
        var operation: NameOperation?
        var next: UInt32
    }

    /// Index 0 stands for "none" and is never used.
    private var nodes = [Node(operation: nil, next: 0)]
    private var free: UInt32 = 0
    private var used = 0
    /// With more nodes than this, their memory is given back once none is used.
    private static let keptNodes = 4096

    mutating func add(_ operation: NameOperation, to head: inout UInt32) {
        used += 1
        let node = Node(operation: operation, next: head)
        if free != 0 {
            head = free
            free = nodes[Int(free)].next
            nodes[Int(head)] = node
        } else {
            nodes.append(node)
            head = UInt32(nodes.count - 1)
        }
    }

    /// Empties the list that begins at `head`.
    mutating func takeAll(from head: inout UInt32) -> [NameOperation] {
        var operations: [NameOperation] = []
        while head != 0 {
            let node = nodes[Int(head)]
            used -= 1
            if let operation = node.operation { operations.append(operation) }
            nodes[Int(head)] = Node(operation: nil, next: free)
            (free, head) = (head, node.next)
        }
        if used == 0, nodes.count > Self.keptNodes { self = WaiterPool() }
        return operations
    }
}
