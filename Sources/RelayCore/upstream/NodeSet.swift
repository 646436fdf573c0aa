/// The nodes together: one for a single Redis, several for a cluster, each with its share of the channels.
package struct NodeSet: Sendable {
    /// How many of the nodes can do something.
    package enum Reach: Sendable, Equatable { case none, some, all }

    package var nodes: [NodeMachine]
    /// Hash slots in use that no node has.
    package var slotsWithoutNode = 0
    /// Breaks in receiving of nodes that have gone, and of subscriptions that have moved.
    package var otherGaps: UInt64 = 0

    package init(_ nodes: [NodeMachine]) { self.nodes = nodes }

    package var publishing: Reach { reach(\.publishing) }
    package var receiving: Reach { reach(\.receiving) }
    /// How many nodes can publish and receive, how many gaps there were, and how many slots have no node. If two sets
    /// are equal in this, they are the same to apps.
    package var summary: [UInt64] {
        [
            UInt64(nodes.count(where: \.publishing)), UInt64(nodes.count(where: \.receiving)), gaps,
            UInt64(slotsWithoutNode),
        ]
    }
    /// Breaks in receiving, of all nodes together.
    package var gaps: UInt64 { nodes.reduce(otherGaps) { $0 + $1.gaps } }

    private func reach(_ property: KeyPath<NodeMachine, Bool>) -> Reach {
        let count = nodes.count { $0[keyPath: property] }
        return count == 0 ? .none : count == nodes.count && slotsWithoutNode == 0 ? .all : .some
    }
}
