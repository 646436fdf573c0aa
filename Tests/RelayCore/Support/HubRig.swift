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
        var maxBuffered = 64 << 20
        var hardBound = 8 << 20
        var restoreBatch = 512
        /// How many nodes there are between which names are spread by their hash slots; nil: one that has them all.
        var shards: Int?
    }

    let hub: Hub
    private(set) var nodes: [SimulatedNode]
    let options: Options
    /// Connected apps by their slot.
    private(set) var apps: [Int: App] = [:]
    var path = PathState(now: 0, unixMilliseconds: 0)
    /// Whether the publish link writes what is gathered for it; if not, it stays in the output.
    var takesPublishes = true
    /// Whether what is written waits in the relay's backlog until `transmit`, instead of being with Redis at once.
    var isNetworkSlow = false
    /// Whether the relay believes a node that says MOVED, given the slot and the number of the other node.
    var believesRedirection: (UInt16, Int) -> Bool = { _, _ in true }
    /// How often nodes have said that they lost the slot of a name, or of a probe.
    var slotsLost = 0
    /// What a node answers that is asked for its role after that.
    var tellsThatItIsMaster = true
    var probesLost = 0
    /// Breaks of subscriptions that ended otherwise than with their link.
    var movedGaps: UInt64 = 0
    private var finished: [(Int, App.Ending)] = []
    private var lost: [Int] = []
    /// How often the hub has said its last word to a connection.
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
            counters: Counters(), status: path.status, seed: 42,
            hashSlots: options.shards.map { _ in HashSlots(prefix: Array(options.prefix.utf8)) })
        let feeds = options.shards.map { [hub] count in (0..<count).map { _ in hub.addNode() } } ?? hub.nodes
        nodes = feeds.map(SimulatedNode.init)
        if options.shards != nil {
            for (number, node) in nodes.enumerated() { node.redis.membership = Membership(number: number) }
        }
        for slot in hub.slots?.usedSlots ?? 0..<0 { _ = hub.slots?.assign(slot, to: UInt16(feeds[0].index)) }
        hub.now = 1_000_000_000
        hub.environment = self
        hub.outboxes.send = { [unowned self] in send($1, to: $0) }
    }

    // The first node, and its Redis: the only ones in most tests.
    var node: HubNode { hub.nodes[0] }
    var redis: FakeRedis { nodes[0].redis }

    /// Gives the slots of names to a node, and everybody knows it. What the hub has of them already stays where it is.
    func assign(_ names: [String], to number: Int) {
        give(names, to: number)
        assignInHub(names, to: number)
    }

    /// A node joins, with the next number. It has no slots and no links.
    func addNode() {
        let node = SimulatedNode(feed: hub.addNode())
        node.redis.membership = Membership(number: nodes.count)
        nodes.append(node)
        evaluatePath()
    }

    /// The last node goes. Its slots must have been given to others.
    func removeLastNode() {
        if nodes[nodes.count - 1].isSubscribeLinkUp { loseSubscribeLink(nodes.count - 1) }
        if nodes[nodes.count - 1].isPublishLinkUp { losePublishLink(nodes.count - 1) }
        hub.removeNode(nodes.removeLast().feed)
        evaluatePath()
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
        hub.settle()
        flushPublishes()
        hub.answerDisplaced()
        flushApps()
        for (slot, ending) in finished { apps[slot]?.ended(ending) }
        finished = []
        for slot in lost { apps[slot]?.close() }
        lost = []
        flushSubscribes()
    }

    /// Writes what there is for the apps.
    func flushApps() {
        hub.writeOutput()
    }

    private func send(_ ranges: UnsafeMutableBufferPointer<OutputRange>, to slot: Int) -> Int {
        guard let app = apps[slot] else { return 0 }
        for range in ranges { app.receive(UnsafeBufferPointer(start: range.base, count: range.count)) }
        return app.backlog
    }

    // MARK: HubEnvironment

    func flushPublishes(to feed: HubNode) {
        guard let number = nodes.firstIndex(where: { $0.feed === feed }) else { return }
        let node = nodes[number]
        guard node.isPublishLinkUp, takesPublishes, feed.publishes.output.count > 0 else { return }
        node.publishBacklog += feed.publishes.output.bytes
        feed.publishes.output.removeAll()
        transmit(isNetworkSlow ? 0 : node.publishBacklog.count, to: number)
    }

    private func flushPublishes() {
        for node in nodes { flushPublishes(to: node.feed) }
    }

    /// So many bytes of the publish link's backlog get to Redis.
    func transmit(_ count: Int, to number: Int = 0) {
        let node = nodes[number]
        node.redis.receive(node.publishBacklog.prefix(count))
        node.publishBacklog.removeFirst(min(count, node.publishBacklog.count))
        node.feed.publishes.backlog = node.publishBacklog.count
    }

    func connectionIsFinished(_ slot: Int, code: ErrorCode?, detail: String) {
        endings += 1
        finished.append((slot, code.map(App.Ending.error) ?? .peace))
    }

    func connectionIsLost(_ slot: Int) {
        #expect(apps[slot]?.isClosed == false && !lost.contains(slot))
        lost.append(slot)
    }

    func resumeReading(_ slot: Int) { apps[slot]?.resumeReading() }
}
