import TestSupport
import Testing

/// Sentinels that do not answer, or give a wrong answer. Nothing depends on them while the path works.
@Suite struct AbsentSentinelTests {
    /// Sentinels are asked every 5 s, so the relay finds out some time later that one has stopped.
    @Test func thePathDoesNotDependOnSentinels() async throws {
        let scene = try SentinelScene()
        try await withRelay(of: scene, options: shortDeadlines) { relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try eventually("all are up") { try relay.sentinels().allSatisfy(\.isUp) }
            scene.sentinels[0].freeze()
            scene.sentinels[1].stop()
            try await inTheEnd("the two that are away are named") {
                try relay.sentinels().map(\.isUp) == [false, false, true]
            }
            let away = try relay.sentinels()
            for (health, sentinel) in zip(away, scene.sentinels).dropLast() {
                #expect(health.address == sentinel.endpoint && health.master == nil)
                #expect(health.reason?.contains(sentinel.endpoint) == true, "\(health)")
            }
            #expect(away[2].master == scene.endpoint(of: 0))
            scene.sentinels[0].stop()
            scene.sentinels[2].stop()
            try eventually("nobody is there") { try relay.sentinels().allSatisfy { !$0.isUp } }
            #expect(try client.publish("c", "x").outcome == .ok)
            #expect(try client.expectMessage().text == "x")
            #expect(client.status.outages == 0)

            // No sentinel names a master now. The one that was named last is used when it works again.
            scene.nodes[0].stop()
            try client.collect(untilState: .down)
            try scene.nodes[0].start()
            try client.collect(untilState: .up)
            #expect(try scene.nodes[0].client().subscribers(of: "t:c") == 1)
            #expect(client.status.outages == 1 && client.status.gaps == 1)
            for sentinel in scene.sentinels { try sentinel.start() }
            try eventually("all are back") { try relay.sentinels().allSatisfy { $0.isUp && $0.master != nil } }
        }
    }

    @Test func sentinelsThatComeLaterAreFound() throws {
        let scene = try SentinelScene()
        for sentinel in scene.sentinels { sentinel.stop() }
        try withRelay(of: scene) { relay in
            try relay.awaitDown(
                [.unreachable, .topology], "no sentinel reports where the master is", scene.sentinels[0].endpoint,
                scene.sentinels[1].endpoint, scene.sentinels[2].endpoint, "refused")
            let client = try relay.clientInAnyState()
            #expect(try client.publish("c", "x").outcome == .notConnected)
            for sentinel in scene.sentinels { try sentinel.start() }
            if client.status.state != .up { try client.collect(untilState: .up) }
            #expect(try client.publish("c", "x").outcome == .ok)
        }
    }

    /// Sentinels accept connections and never answer. The relay waits for the first answer, and reports that it waits.
    @Test func sentinelsThatHangAreNamed() throws {
        let scene = try SentinelScene()
        for sentinel in scene.sentinels { sentinel.freeze() }
        try withRelay(of: scene, options: shortDeadlines) { relay in
            try relay.awaitDown([.topology, .timeout], "no sentinel reports where", "no answer for 1500 ms")
            for sentinel in scene.sentinels { sentinel.thaw() }
            _ = try relay.client()
        }
    }

    @Test func aServiceThatNobodyKnowsIsNamedUntilItIsKnown() throws {
        let scene = try SentinelScene()
        let url = scene.url(of: scene.sentinels.map(\.endpoint), service: "other")
        try withRelay(of: scene, redis: url) { relay in
            try relay.awaitDown([.topology], "know the master \"other\"", scene.sentinels[0].endpoint, "--redis")
            try scene.sentinels[1].client().run("SENTINEL", "MONITOR", "other", "127.0.0.1", "\(scene.ports[0])", "2")
            let client = try relay.client()
            #expect(try client.publish("c", "x").outcome == .ok)
            #expect(try relay.sentinels().map { $0.master != nil } == [false, true, false])
        }
    }

    @Test func aSentinelThatIsARedisServerIsToldSo() throws {
        let redis = try RedisServer(onPort: true)
        let relay = try RelayProcess(redis: redis.url.replacing("redis://", with: "redis-sentinel://") + "/mymaster")
        try relay.awaitDown([.topology], "a Redis server and not a Sentinel", "redis://")
        try relay.stop()
    }

    @Test func aServerThatIsASentinelIsToldSo() throws {
        let scene = try SentinelScene()
        try withRelay(of: scene, redis: "redis://\(scene.sentinels[0].endpoint)") { relay in
            try relay.awaitDown([.topology], "this is a Sentinel", "redis-sentinel://")
        }
    }
}
