/// What an access list denies: what the relay does without, and when it asks for it again; and which channels are
/// granted if the relay's own channel is denied.
extension RedisNode {
    /// Nanoseconds between two tries, spread by 20 % either way.
    private static let pause: UInt64 = 60_000_000_000

    /// Asks again from time to time, since an access list may have been corrected. Called by `tick`.
    func askDeniedAgainIfDue() {
        guard upstream.now >= deniedAskedAt + Self.pause else { return }
        let spread = UInt64.random(in: 0...(Self.pause / 5 * 2), using: &upstream.random)
        deniedAskedAt = upstream.now - Self.pause / 5 + spread
        askDeniedAgain()
    }

    /// Asks for everything that was denied and can be asked for on an open connection. The name of the subscribe link
    /// cannot be set again: a connection with subscriptions takes no such command.
    func askDeniedAgain() {
        let refused = publishLink.machine.fallbacks.map(\.step)
        if publishLink.isEstablished, refused.contains(.setName), !publishLink.machine.greeting.leavesOut(.setName) {
            publishLink.askForName()
        }
        if machine.role.unavailable != nil, !publishLink.machine.greeting.leavesOut(.role) { machine.askRoleAgain() }
        if channelDenial != nil || machine.probe.unavailable != nil { subscribeLink.subscribeToProbe() }
    }

    /// A server that refused ROLE before has answered it.
    func roleAskedAgain(_ reply: LinkMachine.Reply) {
        guard case .role(let role) = reply, LinkFailure.isRole(role) else {
            return machine.roleRefused(publishLink.shown(reply.description))
        }
        if let failure = LinkFailure.classify(role: role, expected: expectedServer) { return giveUp(failure) }
        machine.roleGranted()
        machine.roleConfirmed(now: upstream.moment.precise, using: &upstream.random)
        for link in links { link.machine.granted(.role) }
        isMended("ROLE")
    }

    /// A server that refused CLIENT SETNAME before has answered it.
    func nameAnswered(_ reply: LinkMachine.Reply) {
        guard reply.isStatus else { return }
        publishLink.machine.granted(.setName)
        isMended("CLIENT SETNAME")
    }

    /// Redis has denied the SUBSCRIBE to the node's own channel.
    func ownChannelDenied(_ text: String) {
        publishesTaken = takenPublishes
        channelDenial = text
        machine.ownChannelDenied()
        probeRefused(text)
    }

    /// Redis has confirmed the SUBSCRIBE to the node's own channel.
    func ownChannelGranted() {
        if channelDenial != nil { isMended("the relay's own channel") }
        channelDenial = nil
        machine.ownChannelGranted()
        upstream.needsEvaluation = true
        if machine.probe.unavailable != nil { machine.probeAllowed() }
    }

    private func isMended(_ what: String) {
        upstream.log(.notice, "Redis grants what it refused before", ["what": what])
    }

    // MARK: Which channels there are

    /// Why the node is not receiving although both links are up, if no channel is known to be granted; nil otherwise.
    var failureOfChannels: LinkFailure? {
        guard machine.isBlind, let channelDenial else { return nil }
        return LinkFailure(
            cause: .auth,
            reason:
                "Redis denies the relay's own channel, and it is not known whether the user may use any other under "
                + "the prefix: no publish and no subscription was accepted yet (\(channelDenial))")
    }

    private var takenPublishes: UInt64 {
        upstream.hub.counters.publishes[.ok] + upstream.hub.counters.publishesUnacknowledged
    }

    /// Checks whether Redis has taken a publish of an app since its own channel was denied. Called by `tick`, so that
    /// nothing has to be done for each publish.
    func noteTakenPublishes() {
        guard machine.isBlind, takenPublishes > publishesTaken else { return }
        channelSeen()
    }

    /// Redis has taken a publish of an app, or has confirmed a name that is not the probe's.
    func channelSeen() {
        guard machine.isBlind else { return }
        machine.channelSeen()
        upstream.evaluatePath()
    }

    /// Redis has denied a channel to an app.
    func channelRefused(_ text: String) {
        guard channelDenial != nil else { return }
        machine.channelRefused()
        upstream.needsEvaluation = true
    }
}
