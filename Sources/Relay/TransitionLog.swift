internal import Logging
internal import Posix
internal import RelayCore

/// One line per change of state, and one for each further cause of the same state: Redis is back, but refuses the
/// password. When the path flaps, a summary at most every ten seconds.
struct TransitionLog {
    private let logger: Logger
    private var limiter = LineLimiter()
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
        if limiter.isWindowOver(now: now) { causesOfWindow = [] }
        let isNews = causesOfWindow.insert(status.cause).inserted && Self.toBeMended.contains(status.cause)
        guard limiter.admits(now: now, isUrgent: isNews) else { return }
        write("state changed", status, ["from": "\(previous.state.label)"])
    }

    /// Writes the summary that is due. To be called now and then.
    /// - Parameter isLast: one that is not due yet, too.
    mutating func flush(status: RelayStatus, now: UInt64, isLast: Bool = false) {
        guard let changes = limiter.takeSummary(now: now, isLast: isLast) else { return }
        causesOfWindow = []
        write("the state keeps changing", status, ["changes_not_logged": "\(changes)"])
    }

    private mutating func write(_ message: Logger.Message, _ status: RelayStatus, _ more: Logger.Metadata) {
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
        limiter.wrote(now: Clock.monotonicNanoseconds())
    }
}
