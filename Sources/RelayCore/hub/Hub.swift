/// The relay without its sockets: bytes from apps and replies from Redis go in; frames for apps (in `outboxes`),
/// commands for Redis (in the nodes' `publishes` and by `nextSubscribeCommand`) and `RelayAction`s come out.
///
/// One hub serves one listening socket, since the prefix is a property of it. Its concerns are in files of their own:
/// `Hub+Connections`, `Hub+Frames`, `Hub+Input`, `Hub+Publishing`, `Hub+Delivery`, `Hub+Work`; and what it does with
/// `subscriptions` in `Hub+Requests`, `Hub+Answers`, `Hub+Members`, `Hub+SubscribeLink`, `Hub+SubscribeReplies`,
/// `Hub+Placement`; the relays that it hears of in `Hub+Fleet`.
package final class Hub {
    package struct Limits: Sendable {
        package var maxConnections: Int
        package var maxSubscriptions: Int
        package var maxSubscriptionsPerConnection: Int
        /// Nanoseconds.
        package var helloTimeout: UInt64
        package var frameTimeout: UInt64

        package init(
            maxConnections: Int, maxSubscriptions: Int, maxSubscriptionsPerConnection: Int, helloTimeout: UInt64,
            frameTimeout: UInt64
        ) {
            (self.maxConnections, self.maxSubscriptions) = (maxConnections, maxSubscriptions)
            self.maxSubscriptionsPerConnection = maxSubscriptionsPerConnection
            (self.helloTimeout, self.frameTimeout) = (helloTimeout, frameTimeout)
        }
    }

    package let identity: RelayIdentity
    package let limits: Limits
    package let counters: Counters
    package let outboxes: Outboxes
    /// Which node has which slots; nil where one node has all names.
    package let slots: SlotMap?
    let shares: NodeShares
    let subscriptions: Subscriptions
    /// Who announces itself under the prefix; nil: that is off.
    package private(set) var fleet: Fleet?
    /// What is to be done, by the hub's wish and its upstream's.
    private var actions = Ring<RelayAction>()
    /// The last word has been said to a connection since the output was written.
    var hasFinished = false
    /// The time of this loop turn, monotonic nanoseconds; set by the I/O layer.
    package var now: UInt64 = 0
    /// A node's `publishes` may have output; reset by the upstream, which has it written.
    package var hasPublishOutput = false
    /// Whether `RelayAction.tell` tells of everything that becomes of connections, and not only of what goes wrong.
    package var tellsClientEvents = false
    /// What apps were last told.
    package var status: RelayStatus

    let prefix: [UInt8]
    /// The prefix with its glob characters escaped, so that it is literal inside a pattern.
    let patternPrefix: [UInt8]
    /// The same, to be taken off names that Redis sends.
    let nameStart: NameStart
    let patternStart: NameStart
    /// The first `connectionsUsed` places are initialized until the hub goes, here and in `splitters`.
    let sessions: ConnectionSlab<Session>
    let splitters: ConnectionSlab<FrameSplitter>
    var vacantConnections: [ConnectionID] = []
    var connectionsUsed = 0
    package internal(set) var connectionCount = 0
    /// Connections that wait for Redis to take more, or for answers to their own requests.
    var blocked: [ConnectionID] = []
    var owedPublishLoss: [ConnectionID] = []
    /// Connections with a deadline for a Hello or half a frame.
    var deadlineCount = 0
    /// Names that may still be worked on in this turn; see `Hub+Work`.
    package internal(set) var workLeft = Hub.workPerTurn
    /// What is done over several turns, oldest first, and how far the first of it is.
    var tasks = Ring<Task>()
    var taskProgress = 0
    /// A connection waits for the work of the next turn.
    var isWorkAwaited = false
    /// Bytes of frames that connections have begun, or that wait, and what is set aside of memory for them; see `Hub+Input`.
    package internal(set) var inputHeld = 0
    package internal(set) var inputRoom = 0
    /// Connections that wait for such memory.
    var roomWaiters = 0
    /// Since when somebody does.
    var crowdedSince: UInt64 = 0
    /// Unanswered requests of all connections, and how many of them a connection may have.
    var pendingRequests = 0
    var pendingLimit = PendingRequests.maxCount

    /// The first node, to be borrowed with each publish. Invariant: `shares` keeps it as long as the hub lives, and
    /// the hub lives as long as a call of it lasts.
    private let borrowedFirstNode: Unmanaged<HubNode>
    /// Pairs of a connection and a name, those of unanswered requests included.
    package internal(set) var subscriptionCount = 0

    /// - Parameter patternPrefix: `prefix` with its glob characters escaped for Redis.
    /// - Parameter seed: random; makes the hashes of channel names unpredictable.
    /// - Parameter hashSlots: of names with this prefix, where each is sent to the node of its slot; nil for one node.
    package init(
        identity: RelayIdentity, prefix: [UInt8], patternPrefix: [UInt8], limits: Limits, bounds: Outboxes.Bounds,
        counters: Counters, status: RelayStatus = RelayStatus(), seed: UInt64, hashSlots: HashSlots? = nil
    ) {
        (self.identity, self.prefix, self.patternPrefix) = (identity, prefix, patternPrefix)
        (nameStart, patternStart) = (NameStart(prefix), NameStart(patternPrefix))
        (self.limits, self.counters, self.status) = (limits, counters, status)
        outboxes = Outboxes(capacity: limits.maxConnections, bounds: bounds, counters: counters)
        shares = NodeShares(hashSlots: hashSlots, maxPayload: identity.maxPayloadBytes)
        (slots, borrowedFirstNode) = (shares.slots, .passUnretained(shares.nodes[0]))
        subscriptions = Subscriptions(seed: seed, shares: shares)
        sessions = ConnectionSlab(capacity: limits.maxConnections)
        splitters = ConnectionSlab(capacity: limits.maxConnections)
    }

    deinit {
        for connection in usedConnections {
            if sessions[connection].phase != .vacant { outboxes.close(connection) }
            sessions.pointer(to: connection).deinitialize(count: 1)
            splitters.pointer(to: connection).deinitialize(count: 1)
        }
        sessions.deallocate()
        splitters.deallocate()
    }

    /// What a turn leaves to be done before its output is written: connections that waited go on, those past the hard bound
    /// are failed, and losses are told. To be called once a turn.
    package func finishTurn() {
        workOnTasks()
        if !blocked.isEmpty { unblock() }
        if outboxes.hasOverflowed { failOverflowed() }
        if !owedPublishLoss.isEmpty { emitPublishLosses() }
        if outboxes.hasNewSlowReaders { tellNewSlowReaders() }
    }

    @inline(never)
    private func tellNewSlowReaders() {
        for connection in outboxes.takeNewSlowReaders() { act(.tell(connection, .beganToLose)) }
    }

    // MARK: Actions

    /// Whether `nextAction` has something.
    @inline(__always)
    package var hasActions: Bool { !actions.isEmpty }

    /// What is to be done next. Where there is an `Upstream`, it is asked by that.
    package func nextAction() -> RelayAction? {
        let action = actions.popFirst()
        switch action {
        case .flushPublishes(let node)?: node.isFlushAsked = false
        case .write(let link)?: link.isWriteAsked = false
        default: break
        }
        return action
    }

    func act(_ action: consuming RelayAction) { actions.append(action) }

    /// Whether there is anything to be written to apps, or anybody to be shut after that; see `RelayAction.writeToApps`.
    func takeAppOutput() -> Bool {
        defer { hasFinished = false }
        return outboxes.dirtyCount > 0 || hasFinished || outboxes.arena.used > 0
    }

    /// The relay announces itself from now on, and hears others. To be called once, before any link is up.
    package func joinFleet(_ fleet: Fleet) {
        self.fleet = fleet
        var channel = fleetChannel
        channel.withUTF8 { subscriptions.addOwnName(UnsafeRawBufferPointer($0)) }
    }

    // MARK: What it has

    /// Whether so much output has been gathered that it is to be written before the turn ends.
    @inline(__always)
    package var isOutputHigh: Bool { outboxes.arena.isHigh }

    /// Distinct channels and patterns that the hub keeps at Redis.
    package var nameCount: Int { subscriptions.count - (fleet == nil ? 0 : 1) }

    /// The Redis nodes, each with its share of the names: one that has them all, or `nowhere` and those that have slots.
    package var nodes: [HubNode] { shares.nodes }

    /// All connections that there are, and vacant ones between them.
    var usedConnections: some Sequence<ConnectionID> { (0..<connectionsUsed).lazy.map(ConnectionID.init(index:)) }

    /// Calls `body` with the node that a channel belongs to.
    @inline(__always)
    func withNode<Result>(of channel: UnsafeRawBufferPointer, _ body: (HubNode) -> Result) -> Result {
        guard let slots else { return borrowedFirstNode._withUnsafeGuaranteedRef(body) }
        return body(shares.nodes[Int(slots.node(ofSlot: slots.hashSlots.slot(of: channel)))])
    }

    /// Whether a connection has to wait for its node: the only one, or the one that it last found congested.
    @inline(__always)
    func isHeldBack(_ connection: ConnectionID) -> Bool {
        guard slots != nil else { return borrowedFirstNode._withUnsafeGuaranteedRef { $0.isCongested } }
        return shares.nodes[Int(sessions[connection].congestedNode)].isCongested
    }

    /// Whether its node has gathered as much as it may, and not been written since.
    func awaitsFlush(_ connection: ConnectionID) -> Bool {
        let node = shares.nodes[slots == nil ? 0 : Int(sessions[connection].congestedNode)]
        return node.isPublishing && node.publishes.output.count > PublishQueue.highWater
    }
}
