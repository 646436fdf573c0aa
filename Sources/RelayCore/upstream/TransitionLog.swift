/// One line per change of state, and one for each further cause of the same state: Redis is back, but refuses the
/// password. When the path flaps, a summary at most every ten seconds.
package struct TransitionLog: Sendable {
    private var limiter = LineLimiter()
    private var slotsAway = 0
    /// Causes that have been logged since the state last changed.
    private var causes: Set<Cause> = []
    /// Those that were logged within the window.
    private var causesOfWindow: Set<Cause> = []

    package init() {}

    /// The path has changed.
    /// - Parameter slotsAway: of a cluster, how many of its slots; that there are more of them is news.
    /// - Parameter now: when that is, and not when the turn began: on a busy machine that may be long ago.
    /// - Returns: the lines to write.
    package mutating func changed(
        from previous: RelayStatus, to status: RelayStatus, slotsAway: Int, now: UInt64
    ) -> [LogLine] {
        let summary = self.summary(status: status, now: now)
        let isWorse = slotsAway > self.slotsAway
        self.slotsAway = slotsAway
        if (previous.state, previous.publishing, previous.receiving)
            == (status.state, status.publishing, status.receiving)
        {
            guard isWorse || !causes.contains(status.cause) else { return summary }
        } else {
            causes.removeAll()
        }
        causes.insert(status.cause)
        if limiter.isWindowOver(now: now) { causesOfWindow = [] }
        let isNews = causesOfWindow.insert(status.cause).inserted && status.cause.isForPeopleToMend
        guard limiter.admits(now: now, isUrgent: isNews) else { return summary }
        limiter.wrote(now: now)
        return summary + [line("state changed", status, ["from": previous.state.label])]
    }

    /// The summary that is due. To be asked now and then.
    /// - Parameter isLast: one that is not due yet, too.
    package mutating func summary(status: RelayStatus, now: UInt64, isLast: Bool = false) -> [LogLine] {
        guard let changes = limiter.takeSummary(now: now, isLast: isLast) else { return [] }
        causesOfWindow = []
        limiter.wrote(now: now)
        return [line("the state keeps changing", status, ["changes_not_logged": "\(changes)"])]
    }

    private func line(_ message: String, _ status: RelayStatus, _ more: [String: String]) -> LogLine {
        var metadata = more
        metadata["state"] = status.state.label
        metadata["outages"] = "\(status.outages)"
        if status.state == .up {
            metadata["down_ms"] = "\(status.downMilliseconds)"
        } else {
            metadata["cause"] = status.cause.label
            metadata["reason"] = status.reason
            metadata["publishing"] = "\(status.publishing)"
            metadata["receiving"] = "\(status.receiving)"
        }
        let level: LogLine.Level =
            switch status.state {
            case .up, .stopping: .notice
            case .degraded where status.cause == .starting: .notice
            case .degraded, .down: .warning
            }
        return LogLine(level, message, metadata)
    }
}
