@testable import RelayCore

/// What goes on in the cluster, and what the relay comes to know of it: by a look at the cluster (`see`), by what nodes
/// answer, and by ticks.
extension HubRig {
    /// The channel's slot, by its name without the prefix.
    func slot(of name: String) -> UInt16 { lending(name) { hub.slots!.hashSlots.slot(of: $0) } }

    /// The slots of names are given to a node; the members that are named know it at once, or all of them do.
    func give(_ names: [String], to number: Int?, knownTo members: [Int]? = nil) {
        for member in members ?? Array(nodes.indices) {
            for name in names { nodes[member].redis.learn(slot(of: name), isAt: number) }
        }
    }

    /// The relay has found out, by a look at the cluster, where the slots of names are.
    func see(_ names: [String], at number: Int?) {
        assignInHub(names, to: number)
        hub.placeNames()
        for number in nodes.indices { subscribeLinkProgressed(number) }
        evaluatePath()
        hub.answerDisplaced()
    }

    /// The slots of names have another node, and the relay sees it before the nodes themselves do.
    func move(_ names: [String], to number: Int?) {
        see(names, at: number)
        give(names, to: number)
    }

    /// The relay's idea of where slots are; names stay where they are.
    func assignInHub(_ names: [String], to number: Int?) {
        for name in names {
            hub.assign(Int(slot(of: name)), to: number.map { UInt16(nodes[$0].feed.index) } ?? Hub.nowhere)
        }
    }

    /// A node has said of a slot that it is not its own.
    func redirected(_ text: String) {
        guard let redirection = Redirection(text), redirection.kind == .moved else { return }
        let number = Int(redirection.port) - Membership.firstPort
        guard nodes.indices.contains(number), believesRedirection(redirection.slot, number) else { return }
        hub.assign(Int(redirection.slot), to: UInt16(nodes[number].feed.index))
    }

    /// What the relay does now and then.
    func tick() {
        for (number, node) in nodes.enumerated() {
            hub.retryMisplaced(node.feed)
            subscribeLinkProgressed(number)
        }
        evaluatePath()
        hub.answerDisplaced()
    }

    /// One node's Redis carries out what it was told, and the relay reads what it says; no turn ends.
    func answer(_ number: Int) {
        let redis = nodes[number].redis
        while !redis.subscribeCommands.isEmpty { redis.executeSubscribe() }
        while readSubscribeReply(number) {}
    }

    /// The names that a node's Redis has of us, without the prefix, in order.
    func subscribed(_ number: Int) -> [String] {
        nodes[number].redis.subscribed
            .map { String(decoding: $0.bytes.dropFirst(options.prefix.utf8.count), as: UTF8.self) }.sorted()
    }

    /// The commands that a node's Redis has not looked at: "ssubscribe a b", "ping".
    func commands(_ number: Int) -> [String] {
        nodes[number].redis.subscribeCommands.map { verb, names in
            let texts = names.map { String(decoding: $0.dropFirst(options.prefix.utf8.count), as: UTF8.self) }
            return ([verb.map { "\($0)" } ?? "ping"] + texts).joined(separator: " ")
        }
    }

    /// A cluster of as many nodes as there are lists, each of which has the slots of its names; the first has the rest.
    static func cluster(_ shares: [String]..., restoreBatch: Int = 512) -> HubRig {
        var options = Options()
        (options.shards, options.restoreBatch) = (shares.count, restoreBatch)
        let rig = HubRig(options)
        for (number, names) in shares.enumerated() { rig.assign(names, to: number) }
        return rig
    }

    /// A cluster that is up, whose nodes have the slots of "a" and "{a}", of "b" and of "c"; and an app.
    static func threeNodes() -> (HubRig, App) {
        let rig = cluster(["a", "{a}"], ["b"], ["c"])
        let app = rig.connect()
        rig.bringUp()
        _ = app.takeFrames()
        return (rig, app)
    }

    /// What a node counts as missing is what the table says of its names.
    var booksAreRight: Bool {
        var counts = Array(repeating: 0, count: hub.nodes.count)
        hub.table.forEach { index in
            if hub.table.entries[Int(index)].isRestoring { counts[Int(hub.table.entries[Int(index)].node)] += 1 }
        }
        return counts == hub.nodes.map(\.restoreRemaining)
    }

    /// Nothing is left to be done or to wait for, at any node.
    var isAtRest: Bool {
        booksAreRight
            && hub.nodes.allSatisfy {
                $0.restoreRemaining == 0 && $0.misplaced.isEmpty && $0.waitingForLive.isEmpty && $0.commands.isEmpty
                    && $0.unconfirmedNames.isEmpty && $0.queuedNames.isEmpty && $0.refusedBatches.isEmpty
            }
    }

    /// What the hub keeps for a node.
    func feed(_ number: Int) -> HubNode { nodes[number].feed }
}
