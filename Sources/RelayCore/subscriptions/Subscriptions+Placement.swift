/// How names move between nodes, if each name belongs to the node of its slot.
///
/// A name is at one node at a time. What another node still sends on it is ignored. So the messages of a publisher keep
/// their order, and what is missed for that is reported as a gap.
extension Subscriptions {
    /// Slots have been given to other nodes: moves their names there.
    func moveAll() {
        guard let slots = shares.slots else { return }
        var names: [UInt32] = []
        forEach { index in
            if self[index].node != slots.node(ofSlot: self[index].slot) { names.append(index) }
        }
        for index in inOrderOfSlots(names) { moveToItsNode(index) }
    }

    /// Moves a name to the node that has its slot. While a command is under way for it, the answer has to come first.
    /// - Returns: whether the name has left its node: it is at another node now, or has been given up there.
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

    /// Continues with a name that is not subscribed to: it has come to a node, or must be asked for there again.
    private func arrive(_ index: UInt32) {
        let node = node(of: index)
        if node.phase == .detached { displaceWaiters(of: index) }
        guard self[index].isWanted else { return reconsider(index) }
        guard node.phase != .detached else { return }
        markMissing(index)
        enqueue(index)
    }

    // MARK: What a node says of its slots

    /// The node itself has ended our subscription to a name, since it has lost the slot.
    /// - Returns: false if that means nothing: the name is at another node, or the answer to a command that is under
    ///   way for it decides.
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

    /// The node has reported where a slot is, and `slots` has that by now: moves the names that it did not take there.
    func moveMisplaced(_ node: HubNode) {
        for index in node.takeMisplaced() where isMisplaced(index, at: node) && !moveToItsNode(index) {
            node.misplaced.append(index)
        }
    }

    /// Asks the node again for names that it did not take, or has lost, and that have no other place.
    /// - Parameter isPatient: whether requests for these names go on waiting. If not, since nobody knows how long it
    ///   will take, they are answered PENDING, and their connections hold the names from then on.
    func retryMisplaced(_ node: HubNode, isPatient: Bool) {
        for index in node.takeMisplaced() where isMisplaced(index, at: node) {
            if !isPatient {
                displaceWaiters(of: index)
                markMissing(index, isHeld: true)
            }
            arrive(index)
        }
    }

    /// Whether an entry in a node's list still holds.
    private func isMisplaced(_ index: UInt32, at node: HubNode) -> Bool {
        let entry = self[index]
        return Int(entry.node) == node.index && entry.phase == .absent && entry.isWanted && !entry.isQueued
    }
}
