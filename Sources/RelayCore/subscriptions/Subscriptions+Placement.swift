/// How names go from node to node, where each has the node of its slot.
///
/// A name is at one node at a time. What another node still sends on it does not count: the order of a publisher's
/// messages holds, and what is missed for that is told as a gap.
extension Subscriptions {
    /// Slots have been given to other nodes: their names follow.
    func moveAll() {
        guard let slots = shares.slots else { return }
        var names: [UInt32] = []
        forEach { index in
            if self[index].node != slots.node(ofSlot: self[index].slot) { names.append(index) }
        }
        for index in inOrderOfSlots(names) { moveToItsNode(index) }
    }

    /// Takes a name to the node that has its slot. While a command is under way for it, its answer comes first.
    /// - Returns: whether it is, or was given up, at another node than before.
    @discardableResult
    func moveToItsNode(_ index: UInt32) -> Bool {
        guard let slots = shares.slots else { return false }
        let entry = self[index]
        let destination = slots.node(ofSlot: entry.slot)
        guard entry.node != destination, entry.phase == .absent || entry.phase == .subscribed else { return false }
        move(index, to: destination)
        arrive(index)
        return true
    }

    /// A name that is held, and not subscribed to, at a node where it was not before, or was lost.
    private func arrive(_ index: UInt32) {
        let node = node(of: index)
        if node.phase == .detached { displaceWaiters(of: index) }
        guard self[index].isWanted else { return reconsider(index) }
        guard node.phase != .detached else { return }
        markMissing(index)
        enqueue(index)
    }

    // MARK: What a node says of its slots

    /// The node has unsubscribed us from a name by itself, since it has lost the slot.
    /// - Returns: false where that says nothing: the name is elsewhere, or a command is under way for it, and its
    ///   answer tells.
    func lost(_ index: UInt32, by node: HubNode) -> Bool {
        guard Int(self[index].node) == node.index, self[index].phase == .subscribed else { return false }
        endedByNode(index)
        if !moveToItsNode(index) {
            markMissing(index)
            misplaced([index], by: node)
        }
        return true
    }

    /// The node has not taken names because their slot is not, or not yet, its own.
    func misplaced(_ names: [UInt32], by node: HubNode) {
        for index in names where !moveToItsNode(index) {
            if self[index].isWanted { node.misplaced.append(index) } else { reconsider(index) }
        }
    }

    /// The node has said where a slot is, and `slots` says so now: names that it did not take go there.
    func moveMisplaced(_ node: HubNode) {
        for index in node.takeMisplaced() where isMisplaced(index, at: node) && !moveToItsNode(index) {
            node.misplaced.append(index)
        }
    }

    /// Asks the node once more for names that it did not take, or has lost, and that have no other place.
    /// - Parameter isPatient: who waits goes on to wait. Else it is not known how long it takes, who waits is told so, and
    ///   holds the name from then on.
    func retryMisplaced(_ node: HubNode, isPatient: Bool) {
        for index in node.takeMisplaced() where isMisplaced(index, at: node) {
            if !isPatient {
                displaceWaiters(of: index)
                markMissing(index, isHeld: true)
            }
            arrive(index)
        }
    }

    /// Whether what a node's list says of a name still holds.
    private func isMisplaced(_ index: UInt32, at node: HubNode) -> Bool {
        let entry = self[index]
        return Int(entry.node) == node.index && entry.phase == .absent && entry.isWanted && !entry.isQueued
    }
}
