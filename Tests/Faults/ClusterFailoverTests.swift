import TestSupport
import Testing

/// A master goes, and its replica takes its place, while apps publish on the channels of all masters.
@Suite struct ClusterFailoverTests {
    /// Two channels of each master, in the order of their slots.
    private static let channels = clusterNames(
        "c", in: (0..<6).map { 16384 * $0 / 6...16384 * ($0 + 1) / 6 - 1 })

    /// Runs the load from one relay to both relays while `breaking` makes a master go. Expects that only the channels
    /// of this master suffered, and that every loss was reported.
    private func expectOneOutage(
        causes: Set<HubrelayCause>, options: [String] = [], breaking: (ClusterScene, ClusterNode) throws -> Void,
        afterwards: (ClusterScene, ClusterNode, ClusterTraffic) throws -> Void = { _, _, _ in }
    ) throws {
        let scene = try ClusterScene(options: .failingOver)
        try scene.withRelays(.sharded, options: options) { relays in
            let traffic = try ClusterTraffic(on: Self.channels, from: relays[0], to: relays)
            // Not a node that a relay asks about the cluster: the other nodes are to report that the master has been
            // replaced.
            let asked = try relays.map { try $0.http("/health").json["cluster"]?["asked"]?.text }
            let number = try #require((0..<3).first { !asked.contains(scene.nodes[$0].endpoint) })
            let (old, own) = (scene.nodes[number], Self.channels[2 * number...2 * number + 1])
            try breaking(scene, old)
            let successor = try scene.awaitFailover(of: clusterSlot(of: "t:" + own[2 * number]), from: old)
            try traffic.awaitUp(outages: 1, gaps: 1)
            #expect(successor.id == scene.nodes[number + 3].id)
            let held = try successor.client().shardSubscribers(ofEach: own.map { "t:" + $0 })
            #expect(held == [2, 2], "both relays are there")
            try traffic.awaitMore()
            try afterwards(scene, old, traffic)

            let books = try traffic.finish()
            #expect(books.audit() == [])
            for reader in books.readers {
                #expect(reader.status.outages == 1 && reader.status.gaps == 1, "\(reader.statuses)")
                #expect(reader.statuses.allSatisfy { $0.state == .degraded || $0.state == .up }, "\(reader.statuses)")
                for status in reader.statuses where status.state == .degraded {
                    #expect(causes.contains(status.cause), "\(status)")
                    #expect(status.reason.contains(" of 16384 slots"), "\(status)")
                }
            }
            let others = Self.channels.filter { !own.contains($0) }
            #expect(books.count(of: .notConnected, on: others) == 0, "the others work on")
            #expect(books.count(of: .interrupted, on: others) == 0, "the others work on")
            #expect(books.count(of: .notConnected) + books.count(of: .interrupted) > 0, "what was away is told")
            #expect(books.count(of: .ok) > 500)
        }
    }

    @Test func aMasterIsKilled() throws {
        try expectOneOutage(causes: [.closed, .unreachable, .topology]) { $1.kill() }
    }

    /// The relay leaves the master for its successor before the master has been silent for the link timeout.
    @Test func aMasterIsStoppedAndGoesOn() throws {
        try expectOneOutage(causes: [.demoted, .topology, .timeout], options: ["--link-timeout", "20s"]) {
            $1.freeze()
        } afterwards: { scene, old, traffic in
            // The old master now reads what it was sent, takes itself for a master for a moment, and learns that it is
            // not one.
            try old.comeBack()
            try eventually("the old master is a replica") { try old.replication("role") == "slave" }
            try scene.awaitAgreement()
            try traffic.awaitMore()
        }
    }

    /// Without most of the masters there is no vote, so no node can decide anything about the cluster.
    @Test func twoOfThreeMastersAreKilledAtOnceAndComeBack() throws {
        let scene = try ClusterScene(options: .failingOver)
        try scene.withRelays(.sharded) { relays in
            let traffic = try ClusterTraffic(on: Self.channels, from: relays[0], to: relays)
            for node in scene.nodes[..<2] { node.kill() }
            try traffic.wait("the loss of most slots is told") { books in
                books.readers.allSatisfy { $0.status.state != .up && $0.status.reason.contains(" of 16384 slots") }
            }
            try eventually("the third knows that it is alone") {
                try scene.nodes[2].clusterInfo("cluster_state") == "fail"
            }
            try traffic.wait("a master without the others is not used") { books in
                books.readers.allSatisfy { $0.status.state == .down }
            }
            for node in scene.nodes[..<2] { try node.comeBack() }
            try scene.awaitAgreement()
            try traffic.awaitUp(outages: 1, gaps: 1)
            let books = try traffic.finish()
            #expect(books.audit() == [])
            #expect(books.count(of: .notConnected) > 0)
        }
    }
}
