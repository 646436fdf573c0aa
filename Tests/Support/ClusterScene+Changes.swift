internal import Synchronization

// What an operator does with a cluster.

extension ClusterScene {
    /// Makes a replica the master in place of its own master, while both live (CLUSTER FAILOVER). Other nodes learn of
    /// it a little later.
    package func failOver(to replica: ClusterNode) throws {
        try replica.client().run("CLUSTER", "FAILOVER")
        try eventually("it is the master") { try replica.replication("role") == "master" }
    }

    /// Moves slots that have no keys from one master to another, as redis-cli does. The destination is the first to
    /// learn that it has them. Then the source learns it, and notifies its subscribers. Then the other masters learn
    /// it.
    package func migrate(_ slots: some Collection<Int>, from source: ClusterNode, to destination: ClusterNode) throws {
        func set(_ words: String..., at node: ClusterNode) throws {
            try node.client().run(each: slots.map { ["CLUSTER", "SETSLOT", "\($0)"] + words })
        }
        try set("IMPORTING", source.id, at: destination)
        try set("MIGRATING", destination.id, at: source)
        try set("NODE", destination.id, at: destination)
        try set("NODE", destination.id, at: source)
        let replicas = try view().masterOfReplica.keys
        for node in present where node.id != source.id && node.id != destination.id && !replicas.contains(node.id) {
            try set("NODE", destination.id, at: node)
        }
    }

    /// Starts a master without slots, and makes it known to all nodes (CLUSTER MEET).
    package func addNode(at place: Place = Place()) throws -> ClusterNode {
        let member = try ClusterNode.Member(place)
        let own = "\(member.entry(inShard: member.id, isAlone: true)) myself,master - 0 0 0 connected"
        let node = try node(member, view: [own, "vars currentEpoch 0 lastVoteEpoch 0"])
        let met = nodes[0]
        running.withLock { $0.append(node) }
        try node.client().run("CLUSTER", "MEET", met.place.address, "\(met.port)", "\(met.busPort)")
        try awaitAgreement(isFresh: true)
        return node
    }

    /// Makes all other nodes forget a master that has no slots any more (CLUSTER FORGET), and ends it.
    package func removeNode(_ node: ClusterNode) throws {
        // All nodes have to be told within a minute, or a node learns of the master again from those that still know
        // it.
        let others = present.filter { $0.id != node.id }
        for other in others { try other.client().run("CLUSTER", "FORGET", node.id) }
        node.kill()
        running.withLock { $0.removeAll { $0.id == node.id } }
        try awaitAgreement()
    }

    /// Takes slots from all nodes (CLUSTER DELSLOTS). For scenes without replicas that do not need all slots.
    package func dropSlots(_ slots: [Int]) throws {
        let owner = try master(of: slots[0])
        // The owner of the slots comes first: otherwise it would tell the other nodes again that it has them.
        for node in [owner] + present.filter({ $0.id != owner.id }) {
            try node.client().run(["CLUSTER", "DELSLOTS"] + slots.map(String.init))
        }
        try awaitAgreement()
    }
}

/// The slot of a name, as the specification of Redis Cluster defines it: the CRC16 (XMODEM) of the text between the
/// first `{` and the next `}`, if there is any text between them, and of the whole name otherwise.
package func clusterSlot(of name: String) -> Int {
    var bytes = Array(name.utf8)[...]
    if let open = bytes.firstIndex(of: UInt8(ascii: "{")) {
        let rest = bytes[(open + 1)...]
        if let close = rest.firstIndex(of: UInt8(ascii: "}")), close > open + 1 { bytes = rest[..<close] }
    }
    let remainder = bytes.reduce(UInt16(0)) { $0 << 8 ^ remainders[Int(UInt8($0 >> 8) ^ $1)] }
    return Int(remainder) % 16384
}

/// The CRC16 of each single byte.
private let remainders = (0..<256).map { byte in
    (0..<8).reduce(UInt16(byte) << 8) { value, _ in value & 0x8000 == 0 ? value << 1 : value << 1 ^ 0x1021 }
}

/// One name for each range of slots, in the same order. Each name begins with `stem`, and its slot is in the range. For
/// example, `x.` gives `x.17`.
/// - Parameter prefix: what precedes each name in Redis.
package func clusterNames(_ stem: String, prefix: String = "t:", in slots: [ClosedRange<Int>]) -> [String] {
    slots.map { range in
        var number = 0
        while !range.contains(clusterSlot(of: "\(prefix)\(stem)\(number)")) { number += 1 }
        return "\(stem)\(number)"
    }
}
