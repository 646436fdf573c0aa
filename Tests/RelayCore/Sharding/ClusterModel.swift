import TestSupport
import Testing

@testable import RelayCore

/// A cluster of three nodes whose slots move at random, and connections that subscribe, unsubscribe and publish at
/// random. For each of them, the model knows what the connection must have, according to the answers that it got.
///
/// Each slot has one true owner, which knows so at once. The former owner, the other nodes and the relay learn it when
/// the steps say so. Messages are published at the true owner, numbered by channel.
final class ClusterModel {
    struct Request {
        var isSubscribe: Bool
        var names: Set<String>
    }

    /// What a connection last heard on a channel, and the `gaps` reported when the relay was last receiving before.
    struct Heard {
        var number: Int
        var gaps: UInt64
    }

    final class Client {
        let app: App
        var held: Set<String> = []
        var unanswered: [UInt64: Request] = [:]
        var unansweredPublishes: Set<UInt64> = []
        var heard: [String: Heard] = [:]
        var lastID: UInt64 = 0
        var isEnding = false

        init(_ app: App) { self.app = app }
    }

    static let tags = (0..<6).map { "{t\($0)}" }
    static let names = tags.flatMap { tag in (0..<3).map { "\(tag)\($0)" } }

    let rig = HubRig.cluster([], [], [])
    private(set) var clients: [Client] = []
    /// The node that has the slot of a tag; nil: no node has it.
    private(set) var owners: [String: Int?] = [:]
    private var lastNumber: [String: Int] = [:]
    private var everForbidden: Set<String> = []
    private var gapsWhenReceiving: UInt64 = 0
    /// The faults that were found.
    private(set) var faults: [String] = []
    /// How much has happened. A test checks it to be sure that it tests something.
    private(set) var counts: [String: Int] = [:]

    init() {
        for tag in Self.tags { owners[tag] = 0 }
    }

    private func fault(_ text: String) { faults.append(text) }
    private func count(_ what: String) { counts[what, default: 0] += 1 }

    // MARK: What apps do

    func connect() { clients.append(Client(rig.connect())) }

    func close(_ client: Client) {
        client.app.close()
        clients.removeAll { $0 === client }
    }

    func shutDown(_ client: Client) {
        client.isEnding = true
        client.app.shutDown()
    }

    func request(_ client: Client, isSubscribe: Bool, _ names: [String]) {
        guard !client.isEnding else { return }
        client.lastID += 1
        client.unanswered[client.lastID] = Request(isSubscribe: isSubscribe, names: Set(names))
        client.app.write(isSubscribe ? .subscribe(names, id: client.lastID) : .unsubscribe(names, id: client.lastID))
    }

    func publish(_ client: Client, _ name: String) {
        guard !client.isEnding else { return }
        client.lastID += 1
        client.unansweredPublishes.insert(client.lastID)
        client.app.write(.publish(name + "?", "x", id: client.lastID))
    }

    // MARK: What the cluster does

    /// A client of Redis publishes to a channel. If no node has the slot, nobody hears the message.
    func publishElsewhere(_ name: String) {
        guard let owner = owners[String(name.prefix(4))] ?? nil else { return }
        lastNumber[name, default: 0] += 1
        let payload = Array("\(lastNumber[name] ?? 0)".utf8)
        rig.nodes[owner].redis.publish(Array("app:\(name)".utf8), payload)
    }

    /// The slot gets another owner, which learns first who had the slot before, and then that it has the slot itself.
    func move(_ tag: String, to owner: Int?) {
        let previous = owners[tag] ?? nil
        owners[tag] = owner
        guard let owner else { return }
        if previous != owner { rig.give([tag], to: previous ?? (owner + 1) % 3, knownTo: [owner]) }
        rig.give([tag], to: owner, knownTo: [owner])
    }

    /// A member learns the true owner of a slot.
    func inform(_ member: Int, of tag: String) { rig.give([tag], to: owners[tag] ?? nil, knownTo: [member]) }

    /// The relay reads the state of the cluster.
    func see(_ tags: [String]) {
        for tag in tags { rig.assignInHub([tag], to: owners[tag] ?? nil) }
        rig.see([], at: nil)
        noteGaps()
    }

    func forbid(_ names: [String]) {
        everForbidden.formUnion(names)
        for node in rig.nodes { node.redis.forbidden = Set(names.map { rig.redisName($0) }) }
    }

    /// To be called after every step.
    func noteGaps() { if rig.path.status.receiving { gapsWhenReceiving = rig.path.status.gaps } }

    // MARK: Looking

    /// Reads the next reply on a node's subscribe link, and takes in what follows from it.
    func readReply(_ number: Int) {
        look()
        rig.readSubscribeReply(number)
        look()
        noteGaps()
    }

    /// Takes in the frames that the clients have got.
    func look() {
        rig.flushApps()
        for client in clients {
            for frame in client.app.takeFrames() { take(frame, client) }
        }
    }

    private func take(_ frame: HubrelayRelayFrame, _ client: Client) {
        switch frame.frame {
        case .reply(let reply):
            if client.unansweredPublishes.remove(reply.id) != nil { return count("publish \(reply.outcome)") }
            take(reply, client)
        case .message(let message): take(message.channel, Int(message.text) ?? 0, client)
        case .revoked(let revoked):
            if !everForbidden.isSuperset(of: revoked.channels) { fault("revoked, and never forbidden") }
            drop(Set(revoked.channels), client)
        case .status: break
        default: fault("an unexpected frame: \(frame.summary)")
        }
    }

    private func take(_ channel: String, _ number: Int, _ client: Client) {
        count("message")
        if !client.held.contains(channel) { fault("a message on \(channel), which is not held") }
        if let last = client.heard[channel] {
            if number <= last.number { fault("\(channel): \(number) after \(last.number)") }
            if number > last.number + 1 {
                count("gap")
                if rig.path.status.gaps <= last.gaps {
                    fault("\(channel): \(number) after \(last.number), and no gap was told")
                }
            }
        }
        client.heard[channel] = Heard(number: number, gaps: gapsWhenReceiving)
    }

    private func take(_ reply: HubrelayReply, _ client: Client) {
        guard let request = client.unanswered.removeValue(forKey: reply.id) else {
            return fault("\(reply.id) was answered twice, or never asked")
        }
        count("\(reply.outcome)")
        for (id, earlier) in client.unanswered where id < reply.id && !earlier.names.isDisjoint(with: request.names) {
            fault("\(reply.id) was answered before \(id)")
        }
        switch (reply.outcome, request.isSubscribe) {
        case (.ok, true), (.pending, true): client.held.formUnion(request.names)
        case (.ok, false): drop(request.names, client)
        case (.refused, true):
            if everForbidden.isDisjoint(with: reply.refusedNames) { fault("refused for no reason: \(reply.detail)") }
        default: fault("an outcome that makes no sense: \(reply.outcome)")
        }
    }

    private func drop(_ names: Set<String>, _ client: Client) {
        client.held.subtract(names)
        for name in names { client.heard[name] = nil }
    }

    // MARK: The end

    /// Each slot gets an owner, everybody learns the true owners, and everything comes to rest.
    func settle() {
        forbid([])
        for (number, tag) in Self.tags.enumerated() {
            if owners[tag] == .some(nil) { move(tag, to: number % 3) }
            for member in 0..<3 { inform(member, of: tag) }
        }
        for node in rig.nodes { node.takesCommands = true }
        see(Self.tags)
        rig.bringUp()
        for _ in 0..<4 {
            rig.settle()
            rig.tick()
        }
        rig.holdDownEnds()
        look()
        for client in clients where client.isEnding && client.app.ending == .peace { close(client) }
        rig.settle()
        look()
        noteGaps()
        compare()
        hearEverything()
    }

    private func compare() {
        let wanted = clients.reduce(into: Set()) { $0.formUnion($1.held) }
        let held = clients.reduce(0) { $0 + $1.held.count }
        if clients.contains(where: { !$0.unanswered.isEmpty || !$0.unansweredPublishes.isEmpty }) {
            fault("a request has no answer")
        }
        if clients.contains(where: \.isEnding) { fault("a connection does not end") }
        for number in 0..<3 {
            let share = wanted.filter { owners[String($0.prefix(4))] == .some(number) }.sorted()
            if rig.subscribed(number) != share { fault("node \(number) has \(rig.subscribed(number)), not \(share)") }
            if rig.nodes[number].redis.membership?.crossSlotCount != 0 { fault("a command of several slots") }
        }
        if rig.hub.subscriptionCount != held { fault("\(rig.hub.subscriptionCount) subscriptions, not \(held)") }
        if rig.hub.nameCount != wanted.count { fault("\(rig.hub.nameCount) names, not \(wanted.count)") }
        if rig.path.status.state != .up { fault("not up") }
        if !rig.isAtRest { fault("something is left over") }
    }

    /// A message on each channel reaches all connections that hold it, once.
    private func hearEverything() {
        for name in Self.names { publishElsewhere(name) }
        rig.settle()
        look()
        for client in clients {
            for name in client.held where client.heard[name]?.number != lastNumber[name] {
                fault("\(name) was not heard")
            }
        }
    }
}
