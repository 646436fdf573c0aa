/// The state machine behind Status frames and `/health`: it derives the state that apps see from what the nodes can do.
package struct PathState: Sendable {
    package private(set) var status = RelayStatus()
    /// When the path left UP, or the relay started, in monotonic nanoseconds; nil while the path is UP.
    private var notUpSince: UInt64?
    /// The total time of outages that are over, in nanoseconds.
    private var endedOutageTime: UInt64 = 0
    /// Whether the path has been UP since the relay started.
    package private(set) var hasBeenUp = false
    private var summary: [UInt64] = [0, 0, 0, 0]

    package init(now: UInt64, unixMilliseconds: UInt64) {
        status.sinceUnixMilliseconds = unixMilliseconds
        status.reason = "starting"
        notUpSince = now
    }

    /// Updates the status with what the nodes can do.
    /// - Parameter failure: why the path is not whole; ignored if it is.
    /// - Returns: whether the change must be reported to apps.
    package mutating func update(
        _ nodes: NodeSet, failure: LinkFailure?, now: UInt64, unixMilliseconds: UInt64
    ) -> Bool {
        let (publishing, receiving) = (nodes.publishing, nodes.receiving)
        let state: State =
            switch (publishing, receiving) {
            case _ where status.state == .stopping: .stopping
            case (.all, .all): .up
            case (.none, .none): .down
            default: .degraded
            }
        let previous = status
        (status.publishing, status.receiving) = (publishing == .all, receiving == .all)
        status.gaps = nodes.gaps
        if state != .stopping {
            status.cause = state == .up ? .unspecified : failure?.cause ?? status.cause
            status.reason = state == .up ? "" : failure?.reason ?? status.reason
        }
        status.downMilliseconds = 0
        if status.publishing && status.receiving { enterUp(now: now) } else { leaveUp(now: now) }
        status.state = state
        if state != previous.state { status.sinceUnixMilliseconds = unixMilliseconds }
        defer { summary = nodes.summary }
        return state != previous.state || summary != nodes.summary
    }

    private mutating func enterUp(now: UInt64) {
        guard let since = notUpSince else { return }
        // A relay that shuts down is not on its way to UP, whatever its links do.
        if status.state != .stopping { status.downMilliseconds = (now - since) / 1_000_000 }
        if hasBeenUp { endedOutageTime += now - since }
        (notUpSince, hasBeenUp) = (nil, true)
    }

    private mutating func leaveUp(now: UInt64) {
        guard notUpSince == nil else { return }
        notUpSince = now
        if status.state != .stopping { status.outages += 1 }
    }

    /// The relay has begun to shut down.
    package mutating func stop(unixMilliseconds: UInt64) {
        status.state = .stopping
        status.cause = .stopping
        status.reason = "the relay is shutting down"
        status.sinceUnixMilliseconds = unixMilliseconds
        status.downMilliseconds = 0
    }

    /// For how many nanoseconds the path has not been UP since it was first UP.
    package func outageTime(now: UInt64) -> UInt64 {
        guard hasBeenUp, let since = notUpSince else { return endedOutageTime }
        return endedOutageTime + now - since
    }
}
