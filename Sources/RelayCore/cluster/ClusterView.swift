/// What the members of a cluster say about who has which slots, and whom to believe when they differ.
///
/// Every change of who is a slot's master raises the cluster's epoch (Redis Cluster specification, "Configuration epoch"),
/// so what a member with a lower one says is old. Changes that a node itself tells (MOVED) count at once; a member that
/// has not heard of them yet does not undo them.
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

    /// How long a member may go on telling what was before a MOVED, in nanoseconds: news spread within one.
    private static let redirectionLifetime: UInt64 = 2_000_000_000

    /// How soon a slot can be redirected once more, in nanoseconds: nodes that point at each other make no storm.
    private static let redirectionPause: UInt64 = 100_000_000

    /// What was last believed; nil before any member has said something.
    package private(set) var topology: ClusterTopology?
    package private(set) var epoch: UInt64 = 0
    /// By slot, what nodes have told us since.
    private var redirected: [UInt16: Redirected] = [:]
    /// Members in a row that were behind what is believed.
    private var outdatedInARow = 0

    package init() {}

    /// A member has told what it knows.
    /// - Parameter epoch: the highest that it knows.
    package mutating func answered(_ told: ClusterTopology, epoch: UInt64, now: UInt64) -> Verdict {
        if told == topology, epoch == self.epoch, redirected.isEmpty {
            outdatedInARow = 0
            return .unchanged
        }
        // One that has just been taken into the cluster, or out of it, knows of fewer slots and of no later change.
        if let topology, epoch < self.epoch || epoch == self.epoch && told.slotCount < topology.slotCount {
            outdatedInARow += 1
            // All of them are so: then the cluster has been set up anew.
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

    /// A node has told who has a slot.
    /// - Returns: whether that is news, and to be followed.
    package mutating func redirected(_ slot: UInt16, to address: Address, now: UInt64) -> Bool {
        if let last = redirected[slot], now < last.at + Self.redirectionPause { return false }
        guard owner(of: slot) != address else { return false }
        redirected[slot] = Redirected(address: address, at: now, epoch: epoch)
        return true
    }

    /// Our own loop stood still for so many nanoseconds: what members said meanwhile is read only now, and may be older than
    /// what a node has told.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) {
        for (slot, redirection) in redirected { redirected[slot]?.at = min(now, redirection.at + nanoseconds) }
    }

    /// Who has a slot, as far as is known.
    package func owner(of slot: UInt16) -> Address? {
        if let redirection = redirected[slot] { return redirection.address }
        return topology?.owner(of: slot)?.address
    }

    /// By slot who has it, as far as is known; nil for what nobody has.
    package var owners: [Address?] {
        guard let topology else { return Array(repeating: nil, count: HashSlots.count) }
        var owners = topology.owners().map {
            Int($0) < topology.masters.count ? topology.masters[Int($0)].address : nil
        }
        for (slot, redirection) in redirected { owners[Int(slot)] = redirection.address }
        return owners
    }

    /// Everybody who can be asked, masters first.
    package var members: [Address] {
        guard let topology else { return [] }
        return topology.masters.map(\.address) + topology.others
    }
}
