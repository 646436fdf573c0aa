/// What one Redis node can do: a link that publishes, a link that hears, and the proof that what goes into the first
/// comes out of the second. Events and times in, orders out. A single Redis is one node; see `NodeSet`.
///
///     publish link up ───────────────────────────────────────► publishing ┐  with both links up, a direction that
///     subscribe link up ──► everything held is confirmed ────► receiving  ┘  did not count needs a returned probe
///
/// If one link is away there can be no probe, and the confirmations on the other link are enough. But if the path was
/// found not to work (a probe overdue, a demoted master), nothing counts before a probe has come back.
package struct NodeMachine: Sendable {
    /// What a tick asks for.
    package struct Orders: Sendable, Equatable {
        /// Publish a probe with this number.
        package var probe: UInt64?
        /// Send a PING on the subscribe link, and call `backlogRead` when it is answered.
        package var pingsSubscribeLink = false
        /// Ask the server of the publish link for its role.
        package var asksRole = false
        /// Both links must be closed, for this reason.
        package var failure: LinkFailure?
    }

    /// How many of the held names the subscribe link hears.
    private enum Hearing: Equatable {
        /// There is no subscribe link.
        case down
        /// The names that were held when the link came up are being asked for.
        case restoring
        /// Redis has answered about all names that are held.
        case whole
        /// Since then, names have come from another node or were lost here, and Redis has not answered about them.
        /// - Parameter hadAll: whether the node was receiving when this happened.
        case missing(hadAll: Bool)

        var isDown: Bool { self == .down }
    }

    /// What is known about whether what goes into the publish link comes out of the subscribe link.
    private enum Trust {
        /// Nothing is known.
        case unproven
        /// A probe has come back over the two connections that are open now.
        case proven
        /// The path was found not to work, and no probe has come back since.
        case distrusted

        /// One of the connections has begun or ended.
        mutating func isNoLongerProven() { if self == .proven { self = .unproven } }
    }

    package private(set) var probe: Probe
    package private(set) var role: RoleCheck
    private var isPublishLinkUp = false
    private var hearing = Hearing.down
    private var trust = Trust.unproven
    /// An access list of Redis denies the relay's own channel, so this channel cannot prove the path.
    private var isOwnChannelDenied = false
    /// What Redis has reported about the channels that the user may use, and what is known of them now.
    private var toldChannels = LinkGreeting.Channels.unknown
    private var channels = LinkGreeting.Channels.unknown
    /// Whether publishes of apps may go to this node.
    package private(set) var publishing = false
    /// Whether everything held is heard.
    package private(set) var receiving = false
    /// How often `receiving` has ended.
    package private(set) var gaps: UInt64 = 0

    package init(probe: Probe, role: RoleCheck) { (self.probe, self.role) = (probe, role) }

    // MARK: The links

    /// - Parameter roleUnavailable: what the server answered to ROLE instead of its role; nil if it did not refuse.
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

    /// Whether Redis has answered about all names that are held, and to the SUBSCRIBE to the probe's channel.
    package var isWhole: Bool { hearing == .whole }

    /// Redis has now answered about all names that are held.
    package mutating func becameWhole() {
        switch hearing {
        case .down, .whole: return
        case .missing: break
        case .restoring:
            // The subscribe link had broken: its server may be another one by now, or have another role.
            probe.demand()
            role.demand()
        }
        hearing = .whole
        reassess()
    }

    /// Whether only the answers are missing about names that have come from another node, or were lost here.
    package var isMissingNames: Bool { if case .missing = hearing { true } else { false } }

    /// Names that are held have come from another node, or were lost here, and are not answered yet. The hub knows if
    /// this is a break in receiving, which is then counted with the gaps of the cluster.
    package mutating func subscriptionsMissing() {
        hearing = .missing(hadAll: receiving || hearing == .missing(hadAll: true))
        reassess(countsGap: false)
    }

    package mutating func subscribeLinkDown() {
        // The names that were heard although others were missing are not heard any more.
        if hearing == .missing(hadAll: true) { gaps += 1 }
        hearing = .down
        trust.isNoLongerProven()
        reassess()
    }

    /// The path does not work although both links are connected, and they are about to be closed. Nothing counts until
    /// a probe has come back.
    package mutating func distrust() {
        guard probe.isEnabled else { return }
        trust = .distrusted
        reassess()
    }

    /// Whether the node waits in vain to become receiving: it needs a probe, and there is none before the publish link
    /// is back; or it is blind, and only what apps do can change that.
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

    /// The relay's own channel is denied, and no other channel is known to be granted. If the operator has switched
    /// probes off, channels of which nothing is known count as granted.
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

    /// Redis has reported which channels the user may use.
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

    /// There is a reason to doubt the path: a probe is due, unless one is under way.
    package mutating func doubtPath() { probe.hasten() }

    /// The probe uses another channel from now on: a probe that is under way on the old one does not count any more.
    package mutating func renewProbe() { probe.demand() }

    /// What a tick has ordered could not be written: it is tried again.
    package mutating func notPublished() { probe.demand() }
    package mutating func roleNotAsked() { role.notAsked() }

    /// Redis has answered the PUBLISH of probe `number`.
    package mutating func probeAnswered(_ number: UInt64) { probe.answered(number: number) }

    /// Everything has been read that Redis had for the subscribe link when the PING was ordered.
    package mutating func backlogRead(now: UInt64) { probe.backlogRead(now: now) }

    /// Probe `number` has come back.
    /// - Returns: the round trip in nanoseconds; nil if this is not the probe that is waited for.
    package mutating func probeHeard(
        _ number: UInt64, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> UInt64? {
        let roundTrip = probe.heard(number: number, now: now, using: &random)
        guard let roundTrip else { return nil }
        trust = .proven
        reassess()
        return roundTrip
    }

    /// Redis refuses the probe's channel, and not only for the moment: the path is judged by heartbeats alone.
    package mutating func probeRefused(_ text: String) {
        probe.refused(text)
        if trust == .distrusted { trust = .unproven }
        reassess()
    }

    /// Probes may be allowed by now, since their channel could be subscribed to: the next probe shows it.
    package mutating func probeAllowed() {
        probe.allow()
        probe.demand()
        reassess()
    }

    /// Redis could not take the probe this time. This proves nothing, and the next probe is sent after the interval.
    package mutating func probeFailed(now: UInt64) { probe.failed(now: now) }

    /// The server has answered ROLE with a role that can be used, or with a temporary error.
    package mutating func roleConfirmed(now: UInt64, using random: inout some RandomNumberGenerator) {
        role.answered(now: now, using: &random)
    }

    /// The server does not answer ROLE, and not only for the moment: the relay relies on heartbeats and probes.
    package mutating func roleRefused(_ text: String) { role.refused(text) }

    /// Asks a server once more that has refused ROLE.
    package mutating func askRoleAgain() { role.askAgain() }

    /// The server answers ROLE by now.
    package mutating func roleGranted() { role.granted() }

    /// There is a reason to doubt that the publish link's server is a master: it is asked at the next tick.
    package mutating func doubtRole() { role.demand() }

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) { probe.forgive(nanoseconds, now: now) }
}
