@testable import RelayCore

/// The links' comings and goings, and what the relay makes of them, without a probe. The node is the first one where
/// none is named.
extension HubRig {
    /// All links come up, and everything held is restored.
    func bringUp() {
        for number in nodes.indices {
            if !nodes[number].isPublishLinkUp { openPublishLink(number) }
            if !nodes[number].isSubscribeLinkUp { openSubscribeLink(number) }
        }
        settle()
    }

    func openPublishLink(_ number: Int = 0) {
        let node = nodes[number]
        node.isPublishLinkUp = true
        node.machine.publishLinkUp(roleUnavailable: nil, now: hub.now, using: &node.random)
        evaluatePath()
    }

    /// The subscribe link is ready for commands; the restore begins.
    func openSubscribeLink(_ number: Int = 0) {
        nodes[number].isSubscribeLinkUp = true
        nodes[number].machine.subscribeLinkUp()
        hub.beginRestore(nodes[number].feed)
        subscribeLinkProgressed(number)
    }

    func subscribeLinkProgressed(_ number: Int = 0) {
        let node = nodes[number]
        guard node.isSubscribeLinkUp else { return }
        if node.machine.isRestored, !node.feed.isWhole { return evaluatePath() }
        guard !node.machine.isRestored, node.feed.isWhole else { return }
        node.machine.subscribeLinkRestored()
        evaluatePath()
    }

    func loseSubscribeLink(_ number: Int = 0) {
        let node = nodes[number]
        node.redis.dropSubscribeLink()
        node.isSubscribeLinkUp = false
        hub.subscribeLinkFailed(node.feed)
        node.machine.subscribeLinkDown()
        evaluatePath()
    }

    /// - Parameter unsent: bytes that Redis got, to be taken for ones that never left, beside those that did not.
    func losePublishLink(_ number: Int = 0, unsent: Int = 0) {
        let node = nodes[number]
        node.redis.dropPublishLink()
        node.isPublishLinkUp = false
        let output = node.feed.publishes.output.count
        hub.publishLinkFailed(node.feed, Self.failure, unsent: unsent + node.dropPublishBacklog() + output)
        node.machine.publishLinkDown()
        evaluatePath()
    }

    static let failure = LinkFailure(cause: .closed, reason: "Redis closed the connection")

    func loseBothLinks(_ number: Int = 0) {
        loseSubscribeLink(number)
        losePublishLink(number)
    }

    func evaluatePath() {
        for node in nodes where node.machine.isRestored && !node.feed.isWhole { node.machine.subscriptionsMissing() }
        if hub.takeBrokenSubscriptions() { movedGaps += 1 }
        var set = NodeSet(nodes.map(\.machine))
        set.otherGaps = movedGaps
        let isChanged = path.update(
            set, failure: Self.failure, now: hub.now,
            unixMilliseconds: hub.now / 1_000_000)
        hub.status = path.status
        for node in nodes { node.feed.isPublishing = node.machine.publishing }
        if isChanged { hub.announce(path.status) }
        for node in nodes where node.machine.receiving { hub.goLiveIfRestored(node.feed) }
    }
}
