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

    /// Gives the slots of names to a node, and everybody knows it. What the hub has of them already stays where it is.
    func assign(_ names: [String], to number: Int) {
        give(names, to: number)
        assignInHub(names, to: number)
    }

    /// The relay has found out, by a look at the cluster, where the slots of names are.
    func see(_ names: [String], at number: Int?) {
        lookAtCluster(Dictionary(names.map { (Int(slot(of: $0)), number) }, uniquingKeysWith: { first, _ in first }))
        event { upstream.hub.answerDisplaced() }
    }

    /// A member tells who has which slots: what the relay believes, but for some, and for what each node has of its own.
    /// - Parameter leaving: a node that has none any more, and the one that has what was its own.
    func lookAtCluster(_ news: [Int: Int?] = [:], leaving: (former: Int, successor: Int)? = nil) {
        let numbers = Dictionary(
            uniqueKeysWithValues: nodes.indices.compactMap { number in
                upstream.nodes.first { $0.endpoint == SimulatedNode.endpoint(number) }.map {
                    ($0.hubNode.index, number)
                }
            })
        func owner(_ slot: Int) -> Int? {
            let own = HashSlots.count - 1 - slot
            if let leaving, own == leaving.former { return leaving.successor }
            if nodes.indices.contains(own) { return own }
            if let told = news[slot] { return told }
            // In the beginning the first one has all.
            return epoch == 0 ? 0 : numbers[Int(hub.slots!.node(ofSlot: UInt16(slot)))]
        }
        var ranges = Array(repeating: [ClosedRange<UInt16>](), count: nodes.count)
        var (first, last) = (0, owner(0))
        for slot in 1...HashSlots.count {
            let next = slot < HashSlots.count ? owner(slot) : nil
            guard next != last || slot == HashSlots.count else { continue }
            if let last { ranges[last].append(UInt16(first)...UInt16(slot - 1)) }
            (first, last) = (slot, next)
        }
        epoch += 1
        let masters = nodes.indices.map { number in
            ClusterTopology.Master(
                address: .init(host: "127.0.0.1", port: UInt16(Membership.firstPort + number)), slots: ranges[number],
                id: "")
        }
        event { _ = upstream.cluster!.answered(ClusterTopology(masters: masters, others: [])!, epoch: epoch) }
    }

    /// The slots of names have another node, and the relay sees it before the nodes themselves do.
    func move(_ names: [String], to number: Int?) {
        see(names, at: number)
        give(names, to: number)
    }

    /// The relay's idea of where slots are; names stay where they are.
    func assignInHub(_ names: [String], to number: Int?) {
        for name in names {
            hub.assign(Int(slot(of: name)), to: number.map { UInt16(hubNode($0).index) } ?? Hub.nowhere)
        }
    }

    /// So much time passes that what has broken and is whole again counts as whole: see `HoldDown`.
    func holdDownEnds() {
        for _ in 0..<6 {
            tick()
            settle()
        }
    }

    /// Breaks of subscriptions that ended otherwise than with their link.
    var movedGaps: UInt64 { upstream.cluster!.gaps }

    /// One node's Redis carries out what it was told, and the relay reads what it says; no turn ends.
    func answer(_ number: Int) {
        let redis = nodes[number].redis
        redis.executeOwn()
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
        rig.lookAtCluster()
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
        hub.subscriptions.forEach { index in
            if hub.subscriptions[index].isRestoring { counts[Int(hub.subscriptions[index].node)] += 1 }
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

}
