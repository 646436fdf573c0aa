/// The fleet's channel: what comes on it, and what is published there.
extension Hub {
    /// A message has come on a name that is subscribed to and that no app holds: the fleet's channel, or a name that is
    /// being given up.
    @inline(never)
    func heardByNoApp(_ index: UInt32, _ payload: UnsafeRawBufferPointer) {
        guard index == subscriptions.ownName else { return }
        counters.messagesReceived -= 1  // it is for no app
        fleet?.heard(payload, now: now)
    }

    /// Whether Redis has the subscription to the fleet's channel.
    package var isFleetHeard: Bool { fleet != nil && subscriptions.isInForce(subscriptions.ownName) }

    /// Asks for the fleet's channel again, which Redis has denied.
    func askForFleetAgain() {
        guard subscriptions.node(of: subscriptions.ownName).phase != .detached else { return }
        subscriptions.enqueue(subscriptions.ownName)
    }

    /// The node that the fleet's channel belongs to, if it takes publishes now.
    var fleetNode: HubNode? {
        let node = subscriptions.node(of: subscriptions.ownName)
        return node.isPublishing && !node.isCongested ? node : nil
    }
}
