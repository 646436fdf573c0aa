import RESP
import RelayCore

/// A hub whose sockets take everything at once, and throw it away. What the I/O layer does around the hub happens here
/// in the same order, but without system calls.
final class Bench {
    static let prefix = "app:"
    /// The number of messages in a turn: under load, the relay finds several in each buffer that it reads.
    static let batch = 32

    let hub: Hub
    let node: HubNode
    /// Bytes that went to apps and to Redis.
    private(set) var bytesToApps = 0
    private(set) var bytesToRedis = 0
    /// The number of names that Redis has confirmed as subscribed or unsubscribed.
    private(set) var confirmations = 0
    private let redisName = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 1)

    /// The links are up, and nothing is subscribed to.
    /// - Parameter isSharded: whether every name is at the only node of a cluster, instead of a single Redis.
    init(isSharded: Bool = false, maxConnections: Int = 128) {
        let prefix = Array(Self.prefix.utf8)
        hub = Hub(
            identity: RelayIdentity(version: "1", id: "1", maxPayloadBytes: 1 << 20, features: ["patterns"]),
            prefix: prefix, patternPrefix: prefix,
            limits: Hub.Limits(
                maxConnections: maxConnections, maxSubscriptions: 1 << 20, maxSubscriptionsPerConnection: 1 << 20,
                helloTimeout: 5_000_000_000, frameTimeout: 30_000_000_000),
            bounds: .init(window: 4 << 20, maxBuffered: 64 << 20, hardBound: 8 << 20), counters: Counters(),
            status: RelayStatus(), seed: 42, hashSlots: isSharded ? HashSlots(prefix: prefix) : nil)
        node = isSharded ? hub.addNode() : hub.nodes[0]
        for slot in hub.slots?.usedSlots ?? 0..<0 { hub.assign(slot, to: UInt16(node.index)) }
        hub.now = 1_000_000_000
        // Not retained, as in the relay: the bench outlives its hub.
        let borrowed = Unmanaged.passUnretained(self)
        hub.outboxes.send = { _, ranges in
            borrowed._withUnsafeGuaranteedRef { for range in ranges { $0.bytesToApps += range.count } }
            return 0
        }
        node.isPublishing = true
        hub.beginRestore(node)
        hub.goLiveIfWhole(node)
    }

    deinit { redisName.deallocate() }

    /// A connection that has said Hello, and has its Welcome.
    func connect() -> ConnectionID {
        guard let connection = hub.openConnection() else { fatalError("as many connections as the hub allows") }
        receive(permanent(Frames.hello()), from: connection)
        flushApps()
        return connection
    }

    /// Reads what an app has sent.
    func receive(_ bytes: UnsafeRawBufferPointer, from connection: ConnectionID) {
        hub.receive(bytes, from: connection)
        if hub.hasActions { performActions() }
    }

    private func performActions() {
        while let action = hub.nextAction() {
            switch action {
            case .flushPublishes(let node): flushPublishes(to: node)
            case .resumeReading, .tell: break
            default: fatalError("\(action) is not to be done here")
            }
        }
    }

    /// Opens connections that receive by `name`.
    func subscribe(connections: Int, to name: String, isPattern: Bool = false) {
        let frame = permanent(Frames.subscribe([name], isPattern: isPattern))
        for _ in 0..<connections { receive(frame, from: connect()) }
        answerSubscribes()
        flushApps()
    }

    /// Redis gets the commands about names one by one, and confirms each.
    func answerSubscribes() {
        finishWork()
        while node.hasSubscribeCommands {
            var verb = SubscribeVerb.subscribe
            var length = 0
            _ = hub.nextSubscribeCommand(node, limit: 1) {
                verb = $0
            } append: { prefix, name in
                redisName.copyMemory(from: prefix)
                UnsafeMutableRawBufferPointer(rebasing: redisName[prefix.count...]).copyMemory(from: name)
                length = prefix.count + name.count
            }
            guard length > 0 else { return }
            let name = UnsafeRawBufferPointer(rebasing: redisName[..<length])
            guard hub.confirmed(verb, redisName: name, by: node) == .none else { fatalError("not what was asked") }
            confirmations += 1
        }
    }

    /// Ends turns until the work on all requests is done.
    func finishWork() {
        repeat {
            hub.finishTurn()
            if hub.hasActions { performActions() }
        } while hub.hasWork
    }

    func flushApps() {
        hub.writeOutput()
    }

    func flushPublishes(to node: HubNode) {
        bytesToRedis += node.publishes.output.count
        node.publishes.output.removeAll()
    }
}
