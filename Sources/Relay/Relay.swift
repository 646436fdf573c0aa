package import Configuration
internal import EventLoop
package import Logging
package import Posix
internal import RedisWire
internal import RelayCore
internal import TLS

/// The relay put together: loop, hub, links, connections. One loop turn reads what is ready, and ends by writing what
/// came of it; see `endTurn`.
///
/// Its concerns are in files of their own: `Relay+Path` (what state the path is in), `Relay+Connections`,
/// `Relay+Descriptors`, `Relay+Turn`, `Relay+Stopping`, `Relay+Health`, `Relay+Metrics`.
package final class Relay {
    let configuration: RelayConfiguration
    let logger: Logger
    /// Where the lines of `logger` go.
    let logOutput: LogOutput
    /// The passwords that servers are given, and keeps out of what they say.
    var secrets = SecretMask()
    /// For lines that somebody outside can cause as often as they like.
    var limitedLog: LimitedLog
    /// How many descriptors there are for what.
    let descriptors: DescriptorBudget
    let loop: Loop
    let hub: Hub
    /// The relay's own channel, without the prefix.
    let probeChannel: String
    let startedAt: UInt64

    /// The Redis nodes and their links: one for a single Redis, the masters with slots for sharded pub/sub.
    var nodes: [NodeLinks] = [] { didSet { borrowedNodes = nodes.map(Unmanaged.passUnretained) } }
    /// The same, to be asked in every turn without being held. Invariant: they are only looked at; what may write or close
    /// goes by `nodes`.
    private(set) var borrowedNodes: [Unmanaged<NodeLinks>] = []
    /// What new connections to Redis are secured with; nil without TLS.
    var tls: TLSContext?
    /// Who says where the master is; nil when it is configured.
    private(set) var sentinels: Sentinels?
    /// Who says which nodes there are; nil when it is no cluster.
    private(set) var cluster: Cluster?
    var path: PathState
    var roundTrips = Histogram()
    var loopLag: UInt64 = 0

    /// By slot. Invariant: a connection's handle holds it until it is closed, and then it is taken out here.
    var connections: [Unmanaged<Connection>?] = []
    var refused: Set<ObjectIdentifier> = []
    var finishing: [(slot: Int, withError: Bool)] = []
    var draining: [Connection] = []
    let allowed: AllowList

    var socket: WatchedPath?
    var listener: Listener?
    var admin: AdminEndpoint?
    /// Runs while the HTTP address is still another relay's.
    var httpRetry: Timer?
    /// How long that other relay may take.
    var httpDeadline: Deadline?
    /// Says when to tick.
    var metronome: KernelTimer?
    /// A `Timer`, so that a tick comes after what was read in the same turn.
    var tick: Timer!
    var waker: Timer!
    var stopDeadline: Timer?
    var signals: [SignalWatcher] = []
    var lastTickAt: UInt64 = 0
    var lagNoticedAt: UInt64 = 0
    var watchdogInterval: UInt64?
    var lastWatchdogAt: UInt64 = 0
    var isStopping = false
    /// When connections begin to be closed that are owed nothing, as the relay is stopping.
    var idleEndsAt = UInt64.max
    var isReadyAnnounced = false
    var isEnded = false
    /// Links are being ended by us: the path is looked at once, when that is done, or not at all.
    var isEvaluationHeld = false
    /// The path is to be looked at in this turn.
    var needsEvaluation = false
    var exitCode: Int32 = 0
    var transitions: TransitionLog

    /// - Throws: `DescriptorShortage` when the limit on descriptors is too small; `TLSError` when a certificate cannot be
    ///   used; `LoopError` when the process has no descriptors left.
    package init(_ configuration: RelayConfiguration, logger: Logger, output: LogOutput) throws {
        (self.configuration, self.logger, logOutput) = (configuration, logger, output)
        // First: it counts what is open already.
        descriptors = try Self.shareDescriptors(configuration)
        limitedLog = LimitedLog(logger: logger)
        for credentials in [configuration.redis.credentials, configuration.redis.sentinelCredentials] {
            if let password = credentials.password { secrets.add(password) }
        }
        tls = try configuration.redis.tls.map { try TLSContext(TLSContext.Settings($0)) }
        loop = try Loop()
        startedAt = loop.now
        path = PathState(now: startedAt, unixMilliseconds: Clock.unixMilliseconds())
        let id = SystemRandom.hexID()
        probeChannel = "\(probeNamePrefix)\(id)"
        allowed = AllowList(uids: configuration.listener.allowedUIDs, gids: configuration.listener.allowedGIDs)
        transitions = TransitionLog(logger: logger)
        hub = Self.makeHub(configuration, descriptors: descriptors, id: id, status: path.status)
        hub.now = startedAt
        // Borrowed, as it is called for each connection with output. Invariant: only the relay calls into its hub; and a
        // connection goes in its handle's close callback, which nothing calls that is done here.
        let borrowed = Unmanaged.passUnretained(self)
        hub.outboxes.send = { slot, ranges in
            borrowed._withUnsafeGuaranteedRef {
                $0.connections[slot]?._withUnsafeGuaranteedRef { $0.send(ranges) } ?? 0
            }
        }
        hub.environment = self
        makeNodes()
        tick = Timer(loop: loop) { [unowned self] in ticked() }
        waker = Timer(loop: loop) {}
    }

    private func makeNodes() {
        switch configuration.redis.topology {
        case .servers: nodes = [NodeLinks(relay: self, feed: hub.nodes[0])]
        case .sentinel(let endpoints, let service):
            sentinels = Sentinels(endpoints, service: service, relay: self)
            nodes = [NodeLinks(relay: self, feed: hub.nodes[0])]
        case .cluster(let seeds, let pubsub):
            cluster = Cluster(seeds, pubsub: pubsub, relay: self)
            // The others come when it is known which there are.
            if pubsub == .classic { nodes = [NodeLinks(relay: self, feed: hub.nodes[0], site: .anyMember)] }
        }
    }

    private static func makeHub(
        _ configuration: RelayConfiguration, descriptors: DescriptorBudget, id: String, status: RelayStatus
    ) -> Hub {
        let limits = configuration.limits
        var isSharded = false
        if case .cluster(_, .sharded) = configuration.redis.topology { isSharded = true }
        let identity = RelayIdentity(
            version: hubrelayVersion, id: id, maxPayloadBytes: limits.maxPayload,
            features: features(configuration.redis.topology))
        let seed = SystemRandom.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Hub(
            identity: identity, prefix: configuration.listener.prefix,
            patternPrefix: CommandFormatter.escapeGlob(configuration.listener.prefix),
            limits: Hub.Limits(
                maxConnections: min(limits.maxConnections, descriptors.connections),
                maxSubscriptions: limits.maxSubscriptions,
                maxSubscriptionsPerConnection: limits.maxSubscriptionsPerConnection,
                helloTimeout: configuration.timings.helloTimeout, frameTimeout: configuration.timings.frameTimeout),
            bounds: Outboxes.Bounds(
                window: limits.window, maxBuffered: limits.maxBuffered,
                hardBound: max(limits.window, identity.maxFrameBytes) + identity.maxFrameBytes + unreadReplyBytes),
            counters: Counters(), status: status, seed: seed,
            hashSlots: isSharded ? HashSlots(prefix: configuration.listener.prefix) : nil)
    }

    private static func features(_ topology: RedisConfiguration.Topology) -> [String] {
        switch topology {
        case .servers, .sentinel: [Feature.patterns, Feature.settled, Feature.fence]
        case .cluster(_, .classic): [Feature.patterns, Feature.settled]
        case .cluster(_, .sharded): [Feature.settled]
        }
    }

    /// Unread output at which a connection is closed, beyond the window, or the largest frame if that is larger, and
    /// one largest Reply (REFUSED with all names).
    private static let unreadReplyBytes = 1 << 20

    /// The time of this loop turn, monotonic nanoseconds.
    var now: UInt64 { loop.now }

    /// The Redis channel of one of the relay's own channels.
    func redisName(of channel: String) -> String {
        String(decoding: configuration.listener.prefix + Array(channel.utf8), as: UTF8.self)
    }
}
