/// A new subscribe link has no subscriptions. So everything held is asked for again, and requests may wait for that.
extension Subscriptions {
    /// The node's subscribe link is ready for commands: asks again for all held names of this node.
    func beginRestore(_ node: HubNode) {
        node.phase = .restoring
        var names: [UInt32] = []
        forEach { index in
            guard self[index].node == node.index, self[index].isWanted, index != ownName else { return }
            markMissing(index, isHeld: true)
            names.append(index)
        }
        for index in inOrderOfSlots(names) { enqueue(index) }
        if ownName != ChannelTable.none, self[ownName].node == node.index { enqueue(ownName) }
    }

    /// Sorted by slot: a command names channels of one slot, so the names of a slot are asked for one after the other.
    func inOrderOfSlots(_ names: [UInt32]) -> [UInt32] {
        shares.slots == nil ? names : names.sorted { self[$0].slot < self[$1].slot }
    }

    /// Makes a request wait for the end of the restores that are under way.
    /// - Parameter indices: on a cluster, the nodes of its names.
    func awaitRestores(_ operation: NameOperation, at indices: Set<UInt16>) {
        for node in shares.nodes where node.phase == .restoring && node.isLiveExpected {
            guard shares.slots == nil || indices.contains(UInt16(node.index)) else { continue }
            node.awaitLive(operation)
            operation.waiting += 1
        }
    }
}
