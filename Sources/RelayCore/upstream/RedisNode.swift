internal import Configuration

/// One Redis node: the two links to it, and what they can do together. The links report here what they hear;
/// `NodeMachine` decides what it means.
package final class RedisNode {
    /// Where the node's server is.
    enum Site {
        /// Where the configuration or the sentinels say.
        case configured
        /// A master of a cluster.
        case master(RedisConfiguration.Endpoint)
        /// Any member of a cluster, and a different one for each link.
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
    /// The channel's slot has been found to belong to another node.
    var isProbeChannelLost = false
    /// The number of hash slots in use that the node has.
    package internal(set) var slotCount = 0
    /// Whether the role is being asked because names were lost, and when it was asked for this reason last.
    var isRoleAskedForNames = false
    var roleAskedForNamesAt: UInt64 = 0
    /// When names that the node did not take are tried again, and the pause before that, in nanoseconds.
    var misplacedRetry = (at: UInt64(0), pause: UInt64(0))
    /// The PING on the subscribe link whose answer the probe waits for, by its number in `HubNode.pingsSent`.
    private var backlogPing: Int?
    /// Since the publish link was lost, the subscribe link has had to connect again because the publish link found a
    /// replica.
    private var hasDoubtedSubscribeLink = false
    /// The last publish to the node's own channel was answered with an error that does not concern the channel.
    private var hasFailedProbe = false
    /// A publish of an app was refused with such an error. A publish to the node's own channel, which does not count as
    /// a probe, is to show whether all publishes are refused.
    private var isTrying = false
    /// When what was denied was asked for last, shifted by a random time.
    var deniedAskedAt: UInt64 = 0
    /// How many publishes Redis had taken when it denied the node's own channel.
    var publishesTaken: UInt64 = 0
    /// The error by which an access list denies the node's own channel; nil if it does not.
    var channelDenial: String?
    /// The messages about refused commands that have been logged, so that each is logged only once.
    private var loggedRefusals: Set<String> = []

    /// Nanoseconds between two questions about the role if there are no probes.
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
    /// Whether the subscribe link may have something to do: commands about names to send, or to find that all names are
    /// answered. In nearly every turn it has nothing to do.
    var needsSubscribeFlush: Bool {
        hubNode.hasSubscribeCommands || subscribeLink.hasMisplacedNames || !hubNode.isWhole || !machine.isWhole
    }
    /// The kind of server that the links must find.
    var expectedServer: ServerKind {
        switch site {
        case .configured: .redis
        case .master: .clusterMaster
        case .anyMember: .clusterMember
        }
    }

    /// Where the node is, if it is a master of a cluster; nil otherwise.
    var endpoint: RedisConfiguration.Endpoint? { if case .master(let endpoint) = site { endpoint } else { nil } }

    /// The first choice of each link when it last asked for its `location`. When the cluster becomes known, both links
    /// begin at the same moment, and neither has a destination yet.
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

    /// The address of a link whose destination is or was `destination`; for people, without secrets.
    package func address(of destination: Destination?) -> String {
        let redis = upstream.redis
        // A single server is shown as it was configured. Of several servers, the one that is meant is shown.
        if case .servers(let endpoints) = redis.topology, endpoints.count == 1 { return redis.displayAddress }
        let server = destination?.endpoint ?? endpoint
        return server.map { "redis\(redis.tls == nil ? "" : "s")://\($0)" } ?? redis.displayAddress
    }

    /// Why one of the links is not up, or why no channel can be used; nil if neither is the case.
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

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    func forgive(_ nanoseconds: UInt64) {
        for link in links { link.forgive(nanoseconds) }
        machine.forgive(nanoseconds, now: upstream.moment.precise)
    }

    // MARK: The links

    /// An established link has failed.
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

    /// Redis has answered something on the subscribe link, or names have been given up.
    func subscribeLinkProgressed() {
        guard subscribeLink.isEstablished else { return }
        if machine.isWhole, !hubNode.isWhole {
            // More names may follow in the same turn: a node that loses a slot reports each name separately.
            upstream.needsEvaluation = true
            return
        }
        guard !machine.isWhole, hubNode.isWhole, subscribeLink.isProbeAnswered else { return }
        if machine.isMissingNames, upstream.cluster?.holdDown.mayBeWhole(now: upstream.now) == false { return }
        machine.becameWhole()
        carryOutOrders()
        upstream.evaluatePath()
    }

    /// Checks whether names have come from another node, or have been lost here.
    func noteMissingSubscriptions() {
        guard machine.isWhole, !hubNode.isWhole else { return }
        machine.subscriptionsMissing()
        upstream.cluster?.holdDown.missing(now: upstream.now)
    }

    func subscribeLinkLost() {
        backlogPing = nil
        machine.subscribeLinkDown()
    }

    /// Logs what the server refused in a link's greeting.
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

    /// Called by `tick`, and once when a link has come up. Between two calls the sockets are always read.
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

    /// Redis has answered a publish of an app with an error. This may concern only that publish, or every publish. In
    /// the second case the link cannot be used, and a publish to the node's own channel shows it.
    func publishRefused(_ text: String) {
        if text.hasPrefix("NOPERM"), LinkFailure.classify(denied: text) == nil { return channelRefused(text) }
        guard !isTrying, publishLink.isEstablished else { return }
        isTrying = upstream.hub.sendProbe(number: 0, channel: probeChannel, to: hubNode)
    }

    /// An access list denies the probe's channel: the path is judged by heartbeats alone.
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
                // It will be known in a moment that another node has its slots now. After that the role is asked once
                // more.
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
    /// address. The other link may be connected to the same server, and then it reaches or hears nobody either. Or it
    /// is connected to another server, behind a load balancer. The publish link can ask for the role. The subscribe
    /// link cannot, so it connects again, but only once while the publish link is away: its new greeting shows what it
    /// has found.
    func foundReplica(_ failure: LinkFailure, by link: NodeLink) {
        if link === subscribeLink { return machine.doubtRole() }
        guard !hasDoubtedSubscribeLink, subscribeLink.isEstablished, subscribeLink.destination == link.destination
        else {
            return
        }
        hasDoubtedSubscribeLink = true
        subscribeLink.fail(failure)
    }

    /// The sentinels have made another server the master. Links that are connected elsewhere leave, and links that wait
    /// try at once.
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

    /// No sentinel can say where the master is: links that wait for this need not wait any longer.
    func masterUnknown() {
        for link in links { link.locationUnknown() }
    }

    /// The path does not work although the links are connected: closes them, or those that are given.
    func giveUp(_ failure: LinkFailure, links: [NodeLink]? = nil) {
        upstream.withoutEvaluation {
            machine.distrust()
            for link in links ?? self.links { link.fail(failure) }
        }
        upstream.evaluatePath()
    }
}
