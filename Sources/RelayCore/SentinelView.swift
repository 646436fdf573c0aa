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
        /// It named another one before, also before it was away: it has seen a failover.
        var hasChanged: Bool
    }

    /// How many of the sentinels that have told the highest epoch name a master.
    private struct Candidate {
        var master: Master
        var votes = 0
        var hasChanged = false

        /// Among equals a change is the later news.
        var rank: (Int, Int) { (votes, hasChanged ? 1 : 0) }
    }

    /// By sentinel; nil while it says nothing.
    private var answers: [Answer?]
    /// By sentinel, what it said last, also while it says nothing.
    private var lastAnswers: [Answer?]
    private var believed: (master: Master, epoch: UInt64)?

    package init(sentinels count: Int) {
        answers = Array(repeating: nil, count: count)
        lastAnswers = answers
    }

    /// The master; nil before any sentinel has named one. It stays known when all sentinels are gone.
    package var master: Master? { believed?.master }
    /// The epoch that made it the master; 0 also where sentinels don't tell.
    package var epoch: UInt64? { believed?.epoch }

    /// What one sentinel says now; nil when it says nothing.
    package func master(by sentinel: Int) -> Master? { answers[sentinel]?.master }

    /// A sentinel has named the master.
    /// - Returns: whether this changes who is believed to be the master.
    package mutating func answered(_ sentinel: Int, master: Master, epoch: UInt64) -> Bool {
        let previous = lastAnswers[sentinel]
        let hasChanged = previous.map { $0.hasChanged || $0.master != master } ?? false
        answers[sentinel] = Answer(master: master, epoch: epoch, hasChanged: hasChanged)
        lastAnswers[sentinel] = answers[sentinel]
        return settle()
    }

    /// A sentinel does not know the master, or its connection is gone.
    package mutating func withdrew(_ sentinel: Int) { answers[sentinel] = nil }

    private mutating func settle() -> Bool {
        let current = answers.compactMap(\.self)
        guard let epoch = current.map(\.epoch).max() else { return false }
        // The one that told the epoch we know is away. Unless most of them agree that there is none so high: then they
        // have been set up anew.
        if let believed, epoch < believed.epoch, !isMajority(current.count) { return false }
        guard let candidate = candidate(of: current.filter { $0.epoch == epoch }) else { return false }
        let isNews = candidate.master != believed?.master
        believed = (candidate.master, epoch)
        if isNews { forgetChanges() }
        return isNews
    }

    /// Whom the answers of one epoch name. That they differ happens where sentinels don't tell their epoch, where they
    /// have been set up anew, or where they know the same server by several names. Then the one that is believed stays
    /// until more of them name another: most of all there are, or some that have seen a change.
    private func candidate(of answers: [Answer]) -> Candidate? {
        var candidates: [Candidate] = []
        for answer in answers {
            let index = candidates.firstIndex { $0.master == answer.master } ?? candidates.endIndex
            if index == candidates.endIndex { candidates.append(Candidate(master: answer.master)) }
            candidates[index].votes += 1
            if answer.hasChanged { candidates[index].hasChanged = true }
        }
        guard let strongest = candidates.max(by: { $0.rank < $1.rank }) else { return nil }
        guard let believed, believed.epoch == answers[0].epoch, strongest.master != believed.master else {
            return strongest
        }
        let supported = candidates.first { $0.master == believed.master } ?? Candidate(master: believed.master)
        let isBetter = strongest.votes > supported.votes && (isMajority(strongest.votes) || strongest.hasChanged)
        return isBetter ? strongest : supported
    }

    /// What was seen to change has led to the master that is believed now; another one takes another change.
    private mutating func forgetChanges() {
        for index in answers.indices {
            answers[index]?.hasChanged = false
            lastAnswers[index]?.hasChanged = false
        }
    }

    private func isMajority(_ count: Int) -> Bool { count * 2 > answers.count }
}
