/// Where names are when each has a node of its own: the comings and goings of nodes, and of names between them.
///
/// A name is at one node at a time. What another node still sends on it does not count: the order of a publisher's
/// messages holds, and what is missed for that is told as a gap.
extension Hub {
    /// The node of slots that no node has: it never has links.
    package static let nowhere: UInt16 = 0

    /// A node that has joined; its slots are given to it through `slots`, and then `placeNames` is called.
    package func addNode() -> HubNode {
        if let node = vacantNodes.popLast() { return node }
        let node = HubNode(index: nodes.count, isSharded: slots != nil, maxPayload: identity.maxPayloadBytes)
        nodes.append(node)
        return node
    }

    /// A node whose links have ended for good, and which has no slots any more.
    package func removeNode(_ node: HubNode) {
        node.isHeldBack = false
        vacantNodes.append(node)
    }

    /// The slots have been given to other nodes: their names follow.
    package func placeNames() {
        guard let slots else { return }
        var names: [UInt32] = []
        table.forEach { index in
            let entry = table.entries[Int(index)]
            if entry.node != slots.node(ofSlot: entry.slot) { names.append(index) }
        }
        // A command names channels of one slot.
        names.sort { table.entries[Int($0)].slot < table.entries[Int($1)].slot }
        for index in names { move(index) }
    }

    /// Gives a slot to a node. What is published there waits until what was published at the node that had it is answered:
    /// so the replies keep their order, and the messages.
    /// - Returns: whether that is news.
    @discardableResult
    package func assign(_ slot: Int, to node: UInt16) -> Bool {
        guard let slots else { return false }
        let former = nodes[Int(slots.node(ofSlot: UInt16(slot)))]
        guard slots.assign(slot, to: node) else { return false }
        if former.publishes.publishesInFlight > 0 { nodes[Int(node)].succeed(former) }
        return true
    }

    /// Answers the requests that waited for a name which has gone, or is to go, where they would wait for long. To be called
    /// once a turn, after the state that this makes has been told.
    package func answerDisplaced() {
        guard !displaced.isEmpty else { return }
        let operations = displaced
        displaced.removeAll()
        for operation in operations { advance(operation) }
    }

    /// Finds the place of a name that nobody had.
    func place(_ index: UInt32) {
        guard let slots else { return }
        let slot = slots.hashSlots.slot(of: table.name(of: index))
        table.entries[Int(index)].slot = slot
        table.entries[Int(index)].node = slots.node(ofSlot: slot)
    }

    /// Takes a name to the node that has its slot. While a command is under way for it, its answer comes first.
    /// - Returns: whether it is, or was given up, at another node than before.
    @discardableResult
    func move(_ index: UInt32) -> Bool {
        guard let slots else { return false }
        let entry = table.entries[Int(index)]
        let destination = slots.node(ofSlot: entry.slot)
        guard entry.node != destination, entry.phase == .absent || entry.phase == .subscribed else { return false }
        if entry.phase == .subscribed, entry.memberCount > 0 { hasBrokenSubscriptions = true }
        noLongerRestoring(index)
        table.entries[Int(index)].phase = .absent
        table.entries[Int(index)].isQueued = false  // what is in the other node's list counts no more
        table.entries[Int(index)].node = destination
        arrive(index)
        return true
    }

    /// A name that is held, and not subscribed to, at a node where it was not before, or was lost.
    private func arrive(_ index: UInt32) {
        let node = nodes[Int(table.entries[Int(index)].node)]
        if node.phase == .detached { displaceWaiters(of: index) }
        guard table.entries[Int(index)].isWanted else { return reconsider(index) }
        guard node.phase != .detached else { return }
        noteMissing(index)
        queue(index)
    }

    /// A name that connections hold is not subscribed to: its node is not whole before it is.
    func noteMissing(_ index: UInt32, isHeld: Bool = false) {
        guard isHeld || table.entries[Int(index)].memberCount > 0, !table.entries[Int(index)].isRestoring else {
            return
        }
        table.entries[Int(index)].isRestoring = true
        nodes[Int(table.entries[Int(index)].node)].restoreRemaining += 1
    }

    /// Requests that wait for Redis's answer about the name need wait no longer: they are going to be answered PENDING.
    /// Not yet: with an answer a connection may end, or another request be carried out, and any name go.
    private func displaceWaiters(of index: UInt32) {
        displaced += waiters.takeAll(from: &table.entries[Int(index)].firstWaiter)
    }

    // MARK: What a node says of its slots

    /// The node has unsubscribed us from a name by itself, since it has lost the slot (`sunsubscribe`).
    package func unsubscribed(redisName: UnsafeRawBufferPointer, by node: HubNode) -> SubscribeReply {
        guard let name = nameStart.rest(of: redisName) else { return .none }
        let index = table.find(name, isPattern: false)
        guard index != ChannelTable.none else { return isReservedName(name) ? .probeUnsubscribed : .none }
        let entry = table.entries[Int(index)]
        // While a command is under way for it, its answer tells. At another node the name is not missed.
        guard Int(entry.node) == node.index, entry.phase == .subscribed else { return .none }
        table.entries[Int(index)].phase = .absent
        if entry.memberCount > 0 { hasBrokenSubscriptions = true }
        if !move(index) {
            noteMissing(index)
            misplaced([index], by: node)
        }
        return .slotLost
    }

    /// The node has not taken names because their slot is not, or not yet, its own.
    func misplaced(_ names: [UInt32], by node: HubNode) {
        for index in names where !move(index) {
            if table.entries[Int(index)].isWanted { node.misplaced.append(index) } else { reconsider(index) }
        }
    }

    /// The node has said where a slot is, and `slots` says so now: names that it did not take go there.
    package func placeMisplaced(_ node: HubNode) {
        for index in node.takeMisplaced() where isMisplaced(index, at: node) && !move(index) {
            node.misplaced.append(index)
        }
    }

    /// Asks the node once more for names that it did not take, or has lost, and that have no other place. To be called now
    /// and then.
    /// - Parameter isPatient: who waits goes on to wait. Else it is not known how long it takes, who waits is told so, and
    ///   holds the name from then on.
    package func retryMisplaced(_ node: HubNode, isPatient: Bool = false) {
        for index in node.takeMisplaced() where isMisplaced(index, at: node) {
            if !isPatient {
                displaceWaiters(of: index)
                noteMissing(index, isHeld: true)
            }
            arrive(index)
        }
    }

    /// Whether what a node's list says of a name still holds.
    private func isMisplaced(_ index: UInt32, at node: HubNode) -> Bool {
        let entry = table.entries[Int(index)]
        return Int(entry.node) == node.index && entry.phase == .absent && entry.isWanted && !entry.isQueued
    }

    /// Whether a subscription that was in force has ended otherwise than with its link since this was asked last.
    package func takeBrokenSubscriptions() -> Bool {
        defer { hasBrokenSubscriptions = false }
        return hasBrokenSubscriptions
    }
}
