internal import Configuration
internal import EventLoop
internal import Logging
internal import Posix
internal import RESP
internal import RelayCore
internal import TLS

/// One listening socket and all that belongs to it: its prefix, the connections of apps, the hub, and the links to Redis.
/// The process that it is part of is a `Daemon`, which calls it at the end of every loop turn and at every tick.
///
/// `Upstream` decides what the links and the path do. This class performs it (`Relay+Actions`). Its other parts are in
/// files of their own: `Relay+Listening` and `Relay+Connections` (which connections come in), `Relay+Turn`,
/// `Relay+Stopping`.
final class Relay {
    let configuration: RelayConfiguration
    /// What the relay needs from the process. The process outlives the relay.
    unowned let process: any RelayEnvironment
    // These stay the same while the process runs, so they are kept here and not read from `process`.
    let loop: Loop
    let logger: Logger
    let limitedLog: LimitedLog

    let hub: Hub
    /// The way to Redis, and the order in which a turn ends.
    let upstream: Upstream
    /// The upstream's actions are being performed.
    var isActing = false
    /// The timers that the upstream has started so far.
    var timers: [UpstreamTimer: Timer] = [:]

    var socket: WatchedPath?
    /// Set while another relay serves the path that this one is to take over.
    var successor: SuccessorSocket?
    /// Whether the path of this relay's socket has gone to another relay that had waited for it.
    var hasSuccessor = false
    var listener: Listener?
    let allowed: AllowList
    /// The connections, by the index of their `ConnectionID`. Invariant: a connection's handle retains the connection
    /// until it is closed; then it is removed from here.
    var connections: [Unmanaged<Connection>?] = []
    var refused: Set<ObjectIdentifier> = []
    var finishing: [(id: ConnectionID, withError: Bool)] = []
    var draining: [Connection] = []

    /// When the stopping relay begins to close connections that are owed nothing.
    var idleEndsAt = UInt64.max

    /// Nothing is opened yet: see `listen` and `start`.
    init(_ configuration: RelayConfiguration, process: any RelayEnvironment) {
        (self.configuration, self.process) = (configuration, process)
        (loop, logger, limitedLog) = (process.loop, process.logger, process.limitedLog)
        allowed = AllowList(uids: configuration.listener.allowedUIDs, gids: configuration.listener.allowedGIDs)
        hub = Self.makeHub(configuration, descriptors: process.descriptors)
        upstream = Upstream(
            hub: hub, redis: configuration.redis, timings: configuration.timings, prefix: configuration.listener.prefix,
            host: hostName(), socket: configuration.listener.socketPath, at: Self.moment(of: loop))
        // Not retained, as this is called for each connection with output. Invariant: only the relay calls into its
        // hub. A connection is released only in its handle's close callback, and nothing that is called here runs that
        // callback.
        let borrowed = Unmanaged.passUnretained(self)
        hub.outboxes.send = { id, ranges in
            borrowed._withUnsafeGuaranteedRef {
                $0.connections[id.index]?._withUnsafeGuaranteedRef { $0.send(ranges) } ?? 0
            }
        }
    }

    private static func makeHub(_ configuration: RelayConfiguration, descriptors: DescriptorBudget) -> Hub {
        let limits = configuration.limits
        var isSharded = false
        if case .cluster(_, .sharded) = configuration.redis.topology { isSharded = true }
        let identity = RelayIdentity(
            version: hubrelayVersion, id: SystemRandom.hexID(), maxPayloadBytes: limits.maxPayload,
            features: features(configuration.redis.topology))
        let seed = SystemRandom.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Hub(
            identity: identity, prefix: configuration.listener.prefix,
            patternPrefix: RedisCommand.escapeGlob(configuration.listener.prefix),
            limits: Hub.Limits(
                maxConnections: min(limits.maxConnections, descriptors.connections),
                maxSubscriptions: limits.maxSubscriptions,
                maxSubscriptionsPerConnection: limits.maxSubscriptionsPerConnection,
                helloTimeout: configuration.timings.helloTimeout, frameTimeout: configuration.timings.frameTimeout),
            bounds: Outboxes.Bounds(
                window: limits.window, maxBuffered: limits.maxBuffered,
                hardBound: max(limits.window, identity.maxFrameBytes) + identity.maxFrameBytes + unreadReplyBytes),
            counters: Counters(), seed: seed,
            hashSlots: isSharded ? HashSlots(prefix: configuration.listener.prefix) : nil)
    }

    private static func features(_ topology: RedisConfiguration.Topology) -> [String] {
        switch topology {
        case .servers, .sentinel: [Feature.patterns, Feature.settled, Feature.fence]
        case .cluster(_, .classic): [Feature.patterns, Feature.settled]
        case .cluster(_, .sharded): [Feature.settled]
        }
    }

    /// A connection is closed if its unread output exceeds the sum of three parts: the window, or the largest frame if
    /// that is larger; one largest Reply (REFUSED with all names); and these bytes.
    private static let unreadReplyBytes = 1 << 20

    /// Begins to connect to Redis.
    func start() { event { upstream.start() } }

    /// Lets links that wait for their next attempt retry at once: files that they read may have changed.
    func tryAgain() { event { upstream.reload() } }

    // MARK: Of the process

    /// The time of this loop turn, monotonic nanoseconds.
    var now: UInt64 { loop.now }
    /// What secures an attempt to connect to Redis; nil without TLS.
    func tlsForAttempt() -> TLSContext? { process.tlsForAttempt() }

    /// To be called before any timeout for the silence of others is checked; see `RelayEnvironment`.
    func noticeLag() {
        hub.now = now
        process.noticeLag()
    }

    /// Makes the loop take another turn at once.
    func wakeUp() { process.wakeUp() }
}
