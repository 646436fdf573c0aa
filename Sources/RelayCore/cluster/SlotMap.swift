/// The node of each hash slot of a cluster, for names that are sent to the node of their slot (sharded pub/sub; Redis
/// Cluster specification, "Key distribution model").
package final class SlotMap {
    package let hashSlots: HashSlots
    /// By slot, an index in `Hub.nodes`. It has an element for each slot, and all are initialized as long as the map
    /// lives.
    private let nodes: UnsafeMutablePointer<UInt16>

    package init(_ hashSlots: HashSlots) {
        self.hashSlots = hashSlots
        nodes = .allocate(capacity: HashSlots.count)
        nodes.initialize(repeating: Hub.nowhere, count: HashSlots.count)
    }

    deinit { nodes.deallocate() }

    /// The slots that names can have: all of them, unless the prefix has a hash tag of its own.
    package var usedSlots: Range<Int> { hashSlots.fixed.map { Int($0)..<Int($0) + 1 } ?? 0..<HashSlots.count }

    /// The node of a slot.
    @inline(__always)
    package func node(ofSlot slot: UInt16) -> UInt16 {
        precondition(slot < HashSlots.count, "there are 16384 slots")
        return nodes[Int(slot)]
    }

    /// - Returns: whether the slot was at another node before.
    package func assign(_ slot: Int, to node: UInt16) -> Bool {
        precondition(0..<HashSlots.count ~= slot, "there are 16384 slots")
        guard nodes[slot] != node else { return false }
        nodes[slot] = node
        return true
    }

    /// How many of the slots in use each node has, by its index in `Hub.nodes`.
    /// - Parameter nodes: how many nodes there are.
    package func counts(nodes count: Int) -> [Int] {
        var counts = Array(repeating: 0, count: count)
        for slot in usedSlots { counts[Int(nodes[slot])] += 1 }
        return counts
    }
}
