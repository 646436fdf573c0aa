/// The Redis nodes, each with its share of the names: one node with all names, or `Hub.nowhere` and the nodes that have
/// slots.
///
/// `Hub` asks it where to publish on a channel, `Subscriptions` asks it where a name has to be.
final class NodeShares {
    /// A node stays at its index. The next node that joins gets the index of one that has gone.
    private(set) var nodes: [HubNode]
    /// Which node has which slots; nil if one node has all names.
    let slots: SlotMap?
    private var vacantNodes: [HubNode] = []
    private let maxPayload: Int

    /// - Parameter hashSlots: the slots of names with the relay's prefix; nil for one node.
    /// - Parameter maxPayload: the relay's own limit.
    init(hashSlots: HashSlots?, maxPayload: Int) {
        (slots, self.maxPayload) = (hashSlots.map(SlotMap.init), maxPayload)
        nodes = [HubNode(index: 0, isSharded: hashSlots != nil, maxPayload: maxPayload)]
    }

    /// Adds a node that has joined, and has no slots.
    func addNode() -> HubNode {
        if let node = vacantNodes.popLast() { return node }
        let node = HubNode(index: nodes.count, isSharded: slots != nil, maxPayload: maxPayload)
        nodes.append(node)
        return node
    }

    /// Removes a node whose links have ended for good, and which has no slots any more.
    func removeNode(_ node: HubNode) {
        node.isHeldBack = false
        vacantNodes.append(node)
    }

    /// Gives a slot to a node. Publishes to the slot wait until the former node has answered those in flight.
    /// - Returns: whether that changes anything.
    func assign(_ slot: Int, to node: UInt16) -> Bool {
        guard let slots else { return false }
        let former = nodes[Int(slots.node(ofSlot: UInt16(slot)))]
        guard slots.assign(slot, to: node) else { return false }
        if former.publishes.publishesInFlight > 0 { nodes[Int(node)].succeed(former) }
        return true
    }
}
