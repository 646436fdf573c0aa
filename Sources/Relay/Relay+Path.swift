internal import Configuration
internal import Logging
internal import Posix
internal import RelayCore

/// What state the path to Redis is in, and who is told of a change.
extension Relay {
    /// Runs `body`, in which links end together: the path is looked at once, afterwards.
    func withoutEvaluation(_ body: () -> Void) {
        isEvaluationHeld = true
        body()
        isEvaluationHeld = isEnded
    }

    /// Works out what the path can do, and tells everybody when that has changed. Called whenever a link has come or
    /// gone, or has failed to come; when one was lost, its in-flight publishes are answered already.
    func evaluatePath() {
        guard !isEvaluationHeld else { return }
        let set = NodeSet(nodes.map(\.machine))
        let previous = path.status
        let isChanged = path.update(
            set, failure: nodes.lazy.compactMap(\.failure).first, now: now,
            unixMilliseconds: Clock.unixMilliseconds())
        hub.status = path.status
        if path.hasBeenUp { announceReady() }
        for node in nodes { node.feed.isPublishing = node.machine.publishing }
        if isChanged {
            hub.announce(path.status)
            hub.status.downMilliseconds = 0  // for those who see the way to UP, and not for who connects later
        }
        if isChanged || path.status.cause != previous.cause {
            transitions.log(from: previous, to: path.status, now: now)
        }
        for node in nodes {
            node.feed.isLiveExpected = !node.machine.awaitsProofInVain
            if node.machine.receiving {
                hub.goLiveIfRestored(node.feed)
            } else if !node.feed.isLiveExpected {
                hub.answerWaiting(node.feed)
            }
        }
    }

    /// An attempt to reach Redis has failed. If the relay was told not to wait for Redis at the start, it ends.
    func attemptFailed(_ link: NodeLink, _ failure: LinkFailure) {
        guard let limit = configuration.redis.attemptsAtStart, !path.hasBeenUp, !isStopping, !isEnded,
            link.machine.failedAttempts >= limit
        else { return }
        logger.critical(
            "Redis cannot be used, and abort-connect says not to wait for it",
            metadata: ["attempts": "\(limit)", "reason": "\(failure.reason)"])
        exitCode = 1
        stopRequested(by: "abort-connect")
    }
}
