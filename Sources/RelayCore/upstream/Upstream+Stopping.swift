extension Upstream {
    /// The relay has begun to stop: apps are told.
    package func stop() {
        isStopping = true
        path.stop(unixMilliseconds: moment.unixMilliseconds)
        pathHistory.append(path.status, unixMilliseconds: moment.unixMilliseconds)
        hub.announce(path.status)
        announceLeaving()
    }

    /// Whether the last connection has gone, and everything that it wrote is with Redis: a connection to Redis that is closed
    /// with unread answers takes with it what Redis has not read yet.
    package var hasStopped: Bool {
        guard isStopping, hub.connectionCount == 0, !isLeavingUnderWay else { return false }
        let all = nodes + (cluster?.leaving ?? [])
        return all.allSatisfy { $0.hubNode.publishes.publishesInFlight == 0 }
    }

    /// Answers what is in flight, and ends all links for good.
    package func end() {
        guard !isEnded else { return }
        isEnded = true
        isEvaluationHeld = true  // the links end because we end: that is no outage
        let failure = LinkFailure(cause: .stopping, reason: "the relay has stopped")
        for node in nodes { node.stop(failure) }
        sentinels?.stop(failure)
        cluster?.stop(failure)
        hub.emitPublishLosses(all: true)
        log(transitions.summary(status: path.status, now: moment.precise, isLast: true))
    }
}
