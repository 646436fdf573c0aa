import TestSupport
import Testing

@testable import RelayCore

/// Several connections that subscribe and unsubscribe at random. For each of them, the model knows what the connection
/// must have, according to the answers that it got.
///
/// The model of a subscription is simple: a name is held from an OK or a PENDING on, until an OK to an Unsubscribe, or
/// until a Revoked. Everything that the relay does must fit that.
final class SubscriptionModel {
    struct Request {
        var isSubscribe: Bool
        var names: Set<FakeRedis.Name>
        var isValid: Bool
    }

    final class Client {
        let app: App
        var held: Set<FakeRedis.Name> = []
        var unanswered: [UInt64: Request] = [:]
        var lastID: UInt64 = 0
        /// The names by which messages have come since the last look.
        var heard: [FakeRedis.Name] = []
        var isEnding = false

        init(_ app: App) { self.app = app }
    }

    let rig: HubRig
    private(set) var clients: [Client] = []
    /// Names that have ever been forbidden. Nobody may be refused any other name.
    private(set) var everForbidden: Set<FakeRedis.Name> = []
    private var answered = 0
    private var delivered = 0
    /// The faults that were found.
    private(set) var faults: [String] = []

    init(_ options: HubRig.Options) { rig = HubRig(options) }

    private func fault(_ text: String) { faults.append(text) }

    private func text(_ id: UInt64, _ request: Request) -> String {
        let names = request.names.map { ($0.isPattern ? "~" : "") + String(decoding: $0.bytes, as: UTF8.self) }
        return "\(id): \(request.isSubscribe ? "subscribe" : "unsubscribe") \(names.sorted())"
    }

    // MARK: Doing

    func connect() { clients.append(Client(rig.connect())) }

    func close(_ client: Client) {
        client.app.close()
        clients.removeAll { $0 === client }
    }

    func shutDown(_ client: Client) {
        client.isEnding = true
        client.app.shutDown()
    }

    /// - Parameter texts: names, with a `~` in front of patterns. An empty name makes the request invalid.
    func request(_ client: Client, isSubscribe: Bool, _ texts: [String]) {
        guard !client.isEnding else { return }
        client.lastID += 1
        let id = client.lastID
        let channels = texts.filter { !$0.hasPrefix("~") }
        let patterns = texts.filter { $0.hasPrefix("~") }.map { String($0.dropFirst()) }
        let names = channels.map { rig.redisName($0) } + patterns.map { rig.redisName($0, isPattern: true) }
        let isValid = !texts.isEmpty && !texts.contains("")
        client.unanswered[id] = Request(isSubscribe: isSubscribe, names: Set(names), isValid: isValid)
        client.app.write(
            isSubscribe
                ? .subscribe(channels, patterns: patterns, id: id) : .unsubscribe(channels, patterns: patterns, id: id))
    }

    func forbid(_ names: Set<FakeRedis.Name>) {
        rig.redis.forbidden = names
        everForbidden.formUnion(names)
    }

    /// Reads the next reply of Redis. If it is a message, exactly those who hold its name get it.
    func readReply() {
        guard let name = nextMessageName else {
            rig.readSubscribeReply()
            return
        }
        look()
        for client in clients { client.heard = [] }
        rig.readSubscribeReply()
        look()
        for client in clients where !client.app.isEnded {
            let isLeaving = client.unanswered.values.contains { !$0.isSubscribe && $0.names.contains(name) }
            let count = client.heard.count { $0 == name }
            delivered += count
            let isRight = count == (client.held.contains(name) ? 1 : 0)
            if !isLeaving, !client.isEnding, !isRight { fault("a message came \(count) times") }
            if client.heard.count != count { fault("a message came by another name") }
        }
    }

    private var nextMessageName: FakeRedis.Name? {
        switch rig.redis.subscribeReplies.first {
        case .message(let channel, _): FakeRedis.Name(bytes: channel, isPattern: false)
        case .patternMessage(let pattern, _, _): FakeRedis.Name(bytes: pattern, isPattern: true)
        default: nil
        }
    }

    // MARK: Looking

    /// Takes in the frames that the clients have got.
    func look() {
        rig.flushApps()
        for client in clients {
            for frame in client.app.takeFrames() { take(frame, client) }
        }
    }

    private func take(_ frame: HubrelayRelayFrame, _ client: Client) {
        switch frame.frame {
        case .reply(let reply): take(reply, client)
        case .message(let message):
            let name =
                message.pattern.isEmpty
                ? rig.redisName(message.channel) : rig.redisName(message.pattern, isPattern: true)
            if !client.held.contains(name) { fault("a message on what is not held") }
            client.heard.append(name)
        case .revoked(let revoked):
            let names =
                revoked.channels.map { rig.redisName($0) }
                + revoked.patterns.map { rig.redisName($0, isPattern: true) }
            if !everForbidden.isSuperset(of: names) { fault("revoked, and never forbidden") }
            client.held.subtract(names)
        case .status: break
        default: fault("an unexpected frame: \(frame.summary)")
        }
    }

    private func take(_ reply: HubrelayReply, _ client: Client) {
        guard let request = client.unanswered.removeValue(forKey: reply.id) else {
            return fault("\(reply.id) was answered twice, or never asked")
        }
        answered += 1
        for (id, earlier) in client.unanswered where id < reply.id && !earlier.names.isDisjoint(with: request.names) {
            fault("\(text(reply.id, request)) was answered before \(text(id, earlier))")
        }
        switch (reply.outcome, request.isSubscribe) {
        case (.ok, true): client.held.formUnion(request.names)
        case (.pending, true):
            if rig.path.status.receiving { fault("pending while receiving") }
            client.held.formUnion(request.names)
        case (.ok, false): client.held.subtract(request.names)
        case (.refused, true):
            let names = reply.refusedNames.flatMap { [rig.redisName($0), rig.redisName($0, isPattern: true)] }
            if everForbidden.intersection(request.names).isDisjoint(with: names) { fault("refused for no reason") }
        case (.limit, true): break
        case (.invalid, _): if request.isValid { fault("\(reply.id) is not invalid") }
        default: fault("an outcome that makes no sense: \(reply.outcome)")
        }
        if !request.isValid, reply.outcome != .invalid { fault("\(reply.id) is invalid") }
    }

    // MARK: The end

    /// Lets everything come to rest, and compares the relay with the model.
    func settle() {
        look()
        rig.bringUp()
        while !rig.redis.isIdle { rig.settle() }
        look()
        for client in clients where client.isEnding && client.app.ending == .peace { close(client) }
        rig.settle()
        look()
        let wanted = clients.reduce(into: Set()) { $0.formUnion($1.held) }
        let held = clients.reduce(0) { $0 + $1.held.count }
        if clients.contains(where: { !$0.unanswered.isEmpty }) { fault("a request has no answer") }
        if clients.contains(where: \.isEnding) { fault("a connection does not end") }
        if rig.redis.subscribed != wanted { fault("Redis has \(rig.subscribedNames), not what is held") }
        if rig.hub.subscriptionCount != held { fault("\(rig.hub.subscriptionCount) subscriptions, not \(held)") }
        if rig.hub.nameCount != wanted.count { fault("\(rig.hub.nameCount) names, not \(wanted.count)") }
        if rig.path.status.state != .up { fault("not up") }
        if rig.node.restoreRemaining != 0 || !rig.node.waitingForLive.isEmpty { fault("something is left over") }
    }

    /// How much has happened. A test checks it to be sure that it tests something.
    var activity: (answered: Int, delivered: Int) { (answered, delivered) }
}
