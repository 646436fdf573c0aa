/// Apps may send anything, and Redis may do anything, in any order. Every request has one Reply, of a kind that it can
/// have, and an app gets no Message that it has not asked for. At rest, the hub's counts, the state of Redis and what
/// apps believe agree. When all apps have gone, nothing is left of them.
///
/// The input is a list of steps of two bytes: what happens, and to whom.
func fuzzHub(_ input: UnsafeRawBufferPointer) {
    let world = FuzzedHub(Choices(input))
    var rest = input[...]
    while rest.count >= 2 {
        let (kind, argument) = (Int(rest[rest.startIndex]), Int(rest[rest.startIndex + 1]))
        rest = rest.dropFirst(2)
        if kind >= 0xF0 {
            let raw = rest.prefix(argument)
            rest = rest.dropFirst(argument)
            world.writeRaw(Array(raw), by: kind & 3)
        } else {
            world.step(kind, argument)
        }
    }
    world.settle()
    world.checkQuiet()
    world.closeAll()
}

/// A hub with its upstream, up to four apps and a Redis, all in memory. It performs the actions of the upstream, as the
/// I/O layer does, and decides nothing. Links have no probe, and no deadline comes before an hour.
final class FuzzedHub {
    let hub: Hub
    private let upstream: Upstream
    let redis = FakeRedis()
    var apps: [FuzzedApp?] = [nil, nil, nil, nil]
    private var choices: Choices
    private var isPerforming = false
    private var finished: [ConnectionID] = []
    private var lost: [ConnectionID] = []
    /// Whether an app has sent bytes that no app's code would send. Then the names that it holds are not known here.
    private var isRaw = false
    private var published = 0
    /// Bytes of the publish link that Redis has not read.
    private var unreadByRedis = 0

    static let prefix = Array("p:".utf8)
    static let names = ["a", "b", "c", "ab", "b*", "a?", "*"]
    static let channels = 4

    init(_ choices: Choices) {
        self.choices = choices
        hub = Hub(
            identity: RelayIdentity(
                version: "fuzz", id: "test", maxPayloadBytes: 4096, features: ["patterns", "settled"]),
            prefix: Self.prefix, patternPrefix: Self.prefix,
            limits: Hub.Limits(
                maxConnections: 4, maxSubscriptions: 12, maxSubscriptionsPerConnection: 6, helloTimeout: 5_000_000_000,
                frameTimeout: 30_000_000_000),
            bounds: .init(window: 8 << 10, maxBuffered: 64 << 10, hardBound: 32 << 10),
            counters: Counters(), status: RelayStatus(), seed: 42)
        let server = RedisConfiguration.Endpoint.tcp(host: "127.0.0.1", port: 6379)
        upstream = Upstream(
            hub: hub, redis: RedisConfiguration(topology: .servers([server])), timings: Self.timings,
            prefix: Self.prefix, at: .init(turn: 1_000_000_000, precise: 1_000_000_000, unixMilliseconds: 1000),
            random: PlainGenerator())
        hub.outboxes.send = { [unowned self] connection, ranges in send(ranges, to: connection) }
        event { upstream.start() }
        open(publishLink)
        open(subscribeLink)
    }

    private static var timings: Timings {
        let hour: UInt64 = 3_600_000_000_000
        return Timings(
            helloTimeout: 5_000_000_000, frameTimeout: 30_000_000_000, stopTimeout: hour, heartbeatInterval: hour,
            linkTimeout: 2 * hour, probeInterval: nil, connectTimeout: hour, backoffMin: 1, backoffMax: 1,
            backoffMaxRefused: 1, restoreBatch: 3)
    }

    private var publishLink: PublishLink { upstream.nodes[0].publishLink }
    private var subscribeLink: SubscribeLink { upstream.nodes[0].subscribeLink }
    private var node: HubNode { hub.nodes[0] }

    // MARK: Steps

    func step(_ kind: Int, _ argument: Int) {
        let place = argument & 3
        let more = argument >> 2
        switch kind % 16 {
        case 0, 1: app(place).write(publish(more), &choices)
        case 2, 3: app(place).write(.names(.subscribe, nextID(place), more & 63 | kind & 64), &choices)
        case 4: app(place).write(.names(.unsubscribe, nextID(place), more & 63 | kind & 64), &choices)
        case 5: app(place).write(.ping(nextID(place), isSettled: more & 1 == 0), &choices)
        case 6: turn()
        case 7: for _ in 0...more & 7 { if argument & 1 == 0 { redis.executeSubscribe() } else { executePublish() } }
        case 8: for _ in 0...more & 15 { readSubscribeReply() }
        case 9: for _ in 0...more & 15 { readPublishReply() }
        case 10: if let app = apps[place] { close(app) }
        case 11 where more & 1 == 0:
            if publishLink.isEstablished { losePublishLink(unsent: more) } else { open(publishLink) }
        case 11: if subscribeLink.isEstablished { loseSubscribeLink() } else { open(subscribeLink) }
        case 12:
            let index = argument % Self.names.count
            let name = FakeRedis.Name(bytes: Self.redisName(index), isPattern: index >= Self.channels)
            if redis.forbidden.remove(name) == nil { redis.forbidden.insert(name) }
        case 13: apps[place]?.stopsReading.toggle()
        case 14: apps[place]?.shutDown()
        default: redis.publish(Self.redisName(argument % Self.channels), [UInt8](repeating: 120, count: argument * 8))
        }
    }

    func writeRaw(_ bytes: [UInt8], by place: Int) {
        isRaw = true
        app(place).writeRaw(bytes, &choices)
    }

    private func publish(_ argument: Int) -> FuzzedApp.Request {
        published += 1
        return .publish(
            argument & 8 == 0 ? UInt64(published) : 0, argument % Self.channels, argument & 16 == 0 ? published : nil)
    }

    private func nextID(_ place: Int) -> UInt64 {
        published += 1
        return UInt64(published)
    }

    /// The app at a place. If there is no app, a new one connects.
    private func app(_ place: Int) -> FuzzedApp {
        if let app = apps[place], !app.isFinished { return app }
        if let app = apps[place] { close(app) }
        guard let connection = hub.openConnection() else { preconditionFailure("fewer connections than are allowed") }
        let app = FuzzedApp(connection: connection, hub: hub)
        apps[place] = app
        app.write(.hello, &choices)
        return app
    }

    private func close(_ app: FuzzedApp) {
        app.readByHub()
        performActions()
        hub.connectionClosed(app.connection)
        finished.removeAll { $0 == app.connection }
        for place in apps.indices where apps[place] === app { apps[place] = nil }
    }

    static func redisName(_ index: Int) -> [UInt8] { prefix + Array(names[index].utf8) }

    // MARK: The loop

    /// Reports an event to the upstream by `body`, and performs the actions that follow.
    private func event(_ body: () -> Void) {
        upstream.begin(at: .init(turn: hub.now, precise: hub.now, unixMilliseconds: hub.now / 1_000_000))
        body()
        performActions()
    }

    /// Apps are read from, and a turn ends.
    private func turn() {
        hub.now += 10_000_000
        for case let app? in apps {
            app.readByHub()
            performActions()
        }
        event { upstream.endTurn(at: hub.now) }
        for connection in lost {
            if let app = apps.first(where: { $0?.connection == connection }) ?? nil { close(app) }
        }
        lost = []
    }

    private func performActions() {
        guard !isPerforming else { return }
        isPerforming = true
        while let action = upstream.nextAction() { perform(action) }
        isPerforming = false
    }

    private func perform(_ action: RelayAction) {
        switch action {
        case .resolve(let link, let endpoints): link.resolved(endpoints.map { Destination(endpoint: $0) })
        case .connect(let link, _): socket(of: link).isConnecting = true
        case .abandonAttempt(let link): socket(of: link).isConnecting = false
        case .readPassword(let link): link.canCarryCommands(password: nil)
        case .write(let link): write(link)
        case .close(let link, _):
            socket(of: link).isConnecting = false
            if link === subscribeLink { redis.dropSubscribeLink() }
            if link === publishLink {
                redis.dropPublishLink()
                unreadByRedis = 0
            }
        case .wake(let link, let due): socket(of: link).wakesAt = due
        case .finish(let connection, let code, let detail):
            precondition(!finished.contains(connection))
            if code != nil { precondition(!detail.isEmpty) }
            finished.append(connection)
        case .closeConnection(let connection):
            precondition(!lost.contains(connection))
            lost.append(connection)
        case .resumeReading(let connection):
            for case let app? in apps where app.connection == connection { app.isPaused = false }
        case .writeToApps:
            hub.writeOutput()
            for connection in finished { apps.first { $0?.connection == connection }??.isFinished = true }
            finished = []
        case .tell, .startTimer, .log, .ready, .takeAnotherTurn, .dispose: break
        case .endResolving, .secure, .endSecuring, .giveUp, .flushPublishes: preconditionFailure("\(action)")
        }
    }

    private func send(_ ranges: UnsafeMutableBufferPointer<OutputRange>, to connection: ConnectionID) -> Int {
        guard let app = apps.first(where: { $0?.connection == connection }) ?? nil else {
            preconditionFailure("output for nobody")
        }
        for range in ranges { app.receive(UnsafeBufferPointer(start: range.base, count: range.count)) }
        return app.backlog
    }

    // MARK: Links

    /// What the I/O layer would have for a link.
    private final class Socket: LinkConnection {
        var unsentPlaintext = 0
        /// The link wants to connect.
        var isConnecting = false
        /// When the link wants to be woken.
        var wakesAt: UInt64?
    }

    private func socket(of link: Link) -> Socket {
        if let socket = link.socket as? Socket { return socket }
        let socket = Socket()
        link.socket = socket
        return socket
    }

    /// The server takes the link's connection, and answers its greeting.
    private func open(_ link: NodeLink) {
        while !socket(of: link).isConnecting, let due = socket(of: link).wakesAt {
            hub.now = max(hub.now, due)
            event { link.wake() }
        }
        event { link.connected() }
        precondition(link.isEstablished)
    }

    /// The output of a link goes to Redis, which answers a greeting at once.
    private func write(_ link: Link) {
        let bytes = Array(link.output.bytes)
        link.output.removeAll()
        if link.isEstablished, link === publishLink {
            redis.receive(bytes)
            unreadByRedis += bytes.count
            return
        }
        var rest = bytes[...]
        while let (command, more) = FakeRedis.parseCommand(rest) {
            rest = more
            if link.isEstablished {
                precondition(command.count <= 1 + 3, "more names than a command may have")
                redis.receiveOnSubscribeLink(command)
            } else {
                link.replied(Self.answerToGreeting(command))
            }
        }
    }

    private static func answerToGreeting(_ command: [[UInt8]]) -> RedisValue {
        switch String(decoding: command[0], as: UTF8.self) {
        case "CLIENT": .status("OK")
        case "ROLE": FakeRedis.role("master")
        case "PING" where command.count < 3: .status("PONG")
        case "PUBLISH": .integer(0)
        default: .error("ERR unknown command")
        }
    }

    private static let failure = LinkFailure(cause: .closed, reason: "Redis closed the connection")

    /// - Parameter unsent: bytes that were written, but are to count as unsent. At most those that Redis has not read
    /// count.
    private func losePublishLink(unsent: Int) {
        let unsent = min(unsent, unreadByRedis)
        socket(of: publishLink).unsentPlaintext = unsent
        event { publishLink.fail(Self.failure) }
        socket(of: publishLink).unsentPlaintext = 0
    }

    private func loseSubscribeLink() { event { subscribeLink.fail(Self.failure) } }

    private func executePublish() {
        unreadByRedis = 0
        redis.executePublish()
    }

    @discardableResult
    private func readSubscribeReply() -> Bool {
        guard let reply = redis.takeSubscribeReply() else { return false }
        switch reply {
        case .confirmed(let verb, let name):
            event { name.withUnsafeBytes { subscribeLink.confirmed(verb, $0) } }
        case .refused(let text): event { subscribeLink.replied(.error(text)) }
        case .pong: event { subscribeLink.replied(.status("PONG")) }
        case .message(let channel, let payload):
            channel.withUnsafeBytes { channel in
                payload.withUnsafeBytes { _ = hub.deliver(channel: channel, payload: $0, by: node) }
            }
        case .patternMessage(let pattern, let channel, let payload):
            pattern.withUnsafeBytes { pattern in
                channel.withUnsafeBytes { channel in
                    payload.withUnsafeBytes { hub.deliver(pattern: pattern, channel: channel, payload: $0) }
                }
            }
        }
        precondition(subscribeLink.isEstablished, "an answer that was asked for is taken for another")
        return true
    }

    @discardableResult
    private func readPublishReply() -> Bool {
        guard let reply = redis.takePublishReply() else { return false }
        switch reply {
        case .integer(let value):
            let owner = hub.publishAnswered(receivers: value, by: node)
            if case .app? = owner { break }
            event { publishLink.numberAnswered(owner) }
        case .error(let text): event { publishLink.replied(.error(text)) }
        case .pong: event { publishLink.replied(.status("PONG")) }
        case .role(let role): event { publishLink.replied(FakeRedis.role(role)) }
        case .text, .clusterInfo: preconditionFailure("it is no cluster")
        }
        precondition(publishLink.isEstablished, "an answer that was asked for is taken for another")
        return true
    }

    // MARK: Books

    /// Both links come up, apps read, Redis answers, and turns pass until nothing changes any more.
    func settle() {
        for link in [publishLink, subscribeLink] where !link.isEstablished { open(link) }
        for case let app? in apps { app.stopsReading = false }
        var turns = 0
        repeat {
            turn()
            redis.executeOwn()
            while !redis.subscribeCommands.isEmpty { redis.executeSubscribe() }
            while !redis.publishCommands.isEmpty { executePublish() }
            while readSubscribeReply() {}
            while readPublishReply() {}
            turn()
            turns += 1
            precondition(turns < 1_000)
            // A connection that is closed at the end of a turn is read once more, and what it sent may concern others.
        } while hub.hasWork || !redis.isIdle || node.hasSubscribeCommands || hub.outboxes.arena.used > 0
            || apps.contains { $0?.hasUnread == true }
    }

    func checkQuiet() {
        precondition(upstream.path.status.state == .up && hub.outboxes.arena.used == 0)
        for case let app? in apps { app.checkQuiet() }
        precondition(hub.connectionCount == apps.count { $0 != nil })
        guard !isRaw else { return }
        let held = apps.map { $0?.isFinished == false ? $0?.held ?? [] : [] }
        precondition(hub.subscriptionCount == held.reduce(0) { $0 + $1.count })
        let names = Set(held.joined())
        precondition(
            redis.subscribed
                == Set(names.map { FakeRedis.Name(bytes: Self.redisName($0), isPattern: $0 >= Self.channels) }))
    }

    func closeAll() {
        for case let app? in apps { close(app) }
        settle()
        precondition(hub.connectionCount == 0 && hub.subscriptionCount == 0 && redis.subscribed.isEmpty)
        precondition(hub.outboxes.buffered == 0 && !hub.hasDeadlines)
    }
}

/// The same numbers each time, so that an input always has the same effect.
private struct PlainGenerator: RandomNumberGenerator {
    private var state: UInt64 = 7

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}
