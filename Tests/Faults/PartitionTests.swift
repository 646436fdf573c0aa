import TestSupport
import Testing

/// A network splits into two parts, with sentinels and servers in both.
@Suite(.breaksNetworks) struct PartitionTests {
    private static let here = "10.77.1.2"
    private static let there = NetworkScene.redisAddresses[0]

    /// Only the master is cut off, and it does not know that it is no longer the master.
    @Test func aMasterThatIsCutOffIsLeftForGood() async throws {
        let network = try NetworkScene()
        let (here, there) = (
            SentinelScene.Place(network.relayHost, Self.here), SentinelScene.Place(network.redisHost, Self.there)
        )
        let scene = try SentinelScene(nodePlaces: [there, here, here], sentinelPlaces: [here, here, here])
        try await withRelay(of: scene, on: network.relayHost) { relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try network.stopForwarding()
            try client.collect(untilState: .up, within: 40)
            let master = try scene.master()
            #expect(master != 0)
            try expectWholePath(client, scene.nodes[master])
            try network.startForwarding()
            // For about ten seconds the old master says that it is a master, until the sentinels make it a replica.
            #expect(scene.nodes[0].role() == "master")
            try await inTheEnd("the old master is a replica", within: 60) { scene.nodes[0].role() == "slave" }
            try expectWholePath(client, scene.nodes[master])
            #expect(client.status.outages == 1 && client.status.gaps == 1)
        }
    }

    /// Everything works on the relay's side, so it stays there. It leaves when it learns that the other side has chosen
    /// another master.
    @Test func aRelayOnTheSideOfTheFewIsUpThereAndLeavesWhenTheNetworkHeals() throws {
        let network = try NetworkScene()
        let (here, there) = (
            SentinelScene.Place(network.relayHost, Self.here), SentinelScene.Place(network.redisHost, Self.there)
        )
        let scene = try SentinelScene(nodePlaces: [here, there, there], sentinelPlaces: [here, there, there])
        try withRelay(of: scene, on: network.relayHost) { relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try network.stopForwarding()
            let master = try scene.awaitFailover(from: 0, by: [1, 2])
            try expectWholePath(client, scene.nodes[0])
            try network.startForwarding()
            try client.collect(untilState: .down)
            #expect(client.status.cause == .demoted, "\(client.status)")
            try client.collect(untilState: .up)
            #expect(client.status.outages == 1 && client.status.gaps == 1)
            try expectWholePath(client, scene.nodes[master])
        }
    }

    /// Expects that nothing has been reported, and that a message comes back through this server.
    private func expectWholePath(_ client: TestConnection, _ node: RedisServer) throws {
        #expect(try node.client().subscribers(of: "t:c") == 1)
        #expect(try client.publish("c", "x").outcome == .ok)
        #expect(try client.expectMessage().text == "x")
    }
}
