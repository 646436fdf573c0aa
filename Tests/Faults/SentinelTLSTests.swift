import TestSupport
import Testing

/// TLS for everything: to the sentinels, to the servers, and between them.
@Suite struct SentinelTLSTests {
    @Test func aPlannedFailoverIsFollowedByTLS() throws {
        let ca = try TestCA()
        let scene = try SentinelScene(tls: try ca.server())
        try withRelay(of: scene, options: ["--redis-ca", ca.caFile]) { relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try scene.failOver()
            try client.collect(untilState: .down)
            try client.collect(untilState: .up)
            let master = try scene.master()
            #expect(master != 0 && client.status.outages == 1)
            #expect(try scene.nodes[master].client().subscribers(of: "t:c") == 1)
            #expect(try client.publish("c", "x").outcome == .ok)
            #expect(try client.expectMessage().text == "x")
            #expect(try relay.http("/health").body.contains("rediss://\(scene.endpoint(of: master))"))
        }
    }

    /// The certificates of the sentinels are signed by another CA.
    @Test func sentinelsThatNobodyVouchesForAreNotAsked() throws {
        let ca = try TestCA()
        let scene = try SentinelScene(tls: try ca.server())
        let stranger = try TestCA("another")
        try withRelay(of: scene, options: ["--redis-ca", stranger.caFile]) { relay in
            try relay.awaitDown([.tls], "no sentinel reports where the master is", scene.sentinels[0].endpoint)
        }
    }
}
