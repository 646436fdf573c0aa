import TestSupport
import Testing

/// A group of Redis servers. The relay finds the master, and follows it, by asking sentinels.
@Suite struct SentinelTests {
    @Test func theMasterThatTheSentinelsNameIsUsed() throws {
        try withSentinels { scene, relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            #expect(try scene.nodes[0].client().subscribers(of: "t:c") == 1)
            #expect(try client.publish("c", "x").outcome == .ok)
            #expect(try client.expectMessage().text == "x")
            let health = try relay.http("/health").body
            for sentinel in scene.sentinels {
                #expect(health.contains(sentinel.endpoint))
                #expect(try relay.metric("hubrelay_sentinel_up{sentinel=\"\(sentinel.endpoint)\"}") == 1)
            }
            #expect(health.contains("\"address\":\"redis://\(scene.endpoint(of: 0))\""), "\(health)")
        }
    }

    @Test func aPlannedFailoverIsFollowed() throws {
        try withSentinels { scene, relay in
            try expectFollowing(scene, relay, causes: [.demoted, .closed]) { try scene.failOver() }
        }
    }

    @Test func aKilledMasterIsReplaced() throws {
        try withSentinels { scene, relay in
            try expectFollowing(scene, relay, causes: [.closed]) { scene.nodes[0].stop() }
        }
    }

    /// The relay leaves the master for the new one before the master has been silent for the link timeout.
    @Test func aStoppedMasterIsLeftWhenTheSentinelsSaySo() throws {
        try withSentinels(options: ["--link-timeout", "20s"]) { scene, relay in
            try expectFollowing(scene, relay, causes: [.demoted]) { scene.nodes[0].freeze() }
            scene.nodes[0].thaw()
        }
    }

    /// Breaks the master. Expects that everything is at the new master afterwards, and that the outage was reported.
    private func expectFollowing(
        _ scene: SentinelScene, _ relay: RelayProcess, causes: Set<HubrelayCause>, breaking: () throws -> Void
    ) throws {
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        try breaking()
        try client.collect(untilState: .down)
        #expect(causes.contains(client.status.cause), "\(client.status)")
        try client.collect(untilState: .up)
        // The sentinel that is asked here may learn of the failover later than the sentinel that told the relay.
        var master = 0
        try eventually("the sentinel names the new master") {
            master = try scene.master()
            return master != 0
        }
        #expect(client.status.outages == 1 && client.status.gaps == 1)
        let plain = try scene.nodes[master].client()
        #expect(try plain.subscribers(of: "t:c") == 1)
        #expect(try client.publish("c", "x").outcome == .ok)
        #expect(try client.expectMessage().text == "x")
    }
}
