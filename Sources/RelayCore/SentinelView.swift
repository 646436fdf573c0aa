/// What the sentinels say about where the master is, and whom to believe when they differ.
///
/// Each failover has a number that only grows, the configuration epoch, and the address that belongs to the highest one
/// is the master's (Redis documentation, "Sentinel: Configuration epochs"). A sentinel that was cut off from the others
/// goes on naming the old master with an old epoch, so it is not enough to ask any one of them.
package struct SentinelView: Sendable {
    package struct Master: Sendable, Hashable {
        package var host: String
        package var port: UInt16

        package init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }
    }

    private struct Answer {
        var master: Master
        var epoch: UInt64
        /// Counts up with each change of what any sentinel says: of two equal epochs, which only sentinels have that do
        /// not tell theirs, the later change is believed.
        var change: UInt64

        func isOlder(than other: Answer) -> Bool { (epoch, change) < (other.epoch, other.change) }
    }

    /// By sentinel; nil while it says nothing.
    private var answers: [Answer?]
    private var believed: Answer?
    private var changes: UInt64 = 0

    package init(sentinels count: Int) { answers = Array(repeating: nil, count: count) }

    /// The master; nil before any sentinel has named one. It stays known when all sentinels are gone.
    package var master: Master? { believed?.master }
    /// The epoch that made it the master; 0 also where sentinels don't tell.
    package var epoch: UInt64? { believed?.epoch }

    /// What one sentinel says now; nil when it says nothing.
    package func master(by sentinel: Int) -> Master? { answers[sentinel]?.master }

    /// A sentinel has named the master.
    /// - Returns: whether this changes who is believed to be the master.
    package mutating func answered(_ sentinel: Int, master: Master, epoch: UInt64) -> Bool {
        var change: UInt64 = 0
        if let previous = answers[sentinel] {
            change = previous.change
            if previous.master != master {
                changes += 1
                change = changes
            }
        }
        answers[sentinel] = Answer(master: master, epoch: epoch, change: change)
        return settle()
    }

    /// A sentinel does not know the master, or its connection is gone.
    package mutating func withdrew(_ sentinel: Int) { answers[sentinel] = nil }

    private mutating func settle() -> Bool {
        let current = answers.compactMap(\.self)
        guard let newest = current.max(by: { $0.isOlder(than: $1) }) else { return false }
        if let believed, newest.isOlder(than: believed) {
            // The one that told the epoch we know is away. Unless most of them agree that there is none so high: then
            // they have been set up anew.
            guard newest.epoch < believed.epoch, current.count * 2 > answers.count else { return false }
        }
        defer { believed = newest }
        return newest.master != believed?.master
    }
}
