@testable import RelayCore

/// What happens in the cluster, and how the relay learns of it: from the state of the cluster (`see`), from the answers
/// of nodes, and by ticks.
extension HubRig {
    /// The channel's slot, by its name without the prefix.
    func slot(of name: String) -> UInt16 { lending(name) { hub.slots!.hashSlots.slot(of: $0) } }

    /// The slots of names are given to a node. Only `members` know it at once, or all members if that is nil.
    func give(_ names: [String], to number: Int?, knownTo members: [Int]? = nil) {
        for member in members ?? Array(nodes.indices) {
            for name in names { nodes[member].redis.learn(slot(of: name), isAt: number) }
        }
    }

    /// Gives the slots of names to a node, and everybody knows it. Names that the hub already has stay where they are.
    func assign(_ names: [String], to number: Int) {
        give(names, to: number)
        assignInHub(names, to: number)
    }

    /// The relay has learned from the state of the cluster where the slots of names are.
    func see(_ names: [String], at number: Int?) {
        lookAtCluster(Dictionary(names.map { (Int(slot(of: $0)), number) }, uniquingKeysWith: { first, _ in first }))
        event { upstream.hub.answerDisplaced() }
    }

    /// A member reports who has which slots: what the relay believes, except for `news` and the own slot of each node.
    /// - Parameter leaving: a node that has no slots any more, and the node that has got the own slot of the first.
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
            // At the beginning, the first node has all slots.
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

    /// The slots of names move to another node, and the relay learns that before the nodes themselves do.
    func move(_ names: [String], to number: Int?) {
        see(names, at: number)
        give(names, to: number)
    }

    /// Changes where the relay believes the slots to be. Names stay where they are.
    func assignInHub(_ names: [String], to number: Int?) {
        for name in names {
            hub.assign(Int(slot(of: name)), to: number.map { UInt16(hubNode($0).index) } ?? Hub.nowhere)
        }
    }

    /// Enough time passes for a break that was repaired to count as over: see `HoldDown`.
    func holdDownEnds() {
        for _ in 0..<6 {
            tick()
            settle()
        }
    }

    /// The number of breaks of subscriptions for other reasons than the end of their link.
    var movedGaps: UInt64 { upstream.cluster!.gaps }

    /// One node's Redis carries out its commands, and the relay reads the replies. No turn ends.
    func answer(_ number: Int) {
        let redis = nodes[number].redis
        redis.executeOwn()
        while !redis.subscribeCommands.isEmpty { redis.executeSubscribe() }
        while readSubscribeReply(number) {}
    }

    /// The names that a node's Redis has of us, without the prefix, sorted.
    func subscribed(_ number: Int) -> [String] {
        nodes[number].redis.subscribed
            .map { String(decoding: $0.bytes.dropFirst(options.prefix.utf8.count), as: UTF8.self) }.sorted()
    }

    /// The commands that a node's Redis has not carried out: "ssubscribe a b", "ping".
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

    /// Whether each node's count of missing names agrees with the table.
    var booksAreRight: Bool {
        var counts = Array(repeating: 0, count: hub.nodes.count)
        hub.subscriptions.forEach { index in
            if hub.subscriptions[index].isRestoring { counts[Int(hub.subscriptions[index].node)] += 1 }
        }
        return counts == hub.nodes.map(\.restoreRemaining)
    }

    /// Whether nothing is left to do or to wait for, at any node.
    var isAtRest: Bool {
        booksAreRight
            && hub.nodes.allSatisfy {
                $0.restoreRemaining == 0 && $0.misplaced.isEmpty && $0.waitingForLive.isEmpty && $0.commands.isEmpty
                    && $0.unconfirmedNames.isEmpty && $0.queuedNames.isEmpty && $0.refusedBatches.isEmpty
            }
    }

}
