/// What is logged about the state of the path: a line for each change of state, and a line for each further cause of
/// the same state, for example if Redis is back but refuses the password. While the path flaps, a summary is logged at
/// most every ten seconds.
package struct TransitionLog: Sendable {
    private var limiter = LineLimiter()
    private var slotsAway = 0
    /// Causes that have come up since the state last changed.
    private var causes: Set<Cause> = []
    /// Causes that have come up in the limiter's current window.
    private var causesOfWindow: Set<Cause> = []

    package init() {}

    /// The path has changed.
    /// - Parameter slotsAway: how many slots of a cluster are away. If they are more than before, that is logged.
    /// - Parameter now: the time of the change, not of the turn: on a busy machine the turn may have begun long ago.
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

    /// The summary, if one is due. To be called regularly.
    /// - Parameter isLast: whether to return a summary that is not due yet, too.
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
