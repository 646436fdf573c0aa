/// Which node each name is at, if its slot decides that: nodes join and leave, and names move between them.
extension Hub {
    /// The node for slots that no node has. It never has links.
    package static let nowhere: UInt16 = 0

    /// Adds a node that has joined. After that `assign` gives it its slots, and then `placeNames` is called.
    package func addNode() -> HubNode { shares.addNode() }

    /// Removes a node whose links have ended for good, and which has no slots any more.
    package func removeNode(_ node: HubNode) { shares.removeNode(node) }

    /// Gives a slot to a node. Publishes to the slot wait until the former node has answered those in flight. So the
    /// replies keep their order, and so do the messages.
    /// - Returns: whether that changes anything.
    @discardableResult
    package func assign(_ slot: Int, to node: UInt16) -> Bool { shares.assign(slot, to: node) }

    /// The slots have been given to other nodes: moves their names there.
    package func placeNames() { subscriptions.moveAll() }

    /// The node has reported where a slot is, and it has been assigned: moves names there that the node did not take.
    package func placeMisplaced(_ node: HubNode) { subscriptions.moveMisplaced(node) }

    /// Asks the node again for names that it did not take, or has lost, and that have no other place. To be called now
    /// and then.
    /// - Parameter isPatient: whether requests for these names go on waiting. If not, since nobody knows how long it
    ///   will take, they are answered PENDING, and their connections hold the names from then on.
    package func retryMisplaced(_ node: HubNode, isPatient: Bool = false) {
        subscriptions.retryMisplaced(node, isPatient: isPatient)
    }

    /// Answers the requests that waited for names which have moved, or are to move, if they would wait for long. To be
    /// called once a turn, after the state that results has been reported.
    package func answerDisplaced() { advance(subscriptions.takeDisplaced()) }

    /// Whether a subscription that was in force has ended although its link has not; see `takeBrokenSubscriptions`.
    package var hasBrokenSubscriptions: Bool { subscriptions.hasBroken }

    /// Whether a subscription that was in force has ended although its link has not, since the last call.
    package func takeBrokenSubscriptions() -> Bool { subscriptions.takeBroken() }
}
