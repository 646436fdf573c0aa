internal import Configuration

/// What state the path to Redis is in, and who is told of a change.
extension Upstream {
    /// Runs `body`, in which links end together: the path is looked at once, afterwards.
    func withoutEvaluation(_ body: () -> Void) {
        let wasHeld = isEvaluationHeld
        isEvaluationHeld = true
        body()
        isEvaluationHeld = wasHeld || isEnded
    }

    /// Works out what the path can do, and tells everybody when that has changed. Called whenever a link has come or
    /// gone, or has failed to come; when one was lost, its in-flight publishes are answered already.
    func evaluatePath() {
        guard !isEvaluationHeld else { return }
        needsEvaluation = false
        for node in nodes { node.noteMissingSubscriptions() }
        var set = NodeSet(nodes.map(\.machine))
        if let cluster {
            cluster.countBrokenSubscriptions(isReceiving: set.receiving == .all && cluster.slotsWithoutNode == 0)
            (set.slotsWithoutNode, set.otherGaps) = (cluster.slotsWithoutNode, cluster.gaps)
        }
        let previous = path.status
        let isChanged = path.update(set, failure: failure, now: now, unixMilliseconds: moment.unixMilliseconds)
        hub.status = path.status
        if isChanged || path.status.cause != previous.cause || path.status.gaps != previous.gaps {
            pathHistory.append(path.status, unixMilliseconds: moment.unixMilliseconds)
        }
        if path.hasBeenUp { tellReady() }
        for node in nodes { node.hubNode.isPublishing = node.machine.publishing }
        if isChanged {
            hub.announce(path.status)
            hub.status.downMilliseconds = 0  // for those who see the way to UP, and not for who connects later
        }
        if isChanged || path.status.cause != previous.cause {
            log(transitions.changed(from: previous, to: path.status, slotsAway: slotsAway, now: moment.precise))
        }
        for node in nodes {
            node.hubNode.isLiveExpected = !node.machine.awaitsProofInVain
            if node.machine.receiving {
                hub.goLiveIfWhole(node.hubNode)
            } else if !node.hubNode.isLiveExpected {
                hub.answerWaiting(node.hubNode)
            }
        }
    }

    /// Why the path is not whole; nil when it is, or when that is not known yet.
    private var failure: LinkFailure? {
        let failure = nodes.lazy.compactMap(\.failure).first
        guard let cluster, cluster.pubsub == .sharded, cluster.view.topology != nil else {
            return failure ?? cluster?.failure
        }
        let used = hub.slots?.usedSlots.count ?? 0
        if slotsAway == 0 {
            let names = nodes.reduce(0) { $0 + $1.hubNode.restoreRemaining }
            let reason =
                switch names {
                case 0: "hash slots are being moved from node to node"
                case 1: "1 subscription is moving to the node that has its slot now"
                default: "\(names) subscriptions are moving to the nodes that have their slots now"
                }
            return LinkFailure(cause: .topology, reason: reason)
        }
        let isMasterless = slotsAway == cluster.slotsWithoutNode
        if !path.hasBeenUp, failure == nil, !isMasterless { return nil }
        let reason =
            failure?.reason
            ?? (isMasterless ? "the cluster has no master for them" : "links to their nodes are connecting")
        return LinkFailure(
            cause: failure?.cause ?? .topology, reason: "\(slotsAway) of \(used) slots are unreachable: \(reason)")
    }

    /// Hash slots in use that cannot be published to, or are not heard.
    package var slotsAway: Int {
        nodes.reduce(cluster?.slotsWithoutNode ?? 0) { away, node in
            let machine = node.machine
            return away
                + (machine.publishing && (machine.receiving || machine.isMissingNames) ? 0 : node.slotCount)
        }
    }

    /// An attempt to reach Redis has failed. If the relay was told not to wait for Redis at the start, it ends.
    func attemptFailed(_ link: Link, _ failure: LinkFailure) {
        guard let limit = redis.attemptsAtStart, !path.hasBeenUp, !hasGivenUp, !isStopping, !isEnded,
            link.machine.failedAttempts >= limit,
            // Of a cluster, the others may be replacing the one that is away.
            cluster == nil || !nodes.flatMap(\.links).contains(where: \.isEstablished)
        else { return }
        hasGivenUp = true
        log(
            .critical, "Redis cannot be used, and abort-connect says not to wait for it",
            ["attempts": "\(limit)", "reason": failure.reason], pace: .asTold)
        act(.giveUp)
    }
}
