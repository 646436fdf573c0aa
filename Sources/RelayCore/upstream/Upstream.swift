package import Configuration

/// Parts of it are in their own files: `Upstream+Path`, `Upstream+Turn`, `Upstream+Stopping`, `Upstream+Fleet`.
package final class Upstream {
    /// The time at which something happens.
    package struct Moment: Sendable {
        /// The time of the loop's turn, in monotonic nanoseconds. Every deadline counts from it.
        package var turn: UInt64
        /// The time now, in monotonic nanoseconds; for round trips.
        package var precise: UInt64
        /// The time now, in milliseconds since 1970; for people.
        package var unixMilliseconds: UInt64

        package init(turn: UInt64, precise: UInt64, unixMilliseconds: UInt64) {
            (self.turn, self.precise, self.unixMilliseconds) = (turn, precise, unixMilliseconds)
        }
    }

    package let hub: Hub
    package let redis: RedisConfiguration
    package let timings: Timings
    let prefix: [UInt8]
    /// The names of the relay's connections to Redis.
    let clientName: ClientName
    /// The relay's own channel, without the prefix.
    let probeChannel: String

    /// The Redis nodes and their links: one for a single Redis, the masters with slots for sharded pub/sub.
    package internal(set) var nodes: [RedisNode] = [] { didSet { borrowedNodes = nodes.map(Unmanaged.passUnretained) } }
    /// The same nodes, to be read in every turn without retaining them. Invariant: these references are only used to
    /// read. Code that changes a node takes it from `nodes`.
    var borrowedNodes: [Unmanaged<RedisNode>] = []
    /// The sentinels, which say where the master is; nil without sentinels.
    package private(set) var sentinels: Sentinels?
    /// The cluster, whose members say which nodes there are; nil if Redis is not a cluster.
    package private(set) var cluster: Cluster?
    package internal(set) var path: PathState
    /// The last changes of the path, and the traffic of the last hour, for people who look later.
    package internal(set) var pathHistory = PathHistory()
    package private(set) var traffic: TrafficHistory
    var transitions = TransitionLog()
    /// The round trips of probes.
    package internal(set) var roundTrips = Histogram()
    /// The passwords that are sent to servers. They are masked in what the servers say.
    package internal(set) var secrets = SecretMask()
    var random: any RandomNumberGenerator

    /// The time now. Set by `begin`.
    private(set) var moment: Moment
    var now: UInt64 { moment.turn }

    /// The stage that the end of the turn has reached.
    var stage = TurnStage.over

    /// The relay itself is closing links: the path is evaluated once after that, or not at all.
    var isEvaluationHeld = false
    /// The path must be evaluated in this turn.
    var needsEvaluation = false
    package internal(set) var isStopping = false
    package internal(set) var isEnded = false
    var isReadyTold = false
    /// The announcement to the other relays that this one stops: the queue, the position up to which the queue must be
    /// answered, and when it was sent. nil if there was none.
    var leaving: (publishes: PublishQueue, end: UInt64, since: UInt64)?
    /// Redis cannot be used, and the relay is configured not to wait for it.
    var hasGivenUp = false

    /// - Parameters:
    ///   - prefix: what all channels begin with.
    ///   - host: the name of the host.
    ///   - socket: the path that apps connect to; it is announced to the other relays.
    ///   - random: spreads in time what all relays would otherwise do at the same moment.
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
            // With sharded pub/sub, the nodes are made when the masters are known.
            if pubsub == .classic { nodes = [RedisNode(upstream: self, hubNode: hub.nodes[0], site: .anyMember)] }
        }
    }

    // MARK: Events

    /// Sets the time of what happens next. Call it before every event. It is not needed for messages, for answers to
    /// publishes of apps, and for what apps send: these are many, and the time of the turn is enough for them.
    package func begin(at moment: Moment) {
        self.moment = moment
        hub.now = moment.turn
    }

    /// Sets the time for the end of a turn, for which the time of the turn is enough.
    func begin(atTurn now: UInt64) {
        moment.unixMilliseconds += (now - min(now, moment.turn)) / 1_000_000
        (moment.turn, moment.precise) = (now, max(moment.precise, now))
        hub.now = now
    }

    /// Starts all links.
    package func start() {
        sentinels?.start()
        cluster?.start()
        for node in nodes { node.start() }
    }

    /// Reports that the path is UP for the first time.
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

    /// A timer that the action `startTimer` asked for has fired.
    package func timerFired(_ timer: UpstreamTimer) {
        switch timer {
        case .succession: for node in hub.nodes { node.isHeldBack = false }
        case .refresh: cluster?.link.refreshNow()
        }
    }

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    package func forgive(_ nanoseconds: UInt64) {
        for node in nodes { node.forgive(nanoseconds) }
        sentinels?.forgive(nanoseconds)
        cluster?.forgive(nanoseconds)
        hub.fleet?.forgive(nanoseconds, now: now)
    }

    /// Links that wait for their next attempt try at once, what was denied is asked for again, and the relay finds out
    /// again what it knows about servers. Open connections stay as they are.
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
