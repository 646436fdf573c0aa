import TestSupport
import Testing

/// A master that is cut off from the other nodes and comes back as a replica. There is a relay on its side, one on the
/// side of the others, and one between them that reaches both sides.
@Suite(.breaksNetworks) struct ClusterPartitionTests {
    private static func channels(_ stem: String) -> [String] {
        clusterNames(stem, in: (0..<3).map { 16384 * $0 / 3...16384 * ($0 + 1) / 3 - 1 })
    }

    @Test func nobodyIsAtAMasterThatIsCutOffAndNothingIsLostUntold() throws {
        let network = try NetworkScene()
        let (few, most) = (network.relayHost, network.redisHost)
        let here = ClusterScene.Place(few, "10.77.1.2")
        let there = ClusterScene.Place(most, NetworkScene.redisAddresses[0])
        let scene = try ClusterScene(
            places: [here, there, there, there, there, there], options: .failingOver)
        let hosts = [few, most, network.router]
        try scene.withRelays(.sharded, on: hosts, options: shortDeadlines) { relays in
            let (withFew, withMost, between) = (relays[0], relays[1], relays[2])
            let fromBetween = try ClusterTraffic(
                on: Self.channels("between."), from: between, to: [between, withMost, withFew])
            let fromFew = try ClusterTraffic(on: Self.channels("few."), from: withFew, to: [withFew, withMost])
            try network.stopForwarding()

            // A relay that cannot reach most of the cluster is DOWN, and does not use the nodes that it reaches.
            try fromFew.wait("DOWN with the few", within: 30) { $0.readers[0].status.state == .down }
            let alone = try withFew.client(inState: .down)
            #expect(alone.status.cause == .topology, "\(alone.status)")
            #expect(try alone.publish(Self.channels("few.")[0], "x").outcome == .notConnected)
            let rest = Array(scene.nodes.dropFirst())
            try eventually("its replica is the master") {
                try rest.allSatisfy { try $0.view().owner(of: 0) == scene.nodes[3].id }
            }
            try fromBetween.wait("UP with most, and between", within: 30) { books in
                books.readers[..<2].allSatisfy { $0.status.state == .up && $0.status.gaps > 0 }
            }
            let held = try scene.nodes[3].client().shardSubscribers(ofEach: ["t:" + Self.channels("between.")[0]])
            #expect(held == [2])
            #expect(try withFew.clientInAnyState().welcome.status.state == .down)

            try network.startForwarding()
            try scene.awaitAgreement()
            #expect(try scene.nodes[0].replication("role") == "slave")
            for traffic in [fromBetween, fromFew] {
                try traffic.awaitUp(outages: 1, gaps: 1)
                try traffic.awaitMore()
                let books = try traffic.finish()
                #expect(books.audit(cutOff: [Self.channels("few.")[0], Self.channels("between.")[0]]) == [])
                #expect(books.count(of: .ok) > 200)
            }
        }
    }
}

extension RelayProcess {
    /// A connection whose first Status has this state.
    fileprivate func client(inState state: HubrelayState, line: UInt = #line) throws -> TestConnection {
        let client = try clientInAnyState(line: line)
        guard client.status.state == state else { throw TestFailure("line \(line): \(client.status)") }
        return client
    }
}
