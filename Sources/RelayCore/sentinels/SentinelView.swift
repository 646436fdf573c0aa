/// What the sentinels say about where the master is, and which sentinel to believe if they differ.
///
/// Each failover has a number that only grows, the configuration epoch. The address with the highest epoch is the
/// master's (Redis documentation, "Sentinel: Configuration epochs"). A sentinel that was cut off from the others goes
/// on naming the old master with an old epoch, so it is not enough to ask any one of them.
///
/// Sentinels can also name different masters with the same epoch: if they do not report their epoch, if they were set
/// up by hand, or if they know one server by several names. Then all relays must choose the same master, or their apps
/// would not hear each other. So the choice depends only on what the sentinels say, not on their order in the list, and
/// not on which of them answered first: the master with most votes, and among equals the address that sorts first.
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
        /// Whether the sentinel says so now; false if its connection has ended, or if it knows no master any more.
        var isCurrent = true
        /// Whether the answer has a vote. The last answer of a sentinel that is away counts, so that a sentinel that
        /// comes and goes does not move the master. It counts until any sentinel changes its answer: there may have
        /// been a failover since.
        var counts = true
    }

    /// The last answer of each sentinel; nil before its first answer.
    private var answers: [Answer?]
    private var believed: (master: Master, epoch: UInt64)?

    package init(sentinels count: Int) { answers = Array(repeating: nil, count: count) }

    /// The master; nil before any sentinel has named one. It stays known when all sentinels are gone.
    package var master: Master? { believed?.master }
    /// The epoch that made it the master; 0 also if sentinels do not report epochs.
    package var epoch: UInt64? { believed?.epoch }

    /// The master that one sentinel names now; nil if it names none.
    package func master(by sentinel: Int) -> Master? { current(sentinel)?.master }
    /// The epoch that the sentinel reports with this master.
    package func epoch(by sentinel: Int) -> UInt64? { current(sentinel)?.epoch }

    private func current(_ sentinel: Int) -> Answer? {
        guard let answer = answers[sentinel], answer.isCurrent else { return nil }
        return answer
    }

    /// The masters that sentinels name now with the highest reported epoch, those with most votes first. There are
    /// several if nothing shows which of the sentinels is right.
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
        // The sentinel that reported the believed epoch is away, so that epoch still counts. But if most sentinels are
        // heard and report only lower ones, they have been set up again.
        if let believed, epoch < believed.epoch, current.count * 2 <= answers.count { return false }
        let votes = answers.compactMap { $0?.counts == true && $0?.epoch == epoch ? $0 : nil }
        guard let master = Self.ranked(votes).first else { return false }
        let isNews = master != believed?.master
        believed = (master, epoch)
        return isNews
    }

    /// The masters that these answers name, each once, the one to believe first.
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
