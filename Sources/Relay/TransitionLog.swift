internal import Logging
internal import RelayCore

/// One line per change of state, and one for each further cause of the same state: Redis is back, but refuses the
/// password. When the path flaps, a summary at most every ten seconds.
struct TransitionLog {
    private static let window: UInt64 = 10_000_000_000
    private static let linesPerWindow = 6

    private let logger: Logger
    private var windowBegan: UInt64 = 0
    private var lines = 0
    private var suppressed = 0
    /// When something was last logged, or not worth it.
    private var slotsAway = 0
    /// Causes that have been logged since the state last changed.
    private var causes: Set<Cause> = []
    /// Those that were logged within the window.
    private var causesOfWindow: Set<Cause> = []
    /// What somebody has to mend is told once a window, however much the state changes.
    private static let toBeMended: Set<Cause> = [.auth, .tls, .topology]

    init(logger: Logger) { self.logger = logger }

    /// - Parameter slotsAway: of a cluster, how many of its slots; that there are more of them is news.
    mutating func log(from previous: RelayStatus, to status: RelayStatus, slotsAway: Int, now: UInt64) {
        flush(status: status, now: now)
        let isWorse = slotsAway > self.slotsAway
        self.slotsAway = slotsAway
        if (previous.state, previous.publishing, previous.receiving)
            == (status.state, status.publishing, status.receiving)
        {
            guard isWorse || !causes.contains(status.cause) else { return }
        } else {
            causes.removeAll()
        }
        causes.insert(status.cause)
        if now - windowBegan >= Self.window { (windowBegan, lines, causesOfWindow) = (now, 0, []) }
        let isNews = causesOfWindow.insert(status.cause).inserted && Self.toBeMended.contains(status.cause)
        guard lines < Self.linesPerWindow || isNews else {
            suppressed += 1
            return
        }
        lines += 1
        write("state changed", status, ["from": "\(previous.state.label)"])
    }

    /// Writes the summary that is due. To be called now and then.
    mutating func flush(status: RelayStatus, now: UInt64) {
        guard suppressed > 0, now - windowBegan >= Self.window else { return }
        write("the state keeps changing", status, ["changes_not_logged": "\(suppressed)"])
        (suppressed, windowBegan, lines, causesOfWindow) = (0, now, 1, [])
    }

    private func write(_ message: Logger.Message, _ status: RelayStatus, _ more: Logger.Metadata) {
        var metadata = more
        metadata["state"] = "\(status.state.label)"
        metadata["outages"] = "\(status.outages)"
        if status.state == .up {
            metadata["down_ms"] = "\(status.downMilliseconds)"
        } else {
            metadata["cause"] = "\(status.cause.label)"
            metadata["reason"] = "\(status.reason)"
            metadata["publishing"] = "\(status.publishing)"
            metadata["receiving"] = "\(status.receiving)"
        }
        switch status.state {
        case .up: logger.notice(message, metadata: metadata)
        case .degraded where status.cause == .starting: logger.notice(message, metadata: metadata)
        case .stopping: logger.notice(message, metadata: metadata)
        case .degraded, .down: logger.warning(message, metadata: metadata)
        }
    }
}
