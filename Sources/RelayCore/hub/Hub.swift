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
    /// Which node has which slots; nil if one node has all names.
    package let slots: SlotMap?
    let shares: NodeShares
    let subscriptions: Subscriptions
    /// The relays that announce themselves under the prefix; nil if that is off.
    package private(set) var fleet: Fleet?
    /// Actions that the hub and its upstream want done.
    private var actions = Ring<RelayAction>()
    /// Whether the output of a connection has been completed since output was last written.
    var hasFinished = false
    /// The time of this loop turn, monotonic nanoseconds; set by the I/O layer.
    package var now: UInt64 = 0
    /// Whether a node's `publishes` may have output. Reset by the upstream, which has it written.
    package var hasPublishOutput = false
    /// Whether `RelayAction.tell` reports everything that happens to connections, and not only what goes wrong.
    package var tellsClientEvents = false
    /// The status that apps were last sent.
    package var status: RelayStatus

    let prefix: [UInt8]
    /// The prefix with its glob characters escaped, so that it is literal inside a pattern.
    let patternPrefix: [UInt8]
    /// Both prefixes, in the form in which they are taken off names that Redis sends.
    let nameStart: NameStart
    let patternStart: NameStart
    /// The first `connectionsUsed` places are initialized as long as the hub lives, here and in `splitters`.
    let sessions: ConnectionSlab<Session>
    let splitters: ConnectionSlab<FrameSplitter>
    var vacantConnections: [ConnectionID] = []
    var connectionsUsed = 0
    package internal(set) var connectionCount = 0
    /// Connections that wait: for Redis to take more, for answers to their own requests, for work or for room.
    var blocked: [ConnectionID] = []
    var owedPublishLoss: [ConnectionID] = []
    /// How many connections have a deadline, for a Hello or for half a frame.
    var deadlineCount = 0
    /// Names that may still be worked on in this turn; see `Hub+Work`.
    package internal(set) var workLeft = Hub.workPerTurn
    /// What is done over several turns, oldest first, and how far the first task is.
    var tasks = Ring<Task>()
    var taskProgress = 0
    /// Whether a connection waits for the next turn.
    var isWorkAwaited = false
    /// Bytes of frames that connections have begun, or that wait, and memory set aside for them; see `Hub+Input`.
    package internal(set) var inputHeld = 0
    package internal(set) var inputRoom = 0
    /// How many connections wait for such memory.
    var roomWaiters = 0
    /// The time when `roomWaiters` last became more than 0.
    var crowdedSince: UInt64 = 0
    /// How many unanswered requests all connections have, and how many one connection may have.
    var pendingRequests = 0
    var pendingLimit = PendingRequests.maxCount

    /// The first node, borrowed for each publish. Invariant: `shares` keeps it as long as the hub lives, and the hub
    /// lives as long as a call of it lasts.
    private let borrowedFirstNode: Unmanaged<HubNode>
    /// Pairs of a connection and a name, those of unanswered requests included.
    package internal(set) var subscriptionCount = 0

    /// - Parameter patternPrefix: `prefix` with its glob characters escaped for Redis.
    /// - Parameter seed: random; makes the hashes of channel names unpredictable.
    /// - Parameter hashSlots: the slots of names with this prefix, if each name goes to the node of its slot; nil for
    ///   one node.
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

    /// What a turn has to do before its output is written: waiting connections go on, those past the hard bound fail,
    /// and losses are reported. To be called once a turn.
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

    /// The next action to perform. If there is an `Upstream`, only that calls this.
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

    /// Whether there is output for apps, or a connection to shut down after it; see `RelayAction.writeToApps`.
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

    /// Whether so much output has been gathered that it must be written before the turn ends.
    @inline(__always)
    package var isOutputHigh: Bool { outboxes.arena.isHigh }

    /// Distinct channels and patterns that the hub keeps at Redis.
    package var nameCount: Int { subscriptions.count - (fleet == nil ? 0 : 1) }

    /// The Redis nodes, each with its share of the names: one with all names, or `nowhere` and those that have slots.
    package var nodes: [HubNode] { shares.nodes }

    /// All connections, and vacant places between them.
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

    /// Whether the node that the connection waits for has gathered as much as it may, and that is not written yet.
    func awaitsFlush(_ connection: ConnectionID) -> Bool {
        let node = shares.nodes[slots == nil ? 0 : Int(sessions[connection].congestedNode)]
        return node.isPublishing && node.publishes.output.count > PublishQueue.highWater
    }
}
