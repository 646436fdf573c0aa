@testable import RelayCore

/// The links' comings and goings, and what the relay makes of them, without a probe.
extension HubRig {
    /// Both links come up, and everything held is restored.
    func bringUp() {
        if !isPublishLinkUp { openPublishLink() }
        if !isSubscribeLinkUp { openSubscribeLink() }
        settle()
    }

    func openPublishLink() {
        isPublishLinkUp = true
        evaluatePath()
    }

    /// The subscribe link is ready for commands; the restore begins.
    func openSubscribeLink() {
        isSubscribeLinkUp = true
        hub.beginRestore()
        subscribeLinkProgressed()
    }

    func subscribeLinkProgressed() {
        guard isSubscribeLinkUp, !isRestored, hub.isRestored else { return }
        isRestored = true
        evaluatePath()
    }

    func loseSubscribeLink() {
        redis.dropSubscribeLink()
        isSubscribeLinkUp = false
        isRestored = false
        hub.subscribeLinkFailed()
        evaluatePath()
    }

    /// - Parameter unsent: bytes that Redis got, to be taken for ones that never left, beside those that did not.
    func losePublishLink(unsent: Int = 0) {
        redis.dropPublishLink()
        isPublishLinkUp = false
        hub.publishLinkFailed(Self.failure, unsent: unsent + dropPublishBacklog() + hub.publishes.output.count)
        evaluatePath()
    }

    static let failure = LinkFailure(cause: .closed, reason: "Redis closed the connection")

    func loseBothLinks() {
        loseSubscribeLink()
        losePublishLink()
    }

    private func evaluatePath() {
        let (publishing, receiving) = (isPublishLinkUp, isSubscribeLinkUp && isRestored)
        let isChanged = path.update(
            publishing: publishing, receiving: receiving, failure: Self.failure, now: hub.now,
            unixMilliseconds: hub.now / 1_000_000)
        hub.status = path.status
        if isChanged { hub.announce(path.status) }
        if receiving { hub.goLiveIfRestored() }
    }
}
