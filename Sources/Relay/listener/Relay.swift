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
/// What the links and the path do is decided by `Upstream`; here it is performed (`Relay+Actions`). Its other concerns are in
/// files of their own: `Relay+Listening` and `Relay+Connections` (who comes in), `Relay+Turn`, `Relay+Stopping`.
final class Relay {
    let configuration: RelayConfiguration
    /// What it needs of the process. The process lives longer.
    unowned let process: any RelayEnvironment
    // The same for the whole life of the process, so not by way of it.
    let loop: Loop
    let logger: Logger
    let limitedLog: LimitedLog

    let hub: Hub
    /// The way to Redis, and the order in which a turn ends.
    let upstream: Upstream
    /// The upstream's actions are being performed.
    var isActing = false
    /// By what they are.
    var timers: [UpstreamTimer: Timer] = [:]

    var socket: WatchedPath?
    /// While the path is another relay's, which is to be taken over from.
    var successor: SuccessorSocket?
    /// Its own socket's path has gone to another relay, which had waited for it.
    var hasSuccessor = false
    var listener: Listener?
    let allowed: AllowList
    /// By the index of their `ConnectionID`. Invariant: a connection's handle holds it until it is closed, and then
    /// it is taken out here.
    var connections: [Unmanaged<Connection>?] = []
    var refused: Set<ObjectIdentifier> = []
    var finishing: [(id: ConnectionID, withError: Bool)] = []
    var draining: [Connection] = []

    /// When connections begin to be closed that are owed nothing, as the relay is stopping.
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
        // Borrowed, as it is called for each connection with output. Invariant: only the relay calls into its hub; and a
        // connection goes in its handle's close callback, which nothing calls that is done here.
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

    /// Unread output at which a connection is closed, beyond the window, or the largest frame if that is larger, and
    /// one largest Reply (REFUSED with all names).
    private static let unreadReplyBytes = 1 << 20

    /// Begins to connect to Redis.
    func start() { event { upstream.start() } }

    /// What waits for its next attempt need not wait: files that it reads may have changed.
    func tryAgain() { event { upstream.reload() } }

    // MARK: Of the process

    /// The time of this loop turn, monotonic nanoseconds.
    var now: UInt64 { loop.now }
    /// What an attempt to connect to Redis is secured with; nil without TLS.
    func tlsForAttempt() -> TLSContext? { process.tlsForAttempt() }

    /// To be called before anybody's silence is judged; see `RelayEnvironment`.
    func noticeLag() {
        hub.now = now
        process.noticeLag()
    }

    /// Makes the loop take another turn at once.
    func wakeUp() { process.wakeUp() }
}
