import TestSupport
import Testing

@testable import RelayCore

/// A hub with everything around it simulated: apps, loop turns, both links and a Redis at their ends.
///
/// Nothing happens by itself. `turn` ends a loop turn as the I/O layer does; `settle` lets Redis answer and turns pass
/// until nothing moves any more.
final class HubRig: HubEnvironment {
    struct Options {
        var prefix = "app:"
        var maxConnections = 64
        var maxSubscriptions = 1_000_000
        var maxSubscriptionsPerConnection = 200_000
        var maxPayload = 1 << 20
        var window = 4 << 20
        var hardBound = 8 << 20
        var restoreBatch = 512
    }

    let hub: Hub
    let redis = FakeRedis()
    let options: Options
    /// Connected apps by their slot.
    private(set) var apps: [Int: App] = [:]
    var isPublishLinkUp = false
    var isSubscribeLinkUp = false
    /// Every name held has been confirmed since the subscribe link came.
    var isRestored = false
    var path = PathState(now: 0, unixMilliseconds: 0)
    /// Whether the publish link writes what is gathered for it; if not, it stays in the output.
    var takesPublishes = true
    private var finished: [(Int, App.Ending)] = []

    init(_ options: Options = Options()) {
        self.options = options
        let escaped = options.prefix.utf8.flatMap { byte -> [UInt8] in
            "*?[]\\^-".utf8.contains(byte) ? [UInt8(ascii: "\\"), byte] : [byte]
        }
        hub = Hub(
            identity: RelayIdentity(
                version: "test", id: "test", maxPayloadBytes: options.maxPayload, features: ["patterns"]),
            prefix: Array(options.prefix.utf8), patternPrefix: escaped,
            limits: Hub.Limits(
                maxConnections: options.maxConnections, maxSubscriptions: options.maxSubscriptions,
                maxSubscriptionsPerConnection: options.maxSubscriptionsPerConnection,
                helloTimeout: 5_000_000_000, frameTimeout: 30_000_000_000),
            bounds: .init(window: options.window, maxBuffered: 64 << 20, hardBound: options.hardBound),
            counters: Counters(), status: path.status, seed: 42)
        hub.now = 1_000_000_000
        hub.environment = self
        hub.outboxes.flush = { [unowned self] in flush($0) }
    }

    // MARK: Apps

    /// A new connection, which has said Hello unless told not to. Its Welcome is taken.
    func connect(hello: Bool = true) -> App {
        let app = App(slot: hub.openConnection()!, rig: self)
        apps[app.slot] = app
        guard hello else { return app }
        app.write(.hello())
        flushApps()
        _ = app.takeFrames()
        return app
    }

    func closed(_ app: App) {
        apps[app.slot] = nil
        hub.connectionClosed(app.slot)
    }

    // MARK: The loop

    /// The end of a loop turn, in the order of the I/O layer.
    func turn() {
        for app in apps.values.sorted(by: { $0.slot < $1.slot }) { app.readByRelay() }
        flushPublishes()
        hub.unblock()
        hub.failOverflowed()
        hub.emitPublishLosses()
        flushPublishes()
        flushApps()
        for (slot, ending) in finished { apps[slot]?.ended(ending) }
        finished = []
        flushSubscribes()
    }

    private func flushApps() {
        hub.outboxes.drainDirty { flush($0) }
        hub.outboxes.arena.reset()
    }

    private func flush(_ slot: Int) {
        hub.outboxes.write(slot) { ranges in
            for range in ranges { apps[slot]?.receive(UnsafeBufferPointer(start: range.base, count: range.count)) }
            return 0
        }
    }

    /// Tells Redis about names, all that there is to tell.
    func flushSubscribes() {
        guard isSubscribeLinkUp else { return }
        while hub.hasSubscribeCommands {
            var verb: SubscribeVerb?
            var names: [[UInt8]] = []
            let count = hub.nextSubscribeCommand(limit: options.restoreBatch) {
                precondition(verb == nil)
                verb = $0
            } append: { prefix, name in
                names.append(Array(prefix) + Array(name))
            }
            #expect(count == names.count && count <= options.restoreBatch)
            if let verb { redis.receive(verb, names) } else { #expect(names.isEmpty) }
        }
    }

    /// The next reply on the subscribe link is read; false when there is none.
    @discardableResult
    func readSubscribeReply() -> Bool {
        guard let reply = redis.takeSubscribeReply() else { return false }
        let meaning: Hub.SubscribeReply
        switch reply {
        case .confirmed(let verb, let name): meaning = lending(name) { hub.confirmed(verb, redisName: $0) }
        case .refused(let text): meaning = hub.subscribeRefused(text)
        case .pong: meaning = hub.pongReceived()
        case .message(let channel, let payload):
            lending(channel) { channel in lending(payload) { _ = hub.deliver(channel: channel, payload: $0) } }
            return true
        case .patternMessage(let pattern, let channel, let payload):
            lending(pattern) { pattern in
                lending(channel) { channel in
                    lending(payload) { hub.deliver(pattern: pattern, channel: channel, payload: $0) }
                }
            }
            return true
        }
        #expect(meaning == .none)
        subscribeLinkProgressed()
        return true
    }

    /// The next reply on the publish link is read; false when there is none.
    @discardableResult
    func readPublishReply() -> Bool {
        guard let reply = redis.takePublishReply() else { return false }
        switch reply {
        case .integer(let value): #expect(hub.publishAnswered(receivers: value) != nil)
        case .error(let text): #expect(hub.publishRefused(text) != nil)
        case .pong:
            guard case .ping = hub.publishRefused("PONG") else {
                Issue.record("a PONG that was not asked for")
                return true
            }
        }
        return true
    }

    /// Lets Redis answer everything, and turns pass, until nothing moves.
    func settle() {
        repeat {
            turn()
            while !redis.subscribeCommands.isEmpty { redis.executeSubscribe() }
            while !redis.publishCommands.isEmpty { redis.executePublish() }
            while readSubscribeReply() {}
            while readPublishReply() {}
            turn()
        } while !redis.isIdle || (isSubscribeLinkUp && hub.hasSubscribeCommands)
    }

    // MARK: HubEnvironment

    func flushPublishes() {
        guard isPublishLinkUp, takesPublishes, hub.publishes.output.count > 0 else { return }
        redis.receive(hub.publishes.output.bytes)
        hub.publishes.output.removeAll()
    }

    func connectionIsFinished(_ slot: Int, code: ErrorCode?, detail: String) {
        finished.append((slot, code.map(App.Ending.error) ?? .peace))
    }

    func resumeReading(_ slot: Int) { apps[slot]?.resumeReading() }
}
