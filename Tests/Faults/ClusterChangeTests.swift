import TestSupport
import Testing

/// Operators change a cluster while apps publish on channels of all masters. No slot is ever without a master for long.
@Suite struct ClusterChangeTests {
    private static let channels = clusterNames("c", in: (0..<6).map { 16384 * $0 / 6...16384 * ($0 + 1) / 6 - 1 })

    /// A step of the test, and what must hold after it.
    private struct Stage {
        let scene: ClusterScene
        let relays: [RelayProcess]
        let traffic: ClusterTraffic

        /// Makes a change that concerns some of the channels, and waits until all is well again.
        func change(line: UInt = #line, _ body: () throws -> Void) throws {
            let gaps = traffic.gaps
            try body()
            try traffic.wait("everybody has had a gap, and is UP", line: line) { books in
                zip(books.readers, gaps).allSatisfy { $0.status.gaps > $1 && $0.status.state == .up }
            }
            try eventually("all channels are held where they are now", line: line) {
                try channels.allSatisfy { channel in
                    let owner = try scene.master(of: clusterSlot(of: "t:" + channel))
                    return try owner.client().shardSubscribers(ofEach: ["t:" + channel]) == [relays.count]
                }
            }
            try traffic.awaitMore(line: line)
        }
    }

    @Test func mastersAreReplacedSlotsMoveAndNodesComeAndGo() throws {
        let scene = try ClusterScene()
        try scene.withRelays(.sharded) { relays in
            let traffic = try ClusterTraffic(on: Self.channels, from: relays[0], to: relays)
            let stage = Stage(scene: scene, relays: relays, traffic: traffic)
            let (first, second, third) = (scene.nodes[0], scene.nodes[1], scene.nodes[2])

            // Two slots in use, and some slots next to them, move to the next master one by one.
            let moving = Self.channels[2...3].map { clusterSlot(of: "t:" + $0) }
            for slot in moving {
                let some = (slot - 2...slot + 2).filter { $0 >= 5461 && $0 < 10922 }
                try stage.change { try scene.migrate(some, from: second, to: third) }
            }

            // A new node gets some of the first node's slots, and gives them back.
            let added = try scene.addNode()
            #expect(relays.allSatisfy { (try? $0.metric("hubrelay_cluster_nodes")) == 3 }, "it has no slots yet")
            let share = (0..<5461).filter { abs($0 - clusterSlot(of: "t:" + Self.channels[0])) < 100 }
            try stage.change { try scene.migrate(share, from: first, to: added) }
            for relay in relays { #expect(try relay.metric("hubrelay_cluster_nodes") == 4) }
            try stage.change { try scene.migrate(share, from: added, to: first) }
            for relay in relays {
                try eventually("the links to it are gone") {
                    let body = try relay.http("/health").body
                    return try relay.metric("hubrelay_cluster_nodes") == 3 && !body.contains("//" + added.endpoint)
                }
            }
            // The loss of a node without slots concerns nobody.
            let gaps = traffic.gaps
            try scene.removeNode(added)
            try traffic.awaitMore()
            #expect(traffic.gaps == gaps)
            // This change comes last, since replicas need some seconds to follow another master.
            let replica = try scene.replicas(of: first)[0]
            try stage.change { try scene.failOver(to: replica) }
            #expect(try scene.masters().map(\.id) == [replica.id, second.id, third.id])
            try expectInOrder(traffic.finish())
        }
    }

    private func expectInOrder(_ books: ClusterBooks) {
        #expect(books.audit() == [])
        for reader in books.readers {
            // A slot that moves is without a master for a moment. The whole cluster never is.
            #expect(reader.statuses.allSatisfy { $0.state == .degraded || $0.state == .up }, "\(reader.statuses)")
            #expect(
                reader.statuses.allSatisfy { $0.state == .up || [.topology, .demoted].contains($0.cause) },
                "\(reader.statuses)")
        }
        // A node that has lost a slot says so. So only a node that keeps others waiting causes INTERRUPTED, now and
        // then on a busy machine.
        let (ok, unsent) = (books.count(of: .ok), books.count(of: .notConnected))
        let unknown = books.count(of: .interrupted)
        print("while the cluster changed: \(ok) OK, \(unsent) NOT_CONNECTED, \(unknown) INTERRUPTED")
        #expect(ok > unsent && ok > 10 * unknown)
    }
}
