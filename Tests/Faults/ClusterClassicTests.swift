import TestSupport
import Testing

/// A cluster with classic pub/sub. A relay has one pair of links, and when the node of one of them goes, another node
/// takes its place.
@Suite struct ClusterClassicTests {
    private static let channels = ["c.0", "c.1", "c.2"]

    @Test func theNodesOfTheLinksAreKilledStoppedAndReplaced() throws {
        let scene = try ClusterScene(options: .failingOver)
        try scene.withRelays(.classic, options: shortDeadlines) { relays in
            let id = try relays[1].client().welcome.relayID
            let traffic = try ClusterTraffic(on: Self.channels, from: relays[0], to: relays)
            try expectMove("publish", of: id, scene) { $0.kill() }
            try traffic.awaitUp(reader: 1, outages: 1)
            try traffic.awaitMore()
            // Without two of the three masters there would be no majority.
            try scene.awaitAgreement()
            try expectMove("subscribe", of: id, scene) { $0.freeze() }
            try traffic.awaitUp(reader: 1, outages: 2, gaps: 1)
            try traffic.awaitMore()
            for node in scene.nodes where node.isAway { try node.comeBack() }
            try scene.awaitAgreement()
            try traffic.awaitMore()
            // With classic pub/sub it does not matter which node is whose master, or where a slot is.
            let (before, master) = (try relays[1].client().status, try scene.masters()[1])
            try scene.failOver(to: scene.replicas(of: master)[0])
            try scene.awaitAgreement()
            let (from, to) = (try scene.masters()[0], try scene.masters()[2])
            try scene.migrate([clusterSlot(of: "t:c.0"), 0, 1], from: from, to: to)
            try scene.awaitAgreement()
            try traffic.awaitMore()
            #expect(try relays[1].client().status == before, "nothing has been told")

            let books = try traffic.finish()
            #expect(books.audit() == [])
            #expect(books.count(of: .ok) > 500)
        }
    }

    /// Breaks the node that a relay's link goes to, and expects the link at another node afterwards.
    private func expectMove(
        _ link: String, of relay: String, _ scene: ClusterScene, breaking: (ClusterNode) throws -> Void
    ) throws {
        func places() throws -> [ClusterNode] {
            try scene.present.filter { try $0.connections(ofRelay: relay).contains(link) }
        }
        let old = try #require(try places().first)
        try breaking(old)
        try eventually("its \(link) link is at another node") { try places().contains { $0.id != old.id } }
    }
}
