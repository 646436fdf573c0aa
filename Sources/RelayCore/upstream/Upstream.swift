package import Configuration

/// The way to Redis, without I/O: which nodes there are and the links to them, what the path is worth, what apps and people
/// are told of it, and in which order a turn of the loop ends.
///
/// In: events of links (`Link`), times, the hub's output. Out: `RelayAction`s, which the I/O layer takes by `nextAction`
/// and performs. Everything is decided here, so tests drive the very code that runs, with a stand-in for sockets.
///
///     event ──► Link, RedisNode, Cluster, Sentinels ──► actions ──► nextAction ──► I/O layer
///                        │                                              ▲
///                        └──► evaluatePath ──► PathState ──► hub        └── endTurn, stage by stage
///
/// Its concerns are in files of their own: `Upstream+Path`, `Upstream+Turn`, `Upstream+Stopping`, `Upstream+Fleet`.
package final class Upstream {
    /// What the time is when something happens.
    package struct Moment: Sendable {
        /// Of the loop's turn, monotonic nanoseconds; every deadline counts from it.
        package var turn: UInt64
        /// Now, monotonic nanoseconds: for round trips.
        package var precise: UInt64
        /// Now, milliseconds since 1970: for people.
        package var unixMilliseconds: UInt64

        package init(turn: UInt64, precise: UInt64, unixMilliseconds: UInt64) {
            (self.turn, self.precise, self.unixMilliseconds) = (turn, precise, unixMilliseconds)
        }
    }

    package let hub: Hub
    package let redis: RedisConfiguration
    package let timings: Timings
    let prefix: [UInt8]
    /// Of its connections.
    let clientName: ClientName
    /// The relay's own channel, without the prefix.
    let probeChannel: String

    /// The Redis nodes and their links: one for a single Redis, the masters with slots for sharded pub/sub.
    package internal(set) var nodes: [RedisNode] = [] { didSet { borrowedNodes = nodes.map(Unmanaged.passUnretained) } }
    /// The same, to be asked in every turn without being held. Invariant: they are only looked at; what changes them goes by
    /// `nodes`.
    var borrowedNodes: [Unmanaged<RedisNode>] = []
    /// Who says where the master is; nil when it is configured.
    package private(set) var sentinels: Sentinels?
    /// Who says which nodes there are; nil when it is no cluster.
    package private(set) var cluster: Cluster?
    package internal(set) var path: PathState
    /// The last changes of the path, and the traffic of the last hour, for people who look later.
    package internal(set) var pathHistory = PathHistory()
    package private(set) var traffic: TrafficHistory
    var transitions = TransitionLog()
    /// The round trips of probes.
    package internal(set) var roundTrips = Histogram()
    /// The passwords that servers are given, and keeps out of what they say.
    package internal(set) var secrets = SecretMask()
    var random: any RandomNumberGenerator

    /// What the time is. Set by `begin`.
    private(set) var moment: Moment
    var now: UInt64 { moment.turn }

    /// How far the end of the turn is.
    var stage = TurnStage.over

    /// Links are being ended by us: the path is looked at once, when that is done, or not at all.
    var isEvaluationHeld = false
    /// The path is to be looked at in this turn.
    var needsEvaluation = false
    package internal(set) var isStopping = false
    package internal(set) var isEnded = false
    var isReadyTold = false
    /// The other relays have been told that this one stops: what is to be answered for that, and when it was sent.
    var leaving: (publishes: PublishQueue, end: UInt64, since: UInt64)?
    /// Redis cannot be used, and the relay was told not to wait for it.
    var hasGivenUp = false

    /// - Parameters:
    ///   - prefix: of all channels.
    ///   - host: what the host is called.
    ///   - socket: the path that apps connect to, for the other relays to know.
    ///   - random: spreads what all relays would do at the same time otherwise.
    package init(
        hub: Hub, redis: RedisConfiguration, timings: Timings, prefix: [UInt8], host: String = "",
        socket: String = "", at moment: Moment, random: any RandomNumberGenerator = SystemRandomNumberGenerator()
    ) {
        (self.hub, self.redis, self.timings, self.prefix) = (hub, redis, timings, prefix)
        (self.moment, self.random) = (moment, random)
        clientName = ClientName(
            start: redis.clientName, relayID: hub.identity.id, host: host, prefix: prefix)
        probeChannel = "\(probeNamePrefix)\(hub.identity.id)"
        path = PathState(now: moment.turn, unixMilliseconds: moment.unixMilliseconds)
        traffic = TrafficHistory(now: moment.turn)
        pathHistory.append(path.status, unixMilliseconds: moment.unixMilliseconds)
        hub.status = path.status
        hub.now = moment.turn
        for credentials in [redis.credentials, redis.sentinelCredentials] {
            if let password = credentials.password { secrets.add(password) }
        }
        makeNodes()
        if let interval = timings.fleetInterval {
            let own = Announcement(
                relayID: hub.identity.id, host: host, version: hub.identity.version, socket: socket, state: .down,
                intervalMilliseconds: interval / 1_000_000)
            hub.joinFleet(Fleet(own: own, interval: interval))
        }
    }

    private func makeNodes() {
        switch redis.topology {
        case .servers: nodes = [RedisNode(upstream: self, hubNode: hub.nodes[0])]
        case .sentinel(let endpoints, let service):
            sentinels = Sentinels(endpoints, service: service, upstream: self)
            nodes = [RedisNode(upstream: self, hubNode: hub.nodes[0])]
        case .cluster(let seeds, let pubsub):
            cluster = Cluster(seeds, pubsub: pubsub, upstream: self)
            // The others come when it is known which there are.
            if pubsub == .classic { nodes = [RedisNode(upstream: self, hubNode: hub.nodes[0], site: .anyMember)] }
        }
    }

    // MARK: Events

    /// Something is about to happen. To be called before every event, and before `endTurn`; but not for answers to publishes of
    /// apps, messages, and what apps send, which are many and need no other time than the turn's.
    package func begin(at moment: Moment) {
        self.moment = moment
        hub.now = moment.turn
    }

    /// A turn ends, for which its own time will do.
    func begin(atTurn now: UInt64) {
        moment.unixMilliseconds += (now - min(now, moment.turn)) / 1_000_000
        (moment.turn, moment.precise) = (now, max(moment.precise, now))
        hub.now = now
    }

    /// The links begin their attempts.
    package func start() {
        sentinels?.start()
        cluster?.start()
        for node in nodes { node.start() }
    }

    /// The path is UP for the first time.
    func tellReady() {
        guard !isReadyTold else { return }
        isReadyTold = true
        act(.ready)
    }

    /// To be called several times per heartbeat interval.
    package func tick() {
        for node in nodes { node.tick() }
        announceIfDue()
        sentinels?.tick()
        cluster?.tick()
        log(transitions.summary(status: path.status, now: moment.precise))
        traffic.tick(hub.counters, now: now, unixMilliseconds: moment.unixMilliseconds)
    }

    /// A time that was asked for by `startTimer` has come.
    package func timerFired(_ timer: UpstreamTimer) {
        switch timer {
        case .succession: for node in hub.nodes { node.isHeldBack = false }
        case .refresh: cluster?.link.refreshNow()
        }
    }

    /// Our own loop stood still for so many nanoseconds: that was nobody else's silence.
    package func forgive(_ nanoseconds: UInt64) {
        for node in nodes { node.forgive(nanoseconds) }
        sentinels?.forgive(nanoseconds)
        cluster?.forgive(nanoseconds)
        hub.fleet?.forgive(nanoseconds, now: now)
    }

    /// What waits for its next attempt need not wait, what was denied is asked for again, and what was found out about
    /// servers is found out anew. Connections that are there stay as they are.
    package func reload() {
        sentinels?.hasten()
        cluster?.link.hasten()
        for node in nodes {
            node.askDeniedAgain()
            for link in node.links {
                link.reconsiderServer()
                link.hasten()
            }
        }
        reconsiderFleet()
    }

    // MARK: Actions

    func act(_ action: RelayAction) { hub.act(action) }

    func log(
        _ level: LogLine.Level, _ message: String, _ metadata: [String: String] = [:], pace: LogLine.Pace = .limited
    ) {
        act(.log(LogLine(level, message, metadata, pace: pace)))
    }

    func log(_ lines: [LogLine]) {
        for line in lines { act(.log(line)) }
    }

    /// The Redis channel of one of the relay's own channels.
    func redisName(of channel: String) -> String {
        String(decoding: prefix + Array(channel.utf8), as: UTF8.self)
    }
}
