extension Upstream {
    /// The relay begins to stop, and announces this to apps and to the other relays.
    package func stop() {
        isStopping = true
        path.stop(unixMilliseconds: moment.unixMilliseconds)
        pathHistory.append(path.status, unixMilliseconds: moment.unixMilliseconds)
        hub.announce(path.status)
        announceLeaving()
    }

    /// Whether the last connection has ended and Redis has everything that was published. If a connection to Redis is
    /// closed while answers on it are unread, what Redis has not read yet is lost.
    package var hasStopped: Bool {
        guard isStopping, hub.connectionCount == 0, !isLeavingUnderWay else { return false }
        let all = nodes + (cluster?.leaving ?? [])
        return all.allSatisfy { $0.hubNode.publishes.publishesInFlight == 0 }
    }

    /// Answers the publishes in flight, and ends all links for good.
    package func end() {
        guard !isEnded else { return }
        isEnded = true
        isEvaluationHeld = true  // the links end because the relay ends: this is not an outage
        let failure = LinkFailure(cause: .stopping, reason: "the relay has stopped")
        for node in nodes { node.stop(failure) }
        sentinels?.stop(failure)
        cluster?.stop(failure)
        hub.emitPublishLosses(all: true)
        log(transitions.summary(status: path.status, now: moment.precise, isLast: true))
    }
}
