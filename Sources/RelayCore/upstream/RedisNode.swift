internal import Configuration

/// One Redis node: the two links to it, and what they are worth together. What the links hear comes in here; what that is
/// worth is `NodeMachine`'s decision.
package final class RedisNode {
    /// Where the node's server is.
    enum Site {
        /// Where the configuration says, or the sentinels.
        case configured
        /// A master of a cluster.
        case master(RedisConfiguration.Endpoint)
        /// Any member of a cluster will do, and for each link another one.
        case anyMember
    }

    unowned let upstream: Upstream
    let site: Site
    /// What the hub keeps for the node.
    package let hubNode: HubNode
    package internal(set) var machine: NodeMachine
    package private(set) var publishLink: PublishLink!
    package private(set) var subscribeLink: SubscribeLink!
    /// The node's own channel, for probes if there are any, without the prefix.
    var probeChannel: String
    /// The channel's slot has been found to be another node's.
    var isProbeChannelLost = false
    /// Hash slots in use that the node has.
    package internal(set) var slotCount = 0
    /// Whether the role is asked because names were lost, and when it was last.
    var isRoleAskedForNames = false
    var roleAskedForNamesAt: UInt64 = 0
    /// When names that the node did not take are tried again, and after how long once more.
    var misplacedRetry = (at: UInt64(0), pause: UInt64(0))
    /// The PING on the subscribe link after whose answer a probe is due, as one of `HubNode.pingsSent`.
    private var backlogPing: Int?
    /// The subscribe link has been made anew since the publish link was lost, because that one found a replica.
    private var hasDoubtedSubscribeLink = false
    /// The last publish to the node's own channel was answered with an error that is not of the channel.
    private var hasFailedProbe = false
    /// A publish of an app was refused in such a way, and one to the node's own channel, which is no probe, is to show
    /// whether all are.
    private var isTrying = false
    /// When what was denied is asked for again.
    var deniedAskedAt: UInt64 = 0
    /// Publishes that Redis had taken when one to the node's own channel was denied.
    var publishesTaken: UInt64 = 0
    /// Why the node's own channel cannot be used, while an access list denies it.
    var channelDenial: String?
    /// What has been logged of commands that the server refuses, so that it is logged once.
    private var loggedRefusals: Set<String> = []

    /// How often the role is asked when there are no probes.
    private static let roleIntervalWithoutProbe: UInt64 = 5_000_000_000

    init(upstream: Upstream, hubNode: HubNode, site: Site = .configured) {
        (self.upstream, self.hubNode, self.site) = (upstream, hubNode, site)
        probeChannel = upstream.probeChannel
        let timings = upstream.timings
        machine = NodeMachine(
            probe: Probe(
                interval: timings.probeInterval, deadline: timings.linkTimeout, firstNumber: UInt64(hubNode.index) << 32
            ),
            role: RoleCheck(interval: timings.probeInterval ?? Self.roleIntervalWithoutProbe))
        deniedAskedAt = upstream.now
        publishLink = PublishLink(node: self)
        subscribeLink = SubscribeLink(node: self)
    }

    package var links: [NodeLink] { [publishLink, subscribeLink] }

    /// Whether commands have been gathered for the publish link.
    var hasPublishOutput: Bool { hubNode.publishes.output.count > 0 }
    /// Whether the subscribe link may have something to tell: names, or that it has an answer on all of them. In nearly every
    /// turn it has not.
    var needsSubscribeFlush: Bool {
        hubNode.hasSubscribeCommands || subscribeLink.hasMisplacedNames || !hubNode.isWhole || !machine.isWhole
    }
    /// Which server has to be there.
    var expectedServer: ServerKind {
        switch site {
        case .configured: .redis
        case .master: .clusterMaster
        case .anyMember: .clusterMember
        }
    }

    /// Of a master of a cluster, where it is.
    var endpoint: RedisConfiguration.Endpoint? { if case .master(let endpoint) = site { endpoint } else { nil } }

    /// Where each link was to connect first, as it was asked last. Both begin at the same moment, when the cluster has become
    /// known, and neither has a destination yet.
    private var firstChoices: [LinkKind: RedisConfiguration.Endpoint] = [:]

    /// Where a link is to connect.
    func location(of link: NodeLink) -> Link.Location {
        if let endpoint { return .at([endpoint]) }
        if case .anyMember = site, let cluster = upstream.cluster {
            let other: NodeLink? = link === publishLink ? subscribeLink : publishLink
            let taken = other.flatMap { $0.destination?.endpoint ?? firstChoices[$0.kind] }
            let location = cluster.location(apartFrom: taken)
            if case .at(let endpoints) = location { firstChoices[link.kind] = endpoints.first }
            return location
        }
        if let sentinels = upstream.sentinels { return sentinels.location }
        guard case .servers(let endpoints) = upstream.redis.topology else {
            preconditionFailure("there are sentinels or a cluster")
        }
        return .at(endpoints)
    }

    /// The address of a link that is, or was last, somewhere; for people, without secrets.
    package func address(of destination: Destination?) -> String {
        let redis = upstream.redis
        // One server is shown as it was configured, and of several the one that is meant.
        if case .servers(let endpoints) = redis.topology, endpoints.count == 1 { return redis.displayAddress }
        let server = destination?.endpoint ?? endpoint
        return server.map { "redis\(redis.tls == nil ? "" : "s")://\($0)" } ?? redis.displayAddress
    }

    /// Why one of the links is not up.
    var failure: LinkFailure? { publishLink.failure ?? subscribeLink.failure ?? failureOfChannels }

    func start() {
        for link in links { link.start() }
    }

    /// Ends both links for good.
    func stop(_ failure: LinkFailure) {
        for link in links { link.stop(failure) }
    }

    /// Called several times per heartbeat interval.
    func tick() {
        for link in links { link.tick() }
        leaveFormerMaster()
        if isProbeChannelLost { renewProbe() }
        noteTakenPublishes()
        askDeniedAgainIfDue()
        carryOutOrders()
    }

    /// Our own loop stood still for so many nanoseconds: that was not Redis's silence.
    func forgive(_ nanoseconds: UInt64) {
        for link in links { link.forgive(nanoseconds) }
        machine.forgive(nanoseconds, now: upstream.moment.precise)
    }

    // MARK: The links

    /// A link that was there has failed.
    func lost(_ link: NodeLink, _ failure: LinkFailure) {
        upstream.cluster?.nodeFailed(at: link.destination?.endpoint, failure)
    }

    func publishLinkEstablished() {
        let refusedRole = publishLink.machine.fallbacks.first { $0.step == .role }
        (hasFailedProbe, isTrying) = (false, false)
        machine.channelsTold(publishLink.machine.greeting.channels)
        machine.publishLinkUp(roleUnavailable: refusedRole?.text, now: upstream.moment.precise, using: &upstream.random)
        carryOutOrders()
        upstream.evaluatePath()
    }

    func publishLinkLost() {
        hasDoubtedSubscribeLink = false
        isRoleAskedForNames = false
        machine.publishLinkDown()
    }

    func subscribeLinkEstablished() {
        machine.subscribeLinkUp()
        subscribeLinkProgressed()
    }

    /// Redis has answered something on the subscribe link.
    func subscribeLinkProgressed() {
        guard subscribeLink.isEstablished else { return }
        if machine.isWhole, !hubNode.isWhole {
            // More may come in the same turn: a node that loses a slot says so name by name.
            upstream.needsEvaluation = true
            return
        }
        guard !machine.isWhole, hubNode.isWhole, subscribeLink.isProbeAnswered else { return }
        if machine.isMissingNames, upstream.cluster?.holdDown.mayBeWhole(now: upstream.now) == false { return }
        machine.becameWhole()
        carryOutOrders()
        upstream.evaluatePath()
    }

    /// Names may have come from another node, or have been lost here.
    func noteMissingSubscriptions() {
        guard machine.isWhole, !hubNode.isWhole else { return }
        machine.subscriptionsMissing()
        upstream.cluster?.holdDown.missing(now: upstream.now)
    }

    func subscribeLinkLost() {
        backlogPing = nil
        machine.subscribeLinkDown()
    }

    /// Notes what the server refused in a link's greeting.
    func noteFallbacks(of link: NodeLink) {
        for fallback in link.machine.fallbacks {
            logOnce("Redis refuses \(fallback.step.rawValue); the relay works without it", fallback.text)
        }
    }

    func logOnce(_ message: String, _ reply: String) {
        guard loggedRefusals.insert(message).inserted else { return }
        upstream.log(.warning, message, ["reply": reply, "redis": publishLink.address])
    }

    // MARK: Probe and role

    /// Called by `tick`, and once when a link has come up: never twice in a row without a look at the sockets.
    private func carryOutOrders() {
        let now = upstream.moment.precise
        if let backlogPing, hubNode.pingsAnswered >= backlogPing {
            self.backlogPing = nil
            machine.backlogRead(now: now)
        }
        let orders = machine.tick(now: now)
        if orders.pingsSubscribeLink {
            backlogPing = hubNode.pingsSent + 1
            subscribeLink.writePing()
        }
        if orders.asksRole, !publishLink.askRole() { machine.roleNotAsked() }
        if let number = orders.probe {
            let isSent =
                subscribeLink.isProbeAnswered
                && upstream.hub.sendProbe(number: number, channel: probeChannel, to: hubNode)
            if !isSent { machine.notPublished() }
        }
        if let failure = orders.failure { giveUp(failure) }
    }

    func probeAnswered(_ number: UInt64) {
        (hasFailedProbe, isTrying) = (false, false)
        machine.probeAnswered(number)
    }

    package func probeHeard(_ number: UInt64) {
        let roundTrip = machine.probeHeard(number, now: upstream.moment.precise, using: &upstream.random)
        guard let roundTrip else { return }
        upstream.roundTrips.record(roundTrip)
        upstream.evaluatePath()
    }

    /// Redis has answered the PUBLISH of a probe with an error.
    func probeFailed(_ text: String) {
        let isOnTrial = isTrying || hasFailedProbe
        isTrying = false
        if let failure = LinkFailure.classify(denied: text) { return publishLink.fail(failure) }
        if text.hasPrefix("NOPERM") { return probeRefused(text) }
        if endpoint != nil, Redirection.isOfTheCluster(text) { return probeMisplaced(text) }
        if isOnTrial || LinkFailure.isUnknownCommand(text) {
            return publishLink.fail(.notAnswered("PUBLISH", text))
        }
        hasFailedProbe = true
        machine.probeFailed(now: upstream.moment.precise)
    }

    /// Redis has answered a publish of an app with an error. It may mean that one, or every one: then the link is of no
    /// use, which a publish to the node's own channel shows.
    func publishRefused(_ text: String) {
        if text.hasPrefix("NOPERM"), LinkFailure.classify(denied: text) == nil { return channelRefused(text) }
        guard !isTrying, publishLink.isEstablished else { return }
        isTrying = upstream.hub.sendProbe(number: 0, channel: probeChannel, to: hubNode)
    }

    /// An access list denies the probe's channel: heartbeats must do.
    func probeRefused(_ text: String) {
        let text = subscribeLink.shown(text)
        machine.probeRefused(text)
        if machine.probe.isWanted {
            logOnce("Redis refuses the probe; the path is judged by heartbeats alone", text)
        }
        upstream.evaluatePath()
    }

    func roleAnswered(_ reply: LinkMachine.Reply) {
        let isAskedForNames = isRoleAskedForNames
        isRoleAskedForNames = false
        if machine.role.unavailable != nil { return roleAskedAgain(reply) }
        switch reply {
        case .role(let role):
            if let failure = LinkFailure.classify(role: role, expected: expectedServer) {
                // That its slots are another one's now is known in a moment; it is asked once more after that.
                return isAskedForNames ? machine.roleNotAsked() : giveUp(failure)
            }
            machine.roleConfirmed(now: upstream.moment.precise, using: &upstream.random)
        case .error(let text) where LinkFailure.isDenial(text):
            let text = publishLink.shown(text)
            machine.roleRefused(text)
            logOnce("Redis refuses ROLE; the relay works without it", text)
        case .error, .status, .text, .number, .setting, .user, .nothing, .other:
            machine.roleConfirmed(now: upstream.moment.precise, using: &upstream.random)
        }
        if isAskedForNames { upstream.hub.retryMisplaced(hubNode, isPatient: true) }
    }

    /// A link has found a replica at the address where it was to connect, and the other link is connected to the same
    /// address. It may be the same server, and then it hears or tells nobody either; or another one, behind a balancer.
    /// The publish link can be asked. The subscribe link cannot, so it connects anew, but only once while the publish
    /// link is away: what it finds then, its own greeting tells.
    func foundReplica(_ failure: LinkFailure, by link: NodeLink) {
        if link === subscribeLink { return machine.doubtRole() }
        guard !hasDoubtedSubscribeLink, subscribeLink.isEstablished, subscribeLink.destination == link.destination
        else {
            return
        }
        hasDoubtedSubscribeLink = true
        subscribeLink.fail(failure)
    }

    /// The sentinels have made another server the master: what is connected elsewhere leaves, what waits need not.
    func masterMoved() {
        leaveFormerMaster()
        for link in links { link.hasten() }
    }

    private func leaveFormerMaster() {
        guard let master = upstream.sentinels?.master else { return }
        let elsewhere = links.filter { $0.isConnecting && $0.destination?.endpoint != master }
        guard !elsewhere.isEmpty else { return }
        let failure = LinkFailure(cause: .demoted, reason: "the sentinels have made \(master) the master")
        giveUp(failure, links: elsewhere)
        for link in elsewhere { link.hasten() }
    }

    /// No sentinel can say where the master is: links that wait for that need not wait any longer.
    func masterUnknown() {
        for link in links { link.locationUnknown() }
    }

    /// The path is bad although the links are connected.
    func giveUp(_ failure: LinkFailure, links: [NodeLink]? = nil) {
        upstream.withoutEvaluation {
            machine.distrust()
            for link in links ?? self.links { link.fail(failure) }
        }
        upstream.evaluatePath()
    }
}
