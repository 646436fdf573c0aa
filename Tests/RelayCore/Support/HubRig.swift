import Configuration
import RESP
import TestSupport
import Testing

@testable import RelayCore

/// A hub and its upstream with everything around them simulated: apps, loop turns, sockets and a Redis at their ends.
/// It performs the actions of the upstream, as the I/O layer does, and decides nothing.
///
/// Nothing happens by itself. `turn` ends a loop turn. `settle` lets Redis answer and turns pass until nothing changes
/// any more. Links have no probe unless the options say so, and no deadline comes before an hour.
final class HubRig {
    struct Options {
        var prefix = "app:"
        var maxConnections = 64
        var maxSubscriptions = 1_000_000
        var maxSubscriptionsPerConnection = 200_000
        var maxPayload = 1 << 20
        var window = 4 << 20
        var maxBuffered = 64 << 20
        var hardBound = 8 << 20
        var restoreBatch = 512
        /// The number of attempts after which a start is given up; nil: it is never given up.
        var attemptsAtStart: Int?
        /// The number of nodes among which names are spread by their hash slots; nil: one node has them all.
        var shards: Int?
        /// Where Redis is. If nil, at one server or, with `shards`, a cluster of as many nodes.
        var topology: RedisConfiguration.Topology?
        /// Nanoseconds between probes; nil: there are no probes.
        var probeInterval: UInt64?
        /// Nanoseconds between two announcements of the relay; nil: it does not announce itself.
        var fleetInterval: UInt64?
        /// Nanoseconds between two attempts of a link, at most.
        var backoff: UInt64 = 1
        var credentials = RedisConfiguration.Credentials.none
    }

    let hub: Hub
    let upstream: Upstream
    private(set) var nodes: [SimulatedNode]
    let options: Options
    /// Connected apps.
    private(set) var apps: [ConnectionID: App] = [:]
    /// Whether the publish link writes the output that is gathered for it. If not, the output stays.
    var takesPublishes = true { didSet { if takesPublishes { hub.hasPublishOutput = true } } }
    /// Whether what is written waits in the relay's backlog until `transmit`, instead of being with Redis at once.
    var isNetworkSlow = false
    /// Whether host names can be resolved.
    var resolvesNames = true
    /// Sees every action before it is performed.
    var witness: (RelayAction) -> Void = { _ in }
    /// What a server answers to a command of a greeting, in place of its usual answer; nil: the usual answer.
    var answersGreeting: ([String]) -> RESP.RedisValue? = { _ in nil }
    /// How often the upstream has reported that Redis is there.
    private(set) var readies = 0
    /// The log lines of the upstream.
    private(set) var lines: [LogLine] = []
    /// The events of connections that the log may report.
    private(set) var events: [(connection: ConnectionID, event: ClientEvent)] = []
    private(set) var timers: Set<UpstreamTimer> = []
    /// How often the relay was asked to end, since Redis cannot be used.
    private(set) var timesGivenUp = 0
    /// How often the relay has read the state of the cluster.
    var epoch: UInt64 = 0
    private var isPerforming = false
    /// Nodes of a cluster by their numbers, including those that have gone.
    private var known: [Int: RedisNode] = [:]
    private var finished: [(ConnectionID, App.Ending)] = []
    private var lost: [ConnectionID] = []
    /// How often the hub has finished a connection.
    private(set) var endings = 0

    init(_ options: Options = Options()) {
        self.options = options
        let escaped = options.prefix.utf8.flatMap { byte -> [UInt8] in
            "*?[]\\^-".utf8.contains(byte) ? [UInt8(ascii: "\\"), byte] : [byte]
        }
        hub = Hub(
            identity: RelayIdentity(
                version: "test", id: "test", maxPayloadBytes: options.maxPayload,
                features: options.shards == nil ? ["patterns", "settled", "fence"] : ["settled"]),
            prefix: Array(options.prefix.utf8), patternPrefix: escaped,
            limits: Hub.Limits(
                maxConnections: options.maxConnections, maxSubscriptions: options.maxSubscriptions,
                maxSubscriptionsPerConnection: options.maxSubscriptionsPerConnection,
                helloTimeout: 5_000_000_000, frameTimeout: 30_000_000_000),
            bounds: .init(
                window: options.window, maxBuffered: options.maxBuffered, hardBound: options.hardBound),
            counters: Counters(), seed: 42,
            hashSlots: options.shards.map { _ in HashSlots(prefix: Array(options.prefix.utf8)) })
        nodes = (0..<(options.shards ?? 1)).map { SimulatedNode(number: $0, isMember: options.shards != nil) }
        let seed = SimulatedNode.endpoint(0)
        upstream = Upstream(
            hub: hub,
            redis: Self.redis(options, seed),
            timings: Self.timings(options), prefix: Array(options.prefix.utf8),
            host: "here", socket: "/run/test.sock",
            at: .init(turn: 1_000_000_000, precise: 1_000_000_000, unixMilliseconds: 1000),
            random: SeededGenerator(seed: 7))
        hub.outboxes.send = { [unowned self] in send($1, to: $0) }
        event { upstream.start() }
        if options.shards != nil { lookAtCluster() }
    }

    private static func redis(_ options: Options, _ seed: RedisConfiguration.Endpoint) -> RedisConfiguration {
        var redis = RedisConfiguration(
            topology: options.topology ?? (options.shards == nil ? .servers([seed]) : .cluster([seed], .sharded)))
        (redis.attemptsAtStart, redis.credentials) = (options.attemptsAtStart, options.credentials)
        return redis
    }

    private static func timings(_ options: Options) -> Timings {
        let hour: UInt64 = 3_600_000_000_000
        return Timings(
            helloTimeout: 5_000_000_000, frameTimeout: 30_000_000_000, stopTimeout: hour, heartbeatInterval: hour,
            linkTimeout: 2 * hour, probeInterval: options.probeInterval, connectTimeout: hour,
            backoffMin: options.backoff, backoffMax: options.backoff, backoffMaxRefused: options.backoff,
            restoreBatch: options.restoreBatch, fleetInterval: options.fleetInterval)
    }

    // The first node, and its Redis: the only ones in most tests.
    var node: HubNode { hubNode(0) }
    var redis: FakeRedis { nodes[0].redis }
    var path: PathState { upstream.path }

    /// What the hub keeps for a node.
    func hubNode(_ number: Int) -> HubNode { redisNode(number).hubNode }

    func redisNode(_ number: Int) -> RedisNode {
        guard options.shards != nil else { return upstream.nodes[0] }
        if let node = upstream.nodes.first(where: { $0.endpoint == SimulatedNode.endpoint(number) }) {
            known[number] = node
        }
        return known[number]!
    }

    /// A node joins, with the next number. It has no links yet.
    func addNode() {
        nodes.append(SimulatedNode(number: nodes.count, isMember: true))
        lookAtCluster()
    }

    /// The last node goes, with its links. Its slots must have been given to others.
    func removeLastNode() {
        let last = nodes.count - 1
        for link in redisNode(last).links { event { link.fail(Self.failure) } }
        nodes.removeLast()
        lookAtCluster()
    }

    // MARK: Apps

    /// A new connection. It has said Hello, unless `hello` is false. Its Welcome is taken.
    func connect(hello: Bool = true) -> App {
        let app = App(connection: hub.openConnection()!, rig: self)
        apps[app.connection] = app
        guard hello else { return app }
        app.write(.hello())
        flushApps()
        _ = app.takeFrames()
        return app
    }

    func closed(_ app: App) {
        apps[app.connection] = nil
        hub.connectionClosed(app.connection)
    }

    // MARK: The loop

    /// Reports an event to the upstream by `body`, and performs the actions that follow.
    func event(_ body: () -> Void) {
        upstream.begin(
            at: .init(turn: hub.now, precise: hub.now, unixMilliseconds: hub.now / 1_000_000))
        body()
        performActions()
    }

    /// Apps are read from, and a loop turn ends.
    func turn() {
        for app in apps.values.sorted(by: { $0.connection.index < $1.connection.index }) { app.readByRelay() }
        for node in nodes {
            let unsent = node.takesCommands ? 0 : 1 << 20
            redisNode(node.number).subscribeLink.backlogChanged(to: unsent)
        }
        event { upstream.endTurn(at: hub.now) }
        for connection in lost { apps[connection]?.close() }
        lost = []
    }

    /// A quarter of a second passes.
    func tick() {
        hub.now += 250_000_000
        event { upstream.tick() }
        turn()
    }

    /// The time has come for which the timer was set.
    func fire(_ timer: UpstreamTimer) {
        #expect(timers.remove(timer) != nil, "nobody asked for it")
        event { upstream.timerFired(timer) }
    }

    func performActions() {
        guard !isPerforming else { return }
        isPerforming = true
        while let action = upstream.nextAction() { perform(action) }
        isPerforming = false
    }

    private func perform(_ action: RelayAction) {
        witness(action)
        switch action {
        case .resolve(let link, let endpoints):
            // The link that asks about the cluster is not simulated: see `lookAtCluster`.
            guard link is NodeLink else { break }
            guard resolvesNames else { return link.resolvingFailed("redis", "no such host") }
            link.resolved(endpoints.map { Destination(endpoint: $0) })
        case .connect(let link, _): socket(of: link).isConnecting = true
        case .abandonAttempt(let link): socket(of: link).isConnecting = false
        case .readPassword(let link): link.canCarryCommands(password: options.credentials.password)
        case .write(let link): write(link)
        case .close(let link, _): socket(of: link).close()
        case .wake(let link, let due): socket(of: link).wakesAt = due
        case .finish(let connection, let code, _):
            endings += 1
            finished.append((connection, code.map(App.Ending.error) ?? .peace))
        case .closeConnection(let connection):
            #expect(apps[connection]?.isClosed == false && !lost.contains(connection))
            lost.append(connection)
        case .resumeReading(let connection): apps[connection]?.resumeReading()
        case .tell(let connection, let event): events.append((connection, event))
        case .startTimer(let timer, _): timers.insert(timer)
        case .log(let line): lines.append(line)
        case .writeToApps:
            flushApps()
            for (connection, ending) in finished { apps[connection]?.ended(ending) }
            finished = []
        case .ready: readies += 1
        case .giveUp: timesGivenUp += 1
        case .takeAnotherTurn, .dispose: break
        case .flushPublishes, .endResolving, .secure, .endSecuring: Issue.record("not simulated: \(action)")
        }
    }

    /// Writes the output for the apps.
    func flushApps() { hub.writeOutput() }

    private func send(_ ranges: UnsafeMutableBufferPointer<OutputRange>, to connection: ConnectionID) -> Int {
        guard let app = apps[connection] else { return 0 }
        for range in ranges { app.receive(UnsafeBufferPointer(start: range.base, count: range.count)) }
        return app.backlog
    }
}
