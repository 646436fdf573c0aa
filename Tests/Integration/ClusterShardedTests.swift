import TestSupport
import Testing

/// A cluster with `--cluster-pubsub sharded`: each channel belongs to the master of its slot.
@Suite(.sharedCluster) struct ClusterShardedTests {
    @Test func relaysHearEachOtherOnChannelsOfAllMastersByTwoConnectionsEach() throws {
        let (scene, prefix) = (try sharedCluster(), "pair:")
        // Nobody listens at the first seed, and the second seed is a replica.
        let seeds = ["127.0.0.1:\(try freePort())", scene.nodes[4].endpoint]
        try scene.withRelays(.sharded, prefix: prefix, redis: scene.url(of: seeds)) { relays in
            let clients = try relays.map { try $0.client() }
            let channels = try scene.channelOfEachMaster(prefix: prefix)
            for client in clients {
                #expect(try client.request(.subscribe(channels, id: 1), id: 1).outcome == .ok)
                #expect(client.welcome.features.contains("patterns") == false)
            }
            for (number, client) in clients.enumerated() {
                for channel in channels {
                    let reply = try client.publish(channel, "from \(number)")
                    #expect(reply.outcome == .ok && reply.receivers == 2, "\(channel): \(reply)")
                }
            }
            let all = channels.flatMap { ["\($0) from 0", "\($0) from 1"] }
            for client in clients { try client.expectMessages(all) }

            for client in clients {
                let connections = try scene.nodes.map { try $0.connections(ofRelay: client.welcome.relayID) }
                let links = connections.map { $0.filter { $0 == "publish" || $0 == "subscribe" } }
                let pair = ["publish", "subscribe"]
                #expect(links == [pair, pair, pair, [], [], []], "\(connections)")
                #expect(connections.flatMap { $0 }.count == 7, "one more, for the topology: \(connections)")
                #expect(client.status.outages == 0 && client.status.gaps == 0)
            }
        }
    }

    @Test func plainClientsTalkToItBySSubscribeAndSPublish() throws {
        let (scene, prefix) = (try sharedCluster(), "plain:")
        try scene.withRelay(.sharded, prefix: prefix) { relay in
            let client = try relay.client()
            let channels = try scene.channelOfEachMaster(prefix: prefix)
            #expect(try client.request(.subscribe(channels, id: 1), id: 1).outcome == .ok)
            for (channel, master) in zip(channels, try scene.masters()) {
                let (listener, speaker) = (try master.client(), try master.client())
                try listener.run("SSUBSCRIBE", prefix + channel)
                #expect(try client.publish(channel, "out").receivers == 2)
                let heard = try listener.nextMessage()
                #expect(heard.channel == prefix + channel && heard.payload == Array("out".utf8))
                #expect(try speaker.shardPublish(prefix + channel, "in") == 2)
                try client.expectMessages(["\(channel) out", "\(channel) in"])
                // Classic pub/sub on the same node is separate: neither side hears the other.
                #expect(try speaker.publish(prefix + channel, "classic") == 0)
                #expect(try client.unsubscribe(channel) == .ok)
                try eventually("the node is told") { try speaker.shardSubscribers(ofEach: [prefix + channel]) == [1] }
            }
            try client.expectMessages([])
        }
    }

    @Test func aRelayWithNothingToDoWaitsWithoutATimeout() throws {
        try sharedCluster().withRelay(.sharded, prefix: "idle:") { relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try eventually("no timer runs that the loop keeps") { try relay.process.waitTimeout() == -1 }
        }
    }

    @Test func thereAreNoPatterns() throws {
        let scene = try sharedCluster()
        try scene.withRelay(.sharded, prefix: "nopattern:") { relay in
            let client = try relay.client()
            #expect(!client.welcome.features.contains("patterns"))
            let reply = try client.request(.subscribe(["c"], patterns: ["room.*"], id: 1), id: 1)
            #expect(reply.outcome == .invalid, "\(reply)")
            #expect(reply.detail.contains("pattern") && reply.detail.contains("classic"), "\(reply.detail)")
            let slot = clusterSlot(of: "nopattern:c")
            let master = try scene.master(of: slot)
            #expect(try master.client().shardSubscribers(ofEach: ["nopattern:c"]) == [0], "it had no effect")
            #expect(try client.subscribe("c") == .ok)
            #expect(try client.unsubscribe(patterns: ["room.*"]) != .unspecified)
            #expect(try master.client().shardSubscribers(ofEach: ["nopattern:c"]) == [1])
        }
    }

    @Test func aHashTagKeepsChannelsTogether() throws {
        let scene = try sharedCluster()
        try scene.withRelay(.sharded, prefix: "tag:") { relay in
            let client = try relay.client()
            let channels = ["{room}a", "{room}b", "{room", "room}c", "{}d", "{{room}}", "a{room}{other}"]
            #expect(try client.request(.subscribe(channels, id: 1), id: 1).outcome == .ok)
            let plain = try scene.nodes[0].client()
            for channel in channels {
                let slot = try plain.run("CLUSTER", "KEYSLOT", "tag:" + channel).integer ?? -1
                let owner = try scene.master(of: slot)
                for master in try scene.masters() {
                    let held = try master.client().shardSubscribers(ofEach: ["tag:" + channel])
                    #expect(held == [master.id == owner.id ? 1 : 0], "\(channel) at \(master.endpoint)")
                }
                #expect(try client.publish(channel, "x").receivers == 1)
            }
            try client.expectMessages(channels.map { "\($0) x" })
        }
    }

    @Test func aPrefixThatIsAHashTagUsesOneMaster() throws {
        let (scene, prefix) = (try sharedCluster(), "{one}:")
        try scene.withRelay(.sharded, prefix: prefix) { relay in
            let client = try relay.client()
            let names = (0..<100).map { "c.\($0)" } + ["{room}a"]
            #expect(try client.request(.subscribe(names, id: 1), id: 1).outcome == .ok)
            for name in ["c.7", "{room}a"] { #expect(try client.publish(name, "x").outcome == .ok) }
            try client.expectMessages(["c.7 x", "{room}a x"])
            let owner = try scene.master(of: clusterSlot(of: prefix))
            #expect(try owner.client().shardSubscribers(ofEach: names.map { prefix + $0 }).allSatisfy { $0 == 1 })
            for node in scene.nodes {
                let links = try node.connections(ofRelay: client.welcome.relayID)
                    .filter { $0 == "publish" || $0 == "subscribe" }
                #expect(links == (node.id == owner.id ? ["publish", "subscribe"] : []), "\(node.endpoint)")
            }
        }
    }

    /// Takes seconds: 20,000 names, subscribed to at three masters and restored at one.
    @Test func twentyThousandChannelsOfAllSlotsAreRestoredAtOneNode() throws {
        let (scene, prefix) = (try sharedCluster(), "many:")
        try scene.withRelay(.sharded, prefix: prefix) { relay in
            let (holder, bystander) = (try relay.client(), try relay.client())
            let names = (0..<20_000).map { "n.\($0)" }
            #expect(try holder.request(.subscribe(names, id: 1), id: 1).outcome == .ok)
            let masters = try scene.masters()
            let slots = try masters.map { try scene.slots(of: $0)[0] }
            let shares = Dictionary(grouping: names) { name in
                let slot = clusterSlot(of: prefix + name)
                return slots.firstIndex { $0.contains(slot) } ?? -1
            }.sorted { $0.key < $1.key }.map(\.value)
            #expect(shares.count == 3)
            try expectHeld(shares, prefix, at: masters)
            try masters[0].cutSubscriber(ofRelay: holder.welcome.relayID)
            try bystander.collect(untilState: .degraded)
            #expect(bystander.status.reason.contains("slots"), "\(bystander.status)")
            try holder.collect(untilState: .up)
            #expect(holder.status.gaps == 1 && holder.status.outages == 1)
            try expectHeld(shares, prefix, at: masters)
            #expect(try bystander.publish(shares[0][0], "x").receivers == 1)
            try holder.expectMessages(["\(shares[0][0]) x"])
        }
    }

    /// Checks that each name is held once, by the master of its slot.
    private func expectHeld(_ shares: [[String]], _ prefix: String, at masters: [ClusterNode]) throws {
        for (share, master) in zip(shares, masters) {
            let counts = try master.client().shardSubscribers(ofEach: share.map { prefix + $0 })
            #expect(counts.count == share.count && counts.allSatisfy { $0 == 1 }, "at \(master.endpoint)")
        }
    }
}
