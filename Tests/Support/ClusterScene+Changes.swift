internal import Synchronization

// What an operator does with a cluster.

extension ClusterScene {
    /// Makes a replica the master in the place of its own, while both live (CLUSTER FAILOVER). Others learn of it in
    /// some moments.
    package func failOver(to replica: ClusterNode) throws {
        try replica.client().run("CLUSTER", "FAILOVER")
        try eventually("it is the master") { try replica.replication("role") == "master" }
    }

    /// Moves slots that have no keys from one master to another, as redis-cli does: the destination is the first to
    /// know that it has them, then the source, which now tells its subscribers, then the other masters.
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

    /// Starts a master without slots, and makes it known to all (CLUSTER MEET).
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

    /// Makes everybody forget a master that has no slots any more (CLUSTER FORGET), and ends it.
    package func removeNode(_ node: ClusterNode) throws {
        // Who is not told within a minute of the others learns of it again from those.
        let others = present.filter { $0.id != node.id }
        for other in others { try other.client().run("CLUSTER", "FORGET", node.id) }
        node.kill()
        running.withLock { $0.removeAll { $0.id == node.id } }
        try awaitAgreement()
    }

    /// Takes slots from everybody (CLUSTER DELSLOTS); for scenes without replicas that do not need all slots.
    package func dropSlots(_ slots: [Int]) throws {
        let owner = try master(of: slots[0])
        // Its owner first: it would tell the others again.
        for node in [owner] + present.filter({ $0.id != owner.id }) {
            try node.client().run(["CLUSTER", "DELSLOTS"] + slots.map(String.init))
        }
        try awaitAgreement()
    }
}

/// The slot of a name, as the specification of Redis Cluster has it: the CRC16 (XMODEM) of what stands between the
/// first `{` and the next `}`, if anything does, and else of the whole.
package func clusterSlot(of name: String) -> Int {
    var bytes = Array(name.utf8)[...]
    if let open = bytes.firstIndex(of: UInt8(ascii: "{")) {
        let rest = bytes[(open + 1)...]
        if let close = rest.firstIndex(of: UInt8(ascii: "}")), close > open + 1 { bytes = rest[..<close] }
    }
    let remainder = bytes.reduce(UInt16(0)) { $0 << 8 ^ remainders[Int(UInt8($0 >> 8) ^ $1)] }
    return Int(remainder) % 16384
}

/// What becomes of each byte.
private let remainders = (0..<256).map { byte in
    (0..<8).reduce(UInt16(byte) << 8) { value, _ in value & 0x8000 == 0 ? value << 1 : value << 1 ^ 0x1021 }
}

/// Names that begin so and have slots in all of these, in this order: `x.` gives `x.17`, say.
/// - Parameter prefix: what stands before each name in Redis.
package func clusterNames(_ stem: String, prefix: String = "t:", in slots: [ClosedRange<Int>]) -> [String] {
    slots.map { range in
        var number = 0
        while !range.contains(clusterSlot(of: "\(prefix)\(stem)\(number)")) { number += 1 }
        return "\(stem)\(number)"
    }
}
