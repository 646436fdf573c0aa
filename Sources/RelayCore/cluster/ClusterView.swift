/// What the members of a cluster say about which node has which slots, and which member to believe if they differ.
///
/// Every change of a slot's master raises the cluster's epoch (Redis Cluster specification, "Configuration epoch"), so
/// what a member with a lower epoch says is old. Changes that a node itself reports (MOVED) count at once; a member
/// that has not learned of them yet does not undo them.
package struct ClusterView: Sendable {
    package typealias Address = ClusterTopology.Address

    package enum Verdict: Sendable, Equatable {
        case unchanged, changed
        /// The member is behind the others.
        case outdated
    }

    private struct Redirected {
        var address: Address
        var at: UInt64
        var epoch: UInt64
    }

    /// For how many nanoseconds after a MOVED a member may still report the old node: news spreads in the cluster
    /// within a second.
    private static let redirectionLifetime: UInt64 = 2_000_000_000

    /// The shortest time between two redirections of a slot, in nanoseconds: nodes that point at each other cause no
    /// storm.
    private static let redirectionPause: UInt64 = 100_000_000

    /// What is believed now; nil before any member has reported something.
    package private(set) var topology: ClusterTopology?
    package private(set) var epoch: UInt64 = 0
    /// By slot, what nodes have reported since.
    private var redirected: [UInt16: Redirected] = [:]
    /// How many members in a row have reported something older than what is believed.
    private var outdatedInARow = 0

    package init() {}

    /// A member has reported what it knows.
    /// - Parameter epoch: the highest epoch that it knows.
    package mutating func answered(_ told: ClusterTopology, epoch: UInt64, now: UInt64) -> Verdict {
        if told == topology, epoch == self.epoch, redirected.isEmpty {
            outdatedInARow = 0
            return .unchanged
        }
        // A member that has just joined the cluster, or left it, knows fewer slots, and no later change.
        if let topology, epoch < self.epoch || epoch == self.epoch && told.slotCount < topology.slotCount {
            outdatedInARow += 1
            // If all members are behind, the cluster has been set up again.
            guard outdatedInARow > topology.masters.count + topology.others.count else { return .outdated }
        }
        outdatedInARow = 0
        let previous = owners
        let wasKnown = topology != nil
        let isNews = told != topology
        (topology, self.epoch) = (told, epoch)
        let owners = told.owners()
        redirected = redirected.filter { slot, redirection in
            let master = Int(owners[Int(slot)])
            let isConfirmed = master < told.masters.count && told.masters[master].address == redirection.address
            return !isConfirmed && epoch <= redirection.epoch && now < redirection.at + Self.redirectionLifetime
        }
        return !wasKnown || isNews || self.owners != previous ? .changed : .unchanged
    }

    /// A node has reported which node has a slot.
    /// - Returns: whether this is new and must be followed.
    package mutating func redirected(_ slot: UInt16, to address: Address, now: UInt64) -> Bool {
        if let last = redirected[slot], now < last.at + Self.redirectionPause { return false }
        guard owner(of: slot) != address else { return false }
        redirected[slot] = Redirected(address: address, at: now, epoch: epoch)
        return true
    }

    /// The loop did not run for `nanoseconds`. What members said in this time is read only now, and may be older than
    /// what a node has reported.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) {
        for (slot, redirection) in redirected { redirected[slot]?.at = min(now, redirection.at + nanoseconds) }
    }

    /// The node that has a slot, as far as is known; nil if none has it.
    package func owner(of slot: UInt16) -> Address? {
        if let redirection = redirected[slot] { return redirection.address }
        return topology?.owner(of: slot)?.address
    }

    /// By slot the node that has it, as far as is known; nil if none has it.
    package var owners: [Address?] {
        guard let topology else { return Array(repeating: nil, count: HashSlots.count) }
        var owners = topology.owners().map {
            Int($0) < topology.masters.count ? topology.masters[Int($0)].address : nil
        }
        for (slot, redirection) in redirected { owners[Int(slot)] = redirection.address }
        return owners
    }

    /// All members that can be asked, masters first.
    package var members: [Address] {
        guard let topology else { return [] }
        return topology.masters.map(\.address) + topology.others
    }
}
