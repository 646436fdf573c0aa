/// Whatever apps send and whatever Redis does, in whatever order: every request has one Reply, of a kind that it can
/// have, no Message comes for what an app has not asked for, and when all is quiet what the hub counts, what Redis has
/// and what apps believe is the same. When all have gone nothing is left of them.
///
/// The input is a list of steps of two bytes, what and to whom.
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

/// A hub, up to four apps and a Redis, all in memory.
final class FuzzedHub: HubEnvironment {
    let hub: Hub
    let redis = FakeRedis()
    var apps: [FuzzedApp?] = [nil, nil, nil, nil]
    private var choices: Choices
    private var isPublishLinkUp = false
    private var isSubscribeLinkUp = false
    private var isReceiving = false
    private var finished: [Int] = []
    private var lost: [Int] = []
    /// An app has sent what no app's code would: then what it holds is not known here.
    private var isRaw = false
    private var published = 0
    /// Bytes of the publish link that Redis has not looked at.
    private var unreadByRedis = 0

    static let prefix = Array("p:".utf8)
    static let names = ["a", "b", "c", "ab", "b*", "a?", "*"]
    static let channels = 4

    init(_ choices: Choices) {
        self.choices = choices
        hub = Hub(
            identity: RelayIdentity(
                version: "fuzz", id: "fuzz", maxPayloadBytes: 4096, features: ["patterns", "settled"]),
            prefix: Self.prefix, patternPrefix: Self.prefix,
            limits: Hub.Limits(
                maxConnections: 4, maxSubscriptions: 12, maxSubscriptionsPerConnection: 6, helloTimeout: 5_000_000_000,
                frameTimeout: 30_000_000_000),
            bounds: .init(window: 8 << 10, maxBuffered: 64 << 10, hardBound: 32 << 10),
            counters: Counters(), status: RelayStatus(), seed: 42)
        hub.now = 1_000_000_000
        hub.environment = self
        hub.outboxes.send = { [unowned self] slot, ranges in send(ranges, to: slot) }
        openPublishLink()
        openSubscribeLink()
    }

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
        case 11 where more & 1 == 0: if isPublishLinkUp { losePublishLink(unsent: more) } else { openPublishLink() }
        case 11: if isSubscribeLinkUp { loseSubscribeLink() } else { openSubscribeLink() }
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

    /// The app at a place, a new one where there is none.
    private func app(_ place: Int) -> FuzzedApp {
        if let app = apps[place], !app.isFinished { return app }
        if let app = apps[place] { close(app) }
        guard let slot = hub.openConnection() else { preconditionFailure("fewer connections than are allowed") }
        let app = FuzzedApp(slot: slot, hub: hub)
        apps[place] = app
        app.write(.hello, &choices)
        return app
    }

    private func close(_ app: FuzzedApp) {
        app.readByHub()
        hub.connectionClosed(app.slot)
        finished.removeAll { $0 == app.slot }
        for place in apps.indices where apps[place] === app { apps[place] = nil }
    }

    static func redisName(_ index: Int) -> [UInt8] { prefix + Array(names[index].utf8) }

    // MARK: The loop

    /// The end of a turn, in the order of the I/O layer.
    private func turn() {
        hub.now += 10_000_000
        for case let app? in apps { app.readByHub() }
        flushPublishes(to: node)
        hub.settle()
        flushPublishes(to: node)
        hub.answerDisplaced()
        flushApps()
        for slot in finished { apps.first { $0?.slot == slot }??.isFinished = true }
        finished = []
        for slot in lost { if let app = apps.first(where: { $0?.slot == slot }) ?? nil { close(app) } }
        lost = []
        flushSubscribes()
    }

    private func flushApps() {
        hub.writeOutput()
    }

    private func send(_ ranges: UnsafeMutableBufferPointer<OutputRange>, to slot: Int) -> Int {
        guard let app = apps.first(where: { $0?.slot == slot }) ?? nil else {
            preconditionFailure("output for nobody")
        }
        for range in ranges { app.receive(UnsafeBufferPointer(start: range.base, count: range.count)) }
        return app.backlog
    }

    private func flushSubscribes() {
        while isSubscribeLinkUp, node.hasSubscribeCommands {
            var verb: SubscribeVerb?
            var names: [[UInt8]] = []
            let count = hub.nextSubscribeCommand(node, limit: 3) {
                verb = $0
            } append: {
                names.append(Array($0) + Array($1))
            }
            precondition(count == names.count && count <= 3 && (verb == nil) == names.isEmpty)
            if let verb { redis.receive(verb, names) }
        }
        evaluatePath()
    }

    // MARK: HubEnvironment

    func flushPublishes(to feed: HubNode) {
        guard isPublishLinkUp, feed.publishes.output.count > 0 else { return }
        redis.receive(feed.publishes.output.bytes)
        unreadByRedis += feed.publishes.output.count
        feed.publishes.output.removeAll()
    }

    func connectionIsFinished(_ slot: Int, code: ErrorCode?, detail: String) {
        precondition(!finished.contains(slot))
        if code != nil { precondition(!detail.isEmpty) }
        finished.append(slot)
    }

    func connectionIsLost(_ slot: Int) {
        precondition(!lost.contains(slot))
        lost.append(slot)
    }

    func resumeReading(_ slot: Int) {
        for case let app? in apps where app.slot == slot { app.isPaused = false }
    }

    // MARK: Links

    private func openPublishLink() {
        isPublishLinkUp = true
        evaluatePath()
    }

    private func openSubscribeLink() {
        isSubscribeLinkUp = true
        hub.beginRestore(node)
        evaluatePath()
    }

    private static let failure = LinkFailure(cause: .closed, reason: "Redis closed the connection")

    /// - Parameter unsent: bytes that were written and are to be taken for ones that never left, if there are so many
    ///   that Redis has not looked at.
    private func losePublishLink(unsent: Int) {
        let unsent = min(unsent, unreadByRedis)
        (isPublishLinkUp, unreadByRedis) = (false, 0)
        redis.dropPublishLink()
        hub.publishLinkFailed(node, Self.failure, unsent: unsent + node.publishes.output.count)
        evaluatePath()
    }

    private func loseSubscribeLink() {
        (isSubscribeLinkUp, isReceiving) = (false, false)
        redis.dropSubscribeLink()
        hub.subscribeLinkFailed(node)
        evaluatePath()
    }

    /// What the relay makes of its links: the state of the path without a probe.
    private func evaluatePath() {
        _ = hub.takeBrokenSubscriptions()
        isReceiving = isSubscribeLinkUp && node.isWhole
        var status = hub.status
        (status.publishing, status.receiving) = (isPublishLinkUp, isReceiving)
        status.state = isPublishLinkUp && isReceiving ? .up : isPublishLinkUp || isReceiving ? .degraded : .down
        status.cause = status.state == .up ? .unspecified : .closed
        node.isPublishing = isPublishLinkUp
        if status != hub.status { hub.announce(status) }
        if isReceiving { hub.goLiveIfRestored(node) }
    }

    private func executePublish() {
        unreadByRedis = 0
        redis.executePublish()
    }

    @discardableResult
    private func readSubscribeReply() -> Bool {
        guard let reply = redis.takeSubscribeReply() else { return false }
        let meaning: Hub.SubscribeReply
        switch reply {
        case .confirmed(let verb, let name):
            meaning = name.withUnsafeBytes { hub.confirmed(verb, redisName: $0, by: node) }
        case .refused(let text): meaning = hub.subscribeRefused(text, by: node)
        case .pong: meaning = hub.pongReceived(from: node)
        case .message(let channel, let payload):
            meaning = .none
            channel.withUnsafeBytes { channel in
                payload.withUnsafeBytes { _ = hub.deliver(channel: channel, payload: $0, by: node) }
            }
        case .patternMessage(let pattern, let channel, let payload):
            meaning = .none
            pattern.withUnsafeBytes { pattern in
                channel.withUnsafeBytes { channel in
                    payload.withUnsafeBytes { hub.deliver(pattern: pattern, channel: channel, payload: $0) }
                }
            }
        }
        if case .none = meaning {} else { preconditionFailure("an answer that was asked for is taken for another") }
        evaluatePath()
        return true
    }

    @discardableResult
    private func readPublishReply() -> Bool {
        guard let reply = redis.takePublishReply() else { return false }
        switch reply {
        case .integer(let value): precondition(hub.publishAnswered(receivers: value, by: node) != nil)
        case .error(let text): precondition(hub.publishRefused(text, isMisplaced: false, by: node) != nil)
        case .pong: preconditionFailure("a PING that nobody has sent")
        }
        return true
    }

    // MARK: Books

    /// Both links come up, apps read, Redis answers, and turns pass until nothing moves.
    func settle() {
        if !isPublishLinkUp { openPublishLink() }
        if !isSubscribeLinkUp { openSubscribeLink() }
        for case let app? in apps { app.stopsReading = false }
        var turns = 0
        repeat {
            turn()
            while !redis.subscribeCommands.isEmpty { redis.executeSubscribe() }
            while !redis.publishCommands.isEmpty { executePublish() }
            while readSubscribeReply() {}
            while readPublishReply() {}
            turn()
            turns += 1
            precondition(turns < 1_000)
        } while hub.hasWork || !redis.isIdle || node.hasSubscribeCommands || apps.contains { $0?.hasUnread == true }
    }

    func checkQuiet() {
        precondition(isReceiving && hub.outboxes.arena.used == 0)
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
