internal import Logging
internal import Posix
internal import RelayCore

/// What state the path to Redis is in: the links' events come in here, and every connection is told of a change.
extension Relay {
    // MARK: The links

    func publishLinkEstablished() {
        isProven = false
        probe.demand()
        runProbe()
        evaluatePath()
    }

    func publishLinkLost() { isProven = false }

    func subscribeLinkEstablished() {
        isProven = false
        probe.allow()
        subscribeLinkProgressed()
    }

    /// Redis has answered something on the subscribe link.
    func subscribeLinkProgressed() {
        guard !isRestored, hub.isRestored, subscribeLink.isEstablished, subscribeLink.isProbeAnswered else { return }
        isRestored = true
        probe.demand()
        runProbe()
        evaluatePath()
    }

    func subscribeLinkLost() {
        isRestored = false
        isProven = false
    }

    /// A link has come or gone, or has failed to come. When one was lost, its in-flight publishes are answered already.
    func linkChanged() { evaluatePath() }

    // MARK: The probe

    /// Publishes a probe when one is due. To be called several times a second, and when a link is back.
    func runProbe() {
        guard let probeChannel, publishLink.isEstablished, isRestored else { return }
        switch probe.tick(now: Clock.monotonicNanoseconds(), isDrained: !subscribeLink.isBehind) {
        case .none: break
        case .publish(let number):
            guard hub.sendProbe(number: number, channel: probeChannel) else { return probe.demand() }
            publishLink.askRole()
        case .fail(let failure): failBothLinks(failure)
        }
    }

    func probeAnswered(_ number: UInt64) { probe.answered(number: number, now: Clock.monotonicNanoseconds()) }

    func probeHeard(_ number: UInt64) {
        let roundTrip = probe.heard(number: number, now: Clock.monotonicNanoseconds(), using: &random)
        guard let roundTrip else { return }
        roundTrips.record(roundTrip)
        isProven = true
        evaluatePath()
    }

    /// An ACL denies the probe's channel, or the server knows no such command: heartbeats must do.
    func probeRefused(_ text: String) {
        guard probe.isEnabled else { return }
        probe.refused(text)
        logger.warning(
            "Redis refuses the probe; the path is judged by heartbeats alone", metadata: ["reply": "\(text)"])
        evaluatePath()
    }

    /// The server has become a replica without closing its connections.
    func masterIsDemoted(_ failure: LinkFailure) { failBothLinks(failure) }

    private func failBothLinks(_ failure: LinkFailure) {
        isEvaluationHeld = true
        publishLink.fail(failure)
        subscribeLink.fail(failure)
        isEvaluationHeld = false
        evaluatePath()
    }

    // MARK: The state

    /// Works out what the path can do, and tells everybody when that has changed.
    ///
    /// When both links are up, a probe must have come back before either direction counts that did not count before.
    /// With one link there can be no probe, and the link's own confirmations must do.
    func evaluatePath() {
        guard !isEvaluationHeld else { return }
        let (canPublish, canReceive) = (publishLink.isEstablished, subscribeLink.isEstablished && isRestored)
        let isSettled = isProven || !probe.isEnabled || !(canPublish && canReceive)
        let publishing = canPublish && (isSettled || path.status.publishing)
        let receiving = canReceive && (isSettled || path.status.receiving)
        let previous = path.status
        let isChanged = path.update(
            publishing: publishing, receiving: receiving, failure: publishLink.failure ?? subscribeLink.failure,
            now: now, unixMilliseconds: Clock.unixMilliseconds())
        hub.status = path.status
        if isChanged {
            hub.announce(path.status)
            hub.status.downMilliseconds = 0  // for those who see the way to UP, and not for who connects later
        }
        // Another cause of the same state is news to the operator: Redis is back, but refuses the password.
        if isChanged || path.status.cause != previous.cause {
            transitions.log(from: previous, to: path.status, now: now)
        }
        if receiving { hub.goLiveIfRestored() }
    }
}
