/// The relay without its sockets: bytes from apps and replies from Redis go in; frames for apps (in `outboxes`),
/// commands for Redis (in the nodes' `publishes` and by `nextSubscribeCommand`) and calls of `environment` come out.
///
/// One hub serves one listening socket, since the prefix is a property of it. Its concerns are in files of their own:
/// `Hub+Connections`, `Hub+Frames`, `Hub+Input`, `Hub+Publishing`, `Hub+Requests`, `Hub+Subscribing`, `Hub+Restoring`,
/// `Hub+Work`, `Hub+Placement`, `Hub+Delivery`.
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
    /// The Redis nodes, each with its share of the names: one that has them all, or `nowhere` and those that have slots.
    package internal(set) var nodes: [HubNode]
    /// Which node has which slots; nil where one node has all names.
    package let slots: SlotMap?
    /// What acts on the hub's wishes, and lives until its last connection has ended; set before the first one. Not weak:
    /// that makes every retain and release of the object several times as dear.
    package unowned var environment: (any HubEnvironment)?
    /// The time of this loop turn, monotonic nanoseconds; set by the I/O layer.
    package var now: UInt64 = 0
    /// A node's `publishes` may have output; reset by the I/O layer, which writes it.
    package var hasPublishOutput = false
    /// What apps were last told.
    package var status: RelayStatus

    let prefix: [UInt8]
    /// The prefix with its glob characters escaped, so that it is literal inside a pattern.
    let patternPrefix: [UInt8]
    /// The same, to be taken off names that Redis sends.
    let nameStart: NameStart
    let patternStart: NameStart
    let table: ChannelTable
    /// Places below `slotsUsed` are initialized until the hub goes, here and in `splitters`.
    let sessions: UnsafeMutablePointer<Session>
    let splitters: UnsafeMutablePointer<FrameSplitter>
    var vacantSlots: [Int] = []
    var slotsUsed = 0
    package internal(set) var connectionCount = 0
    /// Connections that wait for Redis to take more, or for answers to their own requests.
    var blocked: [Int] = []
    var owedPublishLoss: [Int] = []
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

    /// Which requests wait for Redis's answer on which name; the lists begin in the table's entries.
    var waiters = WaiterPool()
    private let firstNode: HubNode
    /// The same, to be borrowed with each publish. Invariant: `firstNode` lives as long as the hub, and the hub
    /// as long as a call of it lasts.
    private let borrowedFirstNode: Unmanaged<HubNode>
    /// Nodes that have gone; they are used again.
    var vacantNodes: [HubNode] = []
    /// Requests that need wait no longer for names that have moved; see `answerDisplaced`.
    var displaced: [NameOperation] = []
    /// A subscription that was in force has ended otherwise than with its link; see `takeBrokenSubscriptions`.
    package internal(set) var hasBrokenSubscriptions = false
    /// Pairs of a connection and a name, those of unanswered requests included.
    package internal(set) var subscriptionCount = 0

    /// - Parameter patternPrefix: `prefix` with its glob characters escaped for Redis.
    /// - Parameter seed: random; makes the hashes of channel names unpredictable.
    /// - Parameter hashSlots: of names with this prefix, where each is sent to the node of its slot; nil for one node.
    package init(
        identity: RelayIdentity, prefix: [UInt8], patternPrefix: [UInt8], limits: Limits, bounds: Outboxes.Bounds,
        counters: Counters, status: RelayStatus, seed: UInt64, hashSlots: HashSlots? = nil
    ) {
        (self.identity, self.prefix, self.patternPrefix) = (identity, prefix, patternPrefix)
        (nameStart, patternStart) = (NameStart(prefix), NameStart(patternPrefix))
        (self.limits, self.counters, self.status) = (limits, counters, status)
        outboxes = Outboxes(capacity: limits.maxConnections, bounds: bounds, counters: counters)
        table = ChannelTable(seed: seed)
        firstNode = HubNode(index: 0, isSharded: hashSlots != nil, maxPayload: identity.maxPayloadBytes)
        borrowedFirstNode = .passUnretained(firstNode)
        nodes = [firstNode]
        slots = hashSlots.map(SlotMap.init)
        sessions = .allocate(capacity: limits.maxConnections)
        splitters = .allocate(capacity: limits.maxConnections)
    }

    deinit {
        for slot in 0..<slotsUsed {
            if sessions[slot].phase != .vacant { outboxes.close(slot) }
            (sessions + slot).deinitialize(count: 1)
            (splitters + slot).deinitialize(count: 1)
        }
        sessions.deallocate()
        splitters.deallocate()
    }

    /// What a turn leaves to be done before its output is written: connections that waited go on, those past the hard bound
    /// are failed, and losses are told. To be called once a turn.
    package func settle() {
        workOnTasks()
        if !blocked.isEmpty { unblock() }
        if outboxes.hasOverflowed { failOverflowed() }
        if !owedPublishLoss.isEmpty { emitPublishLosses() }
    }

    /// Whether so much output has been gathered that it is to be written before the turn ends.
    @inline(__always)
    package var isOutputHigh: Bool { outboxes.arena.isHigh }

    /// Distinct channels and patterns that the hub keeps at Redis.
    package var nameCount: Int { table.count }

    /// Calls `body` with the node that a channel belongs to.
    @inline(__always)
    func withNode<Result>(of channel: UnsafeRawBufferPointer, _ body: (HubNode) -> Result) -> Result {
        guard let slots else { return borrowedFirstNode._withUnsafeGuaranteedRef(body) }
        return body(nodes[Int(slots.node(ofSlot: slots.hashSlots.slot(of: channel)))])
    }

    /// Whether a connection has to wait for its node: the only one, or the one that it last found congested.
    @inline(__always)
    func isHeldBack(_ slot: Int) -> Bool {
        guard slots != nil else { return borrowedFirstNode._withUnsafeGuaranteedRef { $0.isCongested } }
        return nodes[Int(sessions[slot].congestedNode)].isCongested
    }
}

/// What the hub asks of the I/O layer.
package protocol HubEnvironment: AnyObject {
    /// The Redis output has grown: write it now. When that fails, the link fails before this returns.
    func flushPublishes(to node: HubNode)
    /// Nothing more will be written to this connection after what is in its outbox.
    /// - Parameter code: why, when an Error has been put there; nil when it ends in peace.
    func connectionIsFinished(_ slot: Int, code: ErrorCode?, detail: String)
    /// Close this connection now, whatever of its output has not been written.
    func connectionIsLost(_ slot: Int)
    /// Read from this connection again.
    func resumeReading(_ slot: Int)
}
