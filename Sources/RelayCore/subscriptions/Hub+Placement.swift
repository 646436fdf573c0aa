/// Where names are when each has a node of its own: the comings and goings of nodes, and of names between them.
extension Hub {
    /// The node of slots that no node has: it never has links.
    package static let nowhere: UInt16 = 0

    /// A node that has joined; its slots are given to it through `assign`, and then `placeNames` is called.
    package func addNode() -> HubNode { shares.addNode() }

    /// A node whose links have ended for good, and which has no slots any more.
    package func removeNode(_ node: HubNode) { shares.removeNode(node) }

    /// Gives a slot to a node. What is published there waits until what was published at the node that had it is answered:
    /// so the replies keep their order, and the messages.
    /// - Returns: whether that is news.
    @discardableResult
    package func assign(_ slot: Int, to node: UInt16) -> Bool { shares.assign(slot, to: node) }

    /// The slots have been given to other nodes: their names follow.
    package func placeNames() { subscriptions.moveAll() }

    /// The node has said where a slot is, and it has been assigned: names that the node did not take go there.
    package func placeMisplaced(_ node: HubNode) { subscriptions.moveMisplaced(node) }

    /// Asks the node once more for names that it did not take, or has lost, and that have no other place. To be called now
    /// and then.
    /// - Parameter isPatient: who waits goes on to wait. Else it is not known how long it takes, who waits is told so, and
    ///   holds the name from then on.
    package func retryMisplaced(_ node: HubNode, isPatient: Bool = false) {
        subscriptions.retryMisplaced(node, isPatient: isPatient)
    }

    /// Answers the requests that waited for a name which has gone, or is to go, where they would wait for long. To be called
    /// once a turn, after the state that this makes has been told.
    package func answerDisplaced() { advance(subscriptions.takeDisplaced()) }

    /// Whether a subscription that was in force has ended otherwise than with its link; see `takeBrokenSubscriptions`.
    package var hasBrokenSubscriptions: Bool { subscriptions.hasBroken }

    /// Whether a subscription that was in force has ended otherwise than with its link since this was asked last.
    package func takeBrokenSubscriptions() -> Bool { subscriptions.takeBroken() }
}
