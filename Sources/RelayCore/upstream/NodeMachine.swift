/// What one Redis node is worth: a link that publishes, a link that hears, and the proof that what goes into the one
/// comes out of the other. Events and times in, orders out. A single Redis is one node; see `NodeSet`.
///
///     publish link up ───────────────────────────────────────► publishing ┐  with both links up, a direction that
///     subscribe link up ──► everything held is confirmed ────► receiving  ┘  did not count needs a returned probe
///
/// With one link away there can be no probe, and the other's own confirmations must do; but not after the path was
/// found to be bad (a probe overdue, a demoted master): then nothing counts before a probe has come back.
package struct NodeMachine: Sendable {
    /// What a tick asks for.
    package struct Orders: Sendable, Equatable {
        /// Publish a probe with this number.
        package var probe: UInt64?
        /// Send a PING on the subscribe link, and say `backlogRead` when it is answered.
        package var pingsSubscribeLink = false
        /// Ask the server of the publish link for its role.
        package var asksRole = false
        /// Both links are to be given up, for this reason.
        package var failure: LinkFailure?
    }

    /// How much the subscribe link hears of what is held.
    private enum Hearing: Equatable {
        /// There is no subscribe link.
        case down
        /// What was held when the link came up is being asked for.
        case restoring
        /// All that is held has Redis's answer.
        case whole
        /// Names have come since from another node, or were lost here, and have no answer.
        /// - Parameter hadAll: the node was receiving when they came.
        case missing(hadAll: Bool)

        var isDown: Bool { self == .down }
    }

    /// How far it is known that what goes into the publish link comes out of the subscribe link.
    private enum Trust {
        /// Nothing says so, nor the opposite.
        case unproven
        /// A probe has come back over the two connections that are open now.
        case proven
        /// The path was found to be bad, and no probe has come back since.
        case distrusted

        /// One of the connections is another one than before.
        mutating func isNoLongerProven() { if self == .proven { self = .unproven } }
    }

    package private(set) var probe: Probe
    package private(set) var role: RoleCheck
    private var isPublishLinkUp = false
    private var hearing = Hearing.down
    private var trust = Trust.unproven
    /// An access list of Redis denies the relay's own channel, so that nothing of it proves the path.
    private var isOwnChannelDenied = false
    /// What Redis tells of the channels that the user may use, and what has been seen of that.
    private var toldChannels = LinkGreeting.Channels.unknown
    private var channels = LinkGreeting.Channels.unknown
    /// Whether apps' publishes may go this way.
    package private(set) var publishing = false
    /// Whether everything held is heard.
    package private(set) var receiving = false
    /// How often `receiving` has ended.
    package private(set) var gaps: UInt64 = 0

    package init(probe: Probe, role: RoleCheck) { (self.probe, self.role) = (probe, role) }

    // MARK: The links

    /// - Parameter roleUnavailable: what the server answered to ROLE instead of its role, if it did.
    package mutating func publishLinkUp(
        roleUnavailable: String?, now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        isPublishLinkUp = true
        trust.isNoLongerProven()
        probe.demand()
        role.begin(unavailable: roleUnavailable, now: now, using: &random)
        reassess()
    }

    package mutating func publishLinkDown() {
        isPublishLinkUp = false
        trust.isNoLongerProven()
        role.end()
        reassess()
    }

    package mutating func subscribeLinkUp() {
        hearing = .restoring
        channels = toldChannels
        trust.isNoLongerProven()
        probe.allow()
    }

    /// Whether all that is held has Redis's answer, and so has the SUBSCRIBE to the probe's channel.
    package var isWhole: Bool { hearing == .whole }

    /// All that is held has Redis's answer by now.
    package mutating func becameWhole() {
        switch hearing {
        case .down, .whole: return
        case .missing: break
        case .restoring:
            // The subscribe link had broken: the server may be another one by now, or another thing.
            probe.demand()
            role.demand()
        }
        hearing = .whole
        reassess()
    }

    /// What is wanting is the answer about names that have come from another node, or were lost here, and nothing else.
    package var isMissingNames: Bool { if case .missing = hearing { true } else { false } }

    /// Names that are held have come from another node, or were lost here, and have no answer yet. If that is a break, the
    /// hub knows, and it is counted with the cluster's.
    package mutating func subscriptionsMissing() {
        hearing = .missing(hadAll: receiving || hearing == .missing(hadAll: true))
        reassess(countsGap: false)
    }

    package mutating func subscribeLinkDown() {
        // What was heard beside the missing names is heard no more.
        if hearing == .missing(hadAll: true) { gaps += 1 }
        hearing = .down
        trust.isNoLongerProven()
        reassess()
    }

    /// The path is bad although both links are connected, and they are about to be given up. Until a probe has come back
    /// nothing counts.
    package mutating func distrust() {
        guard probe.isEnabled else { return }
        trust = .distrusted
        reassess()
    }

    /// Only a probe could make it receiving, and there can be none before the publish link is back; or only what apps do.
    package var awaitsProofInVain: Bool { !hearing.isDown && (isBlind || !isPublishLinkUp && needsProof) }

    private var needsProof: Bool {
        guard probe.isEnabled else { return false }
        return switch trust {
        case .proven: false
        case .distrusted: true
        case .unproven: isPublishLinkUp && isWhole
        }
    }

    private mutating func reassess(countsGap: Bool = true) {
        let wasReceiving = receiving
        let mayGoOn = !needsProof || trust != .distrusted
        publishing = isPublishLinkUp && mayGoOn && (!needsProof || publishing)
        receiving = isWhole && !isBlind && mayGoOn && (!needsProof || receiving)
        if wasReceiving, !receiving, countsGap { gaps += 1 }
    }

    // MARK: Channels that an access list grants

    /// The relay's own channel is denied, and no other one is known to be granted. Where the operator wants no probes, the
    /// doubt is in favour of the path.
    package var isBlind: Bool {
        isOwnChannelDenied && (channels == .none || channels == .unknown && probe.isWanted)
    }

    /// Redis has denied the relay's own channel.
    package mutating func ownChannelDenied() {
        isOwnChannelDenied = true
        reassess()
    }

    /// The relay's own channel has been subscribed to.
    package mutating func ownChannelGranted() {
        isOwnChannelDenied = false
        reassess()
    }

    /// What Redis says of the channels that the user may use.
    package mutating func channelsTold(_ told: LinkGreeting.Channels) {
        toldChannels = told
        if told != .unknown { channels = told }
        reassess()
    }

    /// Redis has taken a publish of an app, or has confirmed a name that is not the probe's.
    package mutating func channelSeen() {
        channels = .granted
        reassess()
    }

    /// Redis has denied a channel to an app.
    package mutating func channelRefused() {
        guard channels == .unknown else { return }
        channels = .none
        reassess()
    }

    // MARK: Probe and role

    /// Called several times a second, and when a link has come up.
    package mutating func tick(now: UInt64) -> Orders {
        var orders = Orders()
        guard isPublishLinkUp else { return orders }
        orders.asksRole = role.tick(now: now)
        guard isWhole || isMissingNames else { return orders }
        switch probe.tick(now: now) {
        case .none: break
        case .publish(let number): orders.probe = number
        case .pingSubscribeLink: orders.pingsSubscribeLink = true
        case .fail(let failure): orders.failure = failure
        }
        return orders
    }

    /// There is cause to doubt the path: a probe is due, unless one is under way.
    package mutating func doubtPath() { probe.hasten() }

    /// The probe goes another way from now on: what is on its way by the old one counts no more.
    package mutating func renewProbe() { probe.demand() }

    /// What a tick ordered could not be written: it is tried again.
    package mutating func notPublished() { probe.demand() }
    package mutating func roleNotAsked() { role.notAsked() }

    /// Redis has answered the PUBLISH of probe `number`.
    package mutating func probeAnswered(_ number: UInt64) { probe.answered(number: number) }

    /// Everything has been read that Redis had for the subscribe link when the PING was ordered.
    package mutating func backlogRead(now: UInt64) { probe.backlogRead(now: now) }

    /// Probe `number` has come back.
    /// - Returns: the round trip in nanoseconds, or nil when this was not the one that is waited for.
    package mutating func probeHeard(
        _ number: UInt64, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> UInt64? {
        let roundTrip = probe.heard(number: number, now: now, using: &random)
        guard let roundTrip else { return nil }
        trust = .proven
        reassess()
        return roundTrip
    }

    /// Redis refuses the probe's channel, now and always: heartbeats must do.
    package mutating func probeRefused(_ text: String) {
        probe.refused(text)
        if trust == .distrusted { trust = .unproven }
        reassess()
    }

    /// What was refused may be allowed by now, as the probe's channel has been subscribed to: the next one tells.
    package mutating func probeAllowed() {
        probe.allow()
        probe.demand()
        reassess()
    }

    /// Redis could not take the probe this time: the next one tells.
    package mutating func probeFailed(now: UInt64) { probe.failed(now: now) }

    /// The server has answered ROLE with a role that can be used, or with an error of the moment.
    package mutating func roleConfirmed(now: UInt64, using random: inout some RandomNumberGenerator) {
        role.answered(now: now, using: &random)
    }

    /// The server does not tell its role, now and always: heartbeats and probes must do.
    package mutating func roleRefused(_ text: String) { role.refused(text) }

    /// A server that did not tell its role is asked once more.
    package mutating func askRoleAgain() { role.askAgain() }

    /// It does tell it by now.
    package mutating func roleGranted() { role.granted() }

    /// There is cause to doubt that the publish link's server is a master: it is asked at the next tick.
    package mutating func doubtRole() { role.demand() }

    /// Our own loop stood still for so many nanoseconds: they count for no deadline.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) { probe.forgive(nanoseconds, now: now) }
}
