import TestSupport
import Testing

/// A cluster with `--cluster-pubsub classic`: the clients of all nodes hear each other.
@Suite(.sharedCluster) struct ClusterClassicTests {
    @Test func plainClientsOfAllNodesHearItAndAreHeard() throws {
        let (scene, prefix) = (try sharedCluster(), "world:")
        try scene.withRelays(.classic, prefix: prefix) { relays in
            let clients = try relays.map { try $0.client() }
            let channels = try scene.channelOfEachMaster(prefix: prefix)
            for client in clients {
                #expect(client.welcome.features.contains("patterns"))
                #expect(try client.request(.subscribe(channels, id: 1), id: 1).outcome == .ok)
            }
            let listeners = try scene.nodes.map { try $0.client() }
            for listener in listeners {
                for channel in channels { try listener.subscribe(prefix + channel) }
                try listener.subscribe(prefix + "room.*", pattern: true)
            }
            for channel in channels + ["room.1"] { #expect(try clients[0].publish(channel, "out").outcome == .ok) }
            for listener in listeners {
                let heard = try (0..<4).map { _ in try listener.nextMessage() }
                #expect(heard.map(\.channel) == (channels + ["room.1"]).map { prefix + $0 })
            }
            var expected = channels.map { "\($0) out" }
            for (number, node) in scene.nodes.enumerated() {
                let speaker = try node.client()
                for channel in channels { try speaker.publish(prefix + channel, "in \(number)") }
                expected += channels.map { "\($0) in \(number)" }
            }
            for client in clients { try client.expectMessages(expected) }
        }
    }

    @Test func patternsHearBothRelaysAndAllNodes() throws {
        let (scene, prefix) = (try sharedCluster(), "glob:")
        try scene.withRelays(.classic, prefix: prefix) { relays in
            let clients = try relays.map { try $0.client() }
            for client in clients { #expect(try client.subscribe(patterns: ["room.*"]) == .ok) }
            for (number, client) in clients.enumerated() {
                #expect(try client.publish("room.\(number)", "relay").outcome == .ok)
            }
            for (number, node) in scene.nodes.enumerated() {
                try node.client().publish(prefix + "room.\(number)", "node")
            }
            let expected = ["room.0 relay", "room.1 relay"] + (0..<6).map { "room.\($0) node" }
            for client in clients { try client.expectMessages(expected) }
        }
    }

    /// The two links are at different nodes, so that a probe proves the way from node to node.
    @Test func itsTwoLinksAreAtTwoNodes() throws {
        let scene = try sharedCluster()
        try scene.withRelay(.classic, prefix: "two:") { relay in
            let client = try relay.client()
            let connections = try scene.nodes.map { try $0.connections(ofRelay: client.welcome.relayID) }
            #expect(connections.count { $0.contains("publish") } == 1, "\(connections)")
            #expect(connections.count { $0.contains("subscribe") } == 1, "\(connections)")
            #expect(!connections.contains { $0.contains("publish") && $0.contains("subscribe") }, "\(connections)")
            #expect(connections.flatMap { $0 }.count == 3, "one more, for the topology: \(connections)")
        }
    }
}
