@testable import RelayCore

/// A planned failover: a node of a cluster becomes a replica of another one, which has its slots from then on.
extension HubRig {
    /// A member reports that all slots of a node have moved to another one. The node lives on, and takes what it is
    /// sent.
    func failOver(_ former: Int, to successor: Int) {
        let leaving = UInt16(hubNode(former).index)
        var slots = (0..<HashSlots.count).filter { hub.slots!.node(ofSlot: UInt16($0)) == leaving }
        slots.removeAll { $0 == SimulatedNode.ownSlot(former) }
        for slot in slots + [SimulatedNode.ownSlot(former)] {
            nodes[successor].redis.learn(UInt16(slot), isAt: successor)
        }
        lookAtCluster(
            Dictionary(uniqueKeysWithValues: slots.map { ($0, successor) }), leaving: (former, successor))
    }
}
