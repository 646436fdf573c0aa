import TestSupport
import Testing

/// Slots without a master, in a cluster that works without them.
@Suite struct ClusterCoverageTests {
    private func withScene(_ body: (ClusterScene, RelayProcess, TestConnection) throws -> Void) throws {
        var options = ClusterScene.Options()
        options.needsAllSlots = false
        let scene = try ClusterScene(hasReplicas: false, options: options)
        try scene.withRelay(.sharded) { try body(scene, $0, $0.client()) }
    }

    @Test func whatBelongsToASlotThatNobodyHasIsNotConnectedAndAllElseWorks() throws {
        try withScene { scene, relay, client in
            try expectHealth(of: relay, slotsAway: 0)
            let channels = try scene.channelOfEachMaster(prefix: "t:")
            #expect(try client.request(.subscribe(channels, id: 1), id: 1).outcome == .ok)
            let (lost, slot) = (channels[1], clusterSlot(of: "t:" + channels[1]))
            let owner = try scene.master(of: slot)

            try scene.dropSlots([slot])
            try expectReason("1 of 16384 slots", at: client)
            #expect(client.status.state == .degraded && client.status.cause == .topology, "\(client.status)")
            #expect(client.status.gaps == 1, "what is published before it is subscribed again may be missed")
            try expectHealth(of: relay, slotsAway: 1)

            // The first Reply may come from a node whose answer the relay has not believed yet.
            let reply = try client.publish(lost, "x")
            #expect(reply.outcome == .notConnected, "\(reply)")
            try client.send(.publish(lost, "x", id: 0), .publish(channels[0], "with id 0", id: 0))
            let frames = try client.collect("the Loss and the message") { frame in
                if case .message(let message) = frame.frame { return message.text == "with id 0" }
                return false
            }
            var losses = frames.map(\.loss).filter { $0.publishes > 0 }
            if losses.isEmpty { losses = [try client.expectLoss()] }
            #expect(losses.map(\.publishes) == [1] && losses.map(\.cause) == [.topology], "\(losses)")
            for channel in [channels[0], channels[2]] { #expect(try client.publish(channel, "y").receivers == 1) }
            try client.expectMessages(["\(channels[0]) y", "\(channels[2]) y"])
            #expect(try client.subscribe(lost) == .pending)

            // A relay that starts now finds the same.
            try scene.withRelay(.sharded) { later in
                let other = try later.clientInAnyState()
                try expectReason("1 of 16384 slots", at: other)
                #expect(other.status.state == .degraded && other.status.cause == .topology, "\(other.status)")
                #expect(try other.publish(lost, "x").outcome == .notConnected)
                #expect(try other.publish(channels[0], "z").receivers == 1)
            }
            try client.expectMessages(["\(channels[0]) z"])

            try owner.client().run("CLUSTER", "ADDSLOTS", "\(slot)")
            try client.collect(untilState: .up)
            #expect(try client.publish(lost, "back").receivers == 1)
            try client.expectMessages(["\(lost) back"])
            #expect(client.status.outages == 1 && client.status.gaps == 1)
            try expectHealth(of: relay, slotsAway: 0)
        }
    }

    /// Waits until the reported reason begins with these words.
    private func expectReason(_ words: String, at client: TestConnection, line: UInt = #line) throws {
        if client.status.reason.hasPrefix(words) { return }
        _ = try client.collect("a Status with \"\(words)\"", line: line) { $0.status.reason.hasPrefix(words) }
    }

    /// Checks what /health and /metrics say about the cluster.
    private func expectHealth(of relay: RelayProcess, slotsAway: Double) throws {
        let answer = try relay.http("/health")
        let cluster = try answer.json["cluster"]
        #expect(answer.status == (slotsAway == 0 ? 200 : 503))
        #expect(cluster?["pubsub"] == .string("sharded"), "\(answer.body)")
        #expect(cluster?["masters"] == .number(3) && cluster?["members"] == .number(3), "\(answer.body)")
        #expect(cluster?["slots_in_use"] == .number(16384), "\(answer.body)")
        let shares = cluster?["nodes"]?.elements?.compactMap { node -> Double? in
            if case .number(let share)? = node["slots"] { share } else { nil }
        }
        #expect(shares?.reduce(0, +) == 16384 - slotsAway && shares?.count == 3, "\(answer.body)")
        #expect(cluster?["slots_away"] == .number(slotsAway), "\(answer.body)")
        if case .number(let epoch)? = cluster?["epoch"] { #expect(epoch >= 3) } else { Issue.record("\(answer.body)") }
        #expect(try answer.json["links"]?.elements?.count == 6)
        #expect(try relay.metric("hubrelay_cluster_up") == 1)
        #expect(try relay.metric("hubrelay_cluster_nodes") == 3)
        #expect(try relay.metric("hubrelay_cluster_slots_away") == slotsAway)
        let file = relay.directory.path(of: "metrics")
        try writeFile(file, try relay.http("/metrics").body)
        let promtool = try ChildProcess(
            "sh", ["-c", "promtool check metrics < \"$0\"", file], log: relay.directory.path(of: "promtool"))
        #expect(try promtool.waitForExit() == .code(0), "\(promtool.output)\(promtool.errors)")
    }
}
