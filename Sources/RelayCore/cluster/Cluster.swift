package import Configuration

/// The cluster as the relay knows it, and what follows from that: to which nodes there are links, and which node has
/// which names. `ClusterView` decides which member to believe.
///
/// With sharded pub/sub there is a pair of links to every master that has slots in use. With classic pub/sub every
/// member forwards what is published, so one pair of links is enough. Its two links are at different members, so that
/// the probe takes the same way as the messages.
package final class Cluster {
    unowned let upstream: Upstream
    package let pubsub: ClusterPubSub
    private let seeds: [RedisConfiguration.Endpoint]
    package private(set) var view = ClusterView()
    package private(set) var link: ClusterLink!
    /// Nodes that have no slots any more but still owe answers.
    package var leaving: [RedisNode] { parting.map(\.node) }
    private var parting: [(node: RedisNode, deadline: Deadline)] = []
    /// Nodes whose links have ended, and when that was. Their sockets may still exist.
    private var gone: [(node: RedisNode, at: UInt64)] = []
    /// The number of slots in use that no node has.
    private(set) var slotsWithoutNode = 0
    /// Breaks in receiving that none of the current nodes has counted.
    private(set) var gaps: UInt64 = 0
    var holdDown = HoldDown()
    /// Single slots have been found at another node since `placeSlots` last went through all slots.
    private var hasMovedSlots = false
    private var loggedMasters: Set<ClusterTopology.Address> = []

    /// The most known members that are tried in one attempt to reach any of them.
    private static let candidatesTried = 16
    /// Nanoseconds that a node without slots has for the answers that it owes.
    private static let partingFor: UInt64 = 1_000_000_000
    /// Nanoseconds; longer than a message is on its way from a former master to its successor.
    private static let successionPause: UInt64 = 100_000_000
    /// The most masters that are accepted; no cluster has more, since Redis is made for a thousand.
    static let maxMasters = 1000
    /// Nanoseconds after which nothing can come any more from connections that were closed.
    private static let goneFor: UInt64 = 60_000_000_000

    init(_ seeds: [RedisConfiguration.Endpoint], pubsub: ClusterPubSub, upstream: Upstream) {
        (self.seeds, self.pubsub, self.upstream) = (seeds, pubsub, upstream)
        slotsWithoutNode = upstream.hub.slots?.usedSlots.count ?? 0
        link = ClusterLink(of: self)
    }

    func start() { link.start() }

    func stop(_ failure: LinkFailure) {
        link.stop(failure)
        for node in leaving { node.stop(failure) }
    }

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    func forgive(_ nanoseconds: UInt64) {
        link.forgive(nanoseconds)
        view.forgive(nanoseconds, now: upstream.now)
        for index in parting.indices {
            parting[index].node.forgive(nanoseconds)
            parting[index].deadline.forgive(nanoseconds, now: upstream.now)
        }
    }

    /// Called several times per heartbeat interval.
    func tick() {
        link.tick()
        for node in leaving { node.tick() }
        if hasMovedSlots { placeSlots() }
        for node in upstream.nodes { node.retryMisplaced() }
        endLeaving()
        if holdDown.owesGap { upstream.evaluatePath() }
    }

    // MARK: Whom to ask

    /// The members in the order in which to try them, which differs from relay to relay: first those that are known to
    /// live, last the one that the link has just left. The link that asks about the cluster puts masters first:
    /// replicas learn of some changes later.
    func candidates(after last: RedisConfiguration.Endpoint?, mastersFirst: Bool) -> [RedisConfiguration.Endpoint] {
        let living = Set(
            upstream.nodes.flatMap(\.links).filter(\.isEstablished).compactMap { $0.destination?.endpoint })
        let masters = Set(view.topology?.masters.map { RedisConfiguration.Endpoint($0.address) } ?? [])
        func rank(_ member: RedisConfiguration.Endpoint) -> Int {
            (mastersFirst && !masters.contains(member) ? 2 : 0) + (living.contains(member) ? 0 : 1)
        }
        let members = view.members.map(RedisConfiguration.Endpoint.init).shuffled(using: &upstream.random).sorted {
            rank($0) < rank($1)
        }
        var candidates = Array(members.prefix(Self.candidatesTried))
        candidates += seeds.shuffled(using: &upstream.random).filter { !candidates.contains($0) }
        if let last, let index = candidates.firstIndex(of: last) { candidates.append(candidates.remove(at: index)) }
        return candidates
    }

    /// Where a link that may use any member connects: not at the member of the other link, if there is a choice.
    func location(apartFrom other: RedisConfiguration.Endpoint?) -> Link.Location {
        guard view.topology != nil else { return unknown }
        return .at(candidates(after: other, mastersFirst: false))
    }

    private var unknown: Link.Location {
        let failure = link.failure
        let reason = failure?.reason ?? "no member has answered yet"
        let told = LinkFailure(
            cause: failure?.cause ?? .topology, reason: "no member of the cluster reports its nodes: \(reason)")
        return failure == nil ? .pending(told) : .nowhere(told)
    }

    /// Why nothing is known of the cluster; nil if something is known, or if nothing has failed yet.
    var failure: LinkFailure? { view.topology == nil ? link.failure : nil }

    // MARK: What is heard

    /// A member has reported which node has which slots.
    func answered(_ topology: ClusterTopology, epoch: UInt64) -> ClusterView.Verdict {
        let isFirst = view.topology == nil
        let verdict = view.answered(topology, epoch: epoch, now: upstream.now)
        guard verdict == .changed else { return verdict }
        log(topology, epoch)
        placeSlots()
        guard pubsub == .classic else { return verdict }
        for node in upstream.nodes {
            if isFirst { for link in node.links { link.hasten() } }
            // The member that the link is connected to may have been removed from the cluster. It says so when asked.
            node.machine.doubtRole()
        }
        return verdict
    }

    /// The link to the member that is asked has failed.
    func failed() {
        if view.topology == nil, case .nowhere = unknown {
            for link in upstream.nodes.flatMap(\.links) { link.locationUnknown() }
        }
        upstream.evaluatePath()
        if let failure = link.failure { upstream.attemptFailed(link, failure) }
    }

    /// A link to a node has failed: the cluster may know more about it.
    func nodeFailed(at endpoint: RedisConfiguration.Endpoint?, _ failure: LinkFailure) {
        guard failure.cause != .stopping else { return }
        // A member that does not answer on that link will not answer on this link, either.
        let isAway = failure.cause == .timeout || failure.cause == .unreachable
        if isAway, let endpoint, link.destination?.endpoint == endpoint, link.isEstablished {
            link.fail(failure)
        } else {
            link.refresh()
        }
    }

    /// A node has said that it does not have a slot, and perhaps which node has it. A node that is known already is
    /// used at once; another one is used when a member has named it.
    func redirected(_ text: String, by node: RedisNode) {
        link.refresh()
        guard let slots = upstream.hub.slots, let redirection = Redirection(text), redirection.kind == .moved,
            let host = redirection.host ?? node.endpoint?.host,
            let owner = upstream.nodes.first(where: { $0.endpoint == .tcp(host: host, port: redirection.port) }),
            slots.usedSlots.contains(Int(redirection.slot)),
            view.redirected(
                redirection.slot, to: .init(host: host, port: redirection.port), now: upstream.now)
        else { return }
        let former = slots.node(ofSlot: redirection.slot)
        guard upstream.hub.assign(Int(redirection.slot), to: UInt16(owner.hubNode.index)) else { return }
        upstream.nodes.first { $0.hubNode.index == former }?.slotCount -= 1
        owner.slotCount += 1
        hasMovedSlots = true
    }

    /// Logs which masters have slots; as a notice only if they are other masters than before, since thousands of single
    /// slots move when a cluster is resharded.
    private func log(_ topology: ClusterTopology, _ epoch: UInt64) {
        let masters = Set(topology.masters.map(\.address))
        upstream.log(
            masters == loggedMasters ? .debug : .notice, "the cluster's slots",
            [
                "epoch": "\(epoch)", "masters": masters.map(\.description).sorted().joined(separator: " "),
                "told_by": link.address,
            ])
        loggedMasters = masters
    }

    /// A node has lost a slot, and does not say to which node.
    func slotLost() { link.refresh() }

    // MARK: The nodes

    /// Gives every slot to the node of its master, makes nodes for new masters, and releases nodes without slots.
    private func placeSlots() {
        hasMovedSlots = false
        guard let slots = upstream.hub.slots else { return }
        let owners = view.owners
        var nodes: [ClusterTopology.Address: RedisNode] = [:]
        for node in upstream.nodes {
            if case .tcp(let host, let port)? = node.endpoint { nodes[.init(host: host, port: port)] = node }
        }
        var fresh: [RedisNode] = []
        /// By former node, the nodes that have its slots now.
        var successors: [UInt16: Set<Int>] = [:]
        slotsWithoutNode = 0
        for slot in slots.usedSlots {
            guard let owner = owners[slot] else {
                slotsWithoutNode += 1
                upstream.hub.assign(slot, to: Hub.nowhere)
                continue
            }
            let node =
                nodes[owner]
                ?? RedisNode(upstream: upstream, hubNode: upstream.hub.addNode(), site: .master(.init(owner)))
            if nodes.updateValue(node, forKey: owner) == nil { fresh.append(node) }
            let former = slots.node(ofSlot: UInt16(slot))
            if upstream.hub.assign(slot, to: UInt16(node.hubNode.index)) {
                successors[former, default: []].insert(node.hubNode.index)
            }
        }
        upstream.nodes += fresh
        updateNodes(slots, successors)
        upstream.hub.placeNames()
        endLeaving()
        for node in fresh { node.start() }
        for node in upstream.nodes { node.slotsChanged() }
        upstream.evaluatePath()
    }

    /// A master that has become a replica still takes publishes (Redis 7: SPUBLISH is for any node of the shard), and
    /// forwards them to the new master. Publishes that go to the new master directly must not overtake them.
    private func holdBack(_ successors: Set<Int>) {
        guard !successors.isEmpty else { return }
        for node in upstream.nodes where successors.contains(node.hubNode.index) { node.hubNode.isHeldBack = true }
        upstream.act(.startTimer(.succession, after: Self.successionPause))
    }

    private func updateNodes(_ slots: SlotMap, _ successors: [UInt16: Set<Int>]) {
        let counts = slots.counts(nodes: upstream.hub.nodes.count)
        for node in upstream.nodes { node.slotCount = counts[node.hubNode.index] }
        let idle = upstream.nodes.filter { $0.slotCount == 0 }
        for node in idle where node.publishLink.isEstablished {
            holdBack(successors[UInt16(node.hubNode.index)] ?? [])
        }
        upstream.nodes.removeAll { $0.slotCount == 0 }
        for node in idle {
            gaps += node.machine.gaps
            node.hubNode.isPublishing = false
            parting.append((node, Deadline(after: Self.partingFor, from: upstream.now)))
        }
    }

    /// Ends nodes that owe nothing any more, or that do not answer. While publishes are in flight at such a node,
    /// publishes to the nodes that have its slots now have to wait. So the relay does not wait for the answers of a
    /// node that was replaced because it does not answer.
    private func endLeaving() {
        var ended: [RedisNode] = []
        parting.removeAll { node, deadline in
            let link = node.publishLink!
            let isOver =
                !link.isEstablished || deadline.isOver(now: upstream.now)
                || node.hubNode.publishes.publishesInFlight == 0 && !node.hubNode.isSubscribeReplyOwed
                || link.machine.isSilent(for: upstream.timings.heartbeatInterval, now: upstream.now)
            if isOver { ended.append(node) }
            return isOver
        }
        for node in ended {
            let isInDebt = node.hubNode.publishes.publishesInFlight > 0
            upstream.withoutEvaluation {
                node.stop(
                    LinkFailure(cause: isInDebt ? .topology : .stopping, reason: "another node has its slots now"))
            }
            upstream.hub.removeNode(node.hubNode)
            gone.append((node, upstream.now))
        }
        gone.removeAll { upstream.now >= $0.at + Self.goneFor }
    }

    /// Counts a gap for subscriptions that have ended although their link has not.
    /// - Parameter isReceiving: whether everything is heard.
    func countBrokenSubscriptions(isReceiving: Bool) {
        if upstream.hub.takeBrokenSubscriptions() { holdDown.broke(now: upstream.now) }
        if holdDown.countsGap(isReceiving: isReceiving || upstream.path.status.receiving, now: upstream.now) {
            gaps += 1
        }
    }
}

extension RedisConfiguration.Endpoint {
    init(_ address: ClusterTopology.Address) { self = .tcp(host: address.host, port: address.port) }
}
