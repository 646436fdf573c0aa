/// What the sentinels say about where the master is, and whom to believe when they differ.
///
/// Each failover has a number that only grows, the configuration epoch, and the address that belongs to the highest one
/// is the master's (Redis documentation, "Sentinel: Configuration epochs"). A sentinel that was cut off from the others
/// goes on naming the old master with an old epoch, so it is not enough to ask any one of them.
///
/// Sentinels can name different masters at one epoch, too: where they do not tell their epoch, where they have been set
/// up by hand, or where they know one server by several names. All relays have to choose the same one then, or their
/// apps would not hear each other. So the choice depends on what the sentinels say, and not on their order in the list,
/// nor on who answered first: most votes, and among equals the address that sorts first.
package struct SentinelView: Sendable {
    package struct Master: Sendable, Hashable {
        package var host: String
        package var port: UInt16

        package init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }
    }

    /// What one sentinel said last.
    private struct Answer {
        var master: Master
        var epoch: UInt64
        /// It says so now; false: its connection is gone, or it knows no master any more.
        var isCurrent = true
        /// Whether it has a vote. The last word of a sentinel that is away counts, so that one that comes and goes does
        /// not move the master, until a sentinel is heard to change its mind: there may have been a failover since.
        var counts = true
    }

    /// By sentinel; nil before its first answer.
    private var answers: [Answer?]
    private var believed: (master: Master, epoch: UInt64)?

    package init(sentinels count: Int) { answers = Array(repeating: nil, count: count) }

    /// The master; nil before any sentinel has named one. It stays known when all sentinels are gone.
    package var master: Master? { believed?.master }
    /// The epoch that made it the master; 0 also where sentinels don't tell.
    package var epoch: UInt64? { believed?.epoch }

    /// What one sentinel says now; nil when it says nothing.
    package func master(by sentinel: Int) -> Master? { current(sentinel)?.master }
    /// The epoch that it tells with that.
    package func epoch(by sentinel: Int) -> UInt64? { current(sentinel)?.epoch }

    private func current(_ sentinel: Int) -> Answer? {
        guard let answer = answers[sentinel], answer.isCurrent else { return nil }
        return answer
    }

    /// The masters that sentinels name now with the highest epoch that is told, those with most votes first: several,
    /// when nothing says which of the sentinels is right.
    package var candidates: [Master] {
        let current = answers.compactMap { $0?.isCurrent == true ? $0 : nil }
        guard let epoch = current.map(\.epoch).max() else { return [] }
        return Self.ranked(current.filter { $0.epoch == epoch })
    }

    /// A sentinel has named the master.
    /// - Returns: whether this changes who is believed to be the master.
    package mutating func answered(_ sentinel: Int, master: Master, epoch: UInt64) -> Bool {
        let hasChanged = answers[sentinel].map { $0.master != master } ?? false
        answers[sentinel] = Answer(master: master, epoch: epoch)
        if hasChanged { forgetThoseAway() }
        return chooseMaster()
    }

    /// The connection to a sentinel is gone.
    package mutating func withdrew(_ sentinel: Int) { answers[sentinel]?.isCurrent = false }

    /// A sentinel does not know the master, or not any more.
    package mutating func knowsNothing(_ sentinel: Int) {
        answers[sentinel]?.isCurrent = false
        answers[sentinel]?.counts = false
    }

    private mutating func forgetThoseAway() {
        for index in answers.indices where answers[index]?.isCurrent == false { answers[index]?.counts = false }
    }

    private mutating func chooseMaster() -> Bool {
        let current = answers.compactMap { $0?.isCurrent == true ? $0 : nil }
        guard let epoch = current.map(\.epoch).max() else { return false }
        // The one that told the epoch we know is away. Unless most of them agree that there is none so high: then they
        // have been set up anew.
        if let believed, epoch < believed.epoch, current.count * 2 <= answers.count { return false }
        let votes = answers.compactMap { $0?.counts == true && $0?.epoch == epoch ? $0 : nil }
        guard let master = Self.ranked(votes).first else { return false }
        let isNews = master != believed?.master
        believed = (master, epoch)
        return isNews
    }

    /// The masters that these answers name, each once, the one to be believed first.
    private static func ranked(_ answers: [Answer]) -> [Master] {
        var votes: [Master: Int] = [:]
        for answer in answers { votes[answer.master, default: 0] += 1 }
        return votes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    }
}

extension SentinelView.Master: Comparable {
    /// An order that is the same everywhere: by the bytes of the host, then by the port.
    package static func < (left: Self, right: Self) -> Bool {
        if left.host == right.host { return left.port < right.port }
        return left.host.utf8.lexicographicallyPrecedes(right.host.utf8)
    }
}
