/// A subscribe link begins with nothing, so everything held has to be asked for again, and requests may wait for that.
extension Subscriptions {
    /// The node's subscribe link is ready for commands: its share of everything held is asked for again.
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

    /// A command names channels of one slot, so those of a slot are asked for one after the other.
    func inOrderOfSlots(_ names: [UInt32]) -> [UInt32] {
        shares.slots == nil ? names : names.sorted { self[$0].slot < self[$1].slot }
    }

    /// Has a request wait for the end of restores under way.
    /// - Parameter indices: of a cluster, the nodes of its names.
    func awaitRestores(_ operation: NameOperation, at indices: Set<UInt16>) {
        for node in shares.nodes where node.phase == .restoring && node.isLiveExpected {
            guard shares.slots == nil || indices.contains(UInt16(node.index)) else { continue }
            node.awaitLive(operation)
            operation.waiting += 1
        }
    }
}
