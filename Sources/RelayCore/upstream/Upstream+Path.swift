internal import Configuration

/// The state of the path to Redis, and how a change of it is reported.
extension Upstream {
    /// Runs `body`, in which several links end, without evaluating the path. If needed, the caller evaluates it once
    /// after that.
    func withoutEvaluation(_ body: () -> Void) {
        let wasHeld = isEvaluationHeld
        isEvaluationHeld = true
        body()
        isEvaluationHeld = wasHeld || isEnded
    }

    /// Determines the state of the path, and reports it to everybody if it has changed. Called whenever a link has come
    /// up, has gone, or has failed to come up. If a link was lost, its publishes in flight have been answered before
    /// this call.
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
            hub.status.downMilliseconds = 0  // only for apps that see the change to UP, not for later ones
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

    /// Why the path is not whole; without meaning if it is whole. nil if no reason is known.
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
            cause: failure?.cause ?? .topology, reason: "\(slotsAway) of \(used) slots cannot be used: \(reason)")
    }

    /// The number of hash slots in use that cannot be published to, or are not heard.
    package var slotsAway: Int {
        nodes.reduce(cluster?.slotsWithoutNode ?? 0) { away, node in
            let machine = node.machine
            return away
                + (machine.publishing && (machine.receiving || machine.isMissingNames) ? 0 : node.slotCount)
        }
    }

    /// An attempt to reach Redis has failed. If the relay is configured not to wait for Redis at the start, it ends.
    func attemptFailed(_ link: Link, _ failure: LinkFailure) {
        guard let limit = redis.attemptsAtStart, !path.hasBeenUp, !hasGivenUp, !isStopping, !isEnded,
            link.machine.failedAttempts >= limit,
            // In a cluster, the other members may be replacing the one that cannot be reached.
            cluster == nil || !nodes.flatMap(\.links).contains(where: \.isEstablished)
        else { return }
        hasGivenUp = true
        log(
            .critical, "Redis cannot be used, and abort-connect says not to wait for it",
            ["attempts": "\(limit)", "reason": failure.reason], pace: .asTold)
        act(.giveUp)
    }
}
