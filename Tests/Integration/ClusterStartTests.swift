import TestSupport
import Testing

/// How a relay gets to a cluster: by which nodes, names and users. Also what it reports if there is no cluster.
@Suite struct ClusterStartTests {
    @Test(arguments: ClusterScene.PubSub.allCases)
    func aServerThatIsNoClusterIsToldSo(pubsub: ClusterScene.PubSub) throws {
        let redis = try RedisServer(onPort: true)
        let url = redis.url.replacing("redis://", with: "redis-cluster://")
        let relay = try RelayProcess(redis: url, options: ["--cluster-pubsub", pubsub.rawValue])
        var status = HubrelayStatus()
        try eventually("DOWN with the reason") {
            status = try relay.clientInAnyState().welcome.status
            return status.cause == .topology
        }
        #expect(status.state == .down && status.reason.contains("cluster"), "\(status)")
        #expect(status.reason.contains("redis://"), "what to do about it: \(status.reason)")
        #expect(try relay.clientInAnyState().publish("c", "x").outcome == .notConnected)
        try relay.stop()
    }

    /// The whole cluster is started later, or again, and the relay finds it by itself.
    @Test func aClusterThatComesLaterIsFound() throws {
        let scene = try ClusterScene(masters: 1, hasReplicas: false)
        scene.nodes[0].kill()
        try scene.withRelays(.sharded, on: [nil]) { relays in
            let client = try relays[0].clientInAnyState()
            try eventually("the reason names the node") {
                let status = try relays[0].clientInAnyState().welcome.status
                return status.state == .down && [.unreachable, .topology].contains(status.cause)
                    && status.reason.contains(scene.nodes[0].endpoint)
            }
            #expect(try client.subscribe("c") == .pending)
            #expect(try client.publish("c", "x").outcome == .notConnected)
            try scene.nodes[0].comeBack()
            try client.collect(untilState: .up)
            #expect(try client.publish("c", "y").receivers == 1)
            try client.expectMessages(["c y"])
            #expect(client.status.outages == 0)
        }
    }

    /// The certificate contains no address, so it is only valid for a relay that connects by the announced name.
    @Test func nodesAreReachedByTheNamesThatTheyAnnounceAndCheckedByThem() throws {
        let ca = try TestCA()
        var options = ClusterScene.Options()
        options.tls = ServerTLS(certificate: try ca.certificate(names: ["DNS:localhost"]), caFile: ca.caFile)
        options.hostname = "localhost"
        options.password = "hush-hush"
        let scene = try ClusterScene(hasReplicas: false, options: options)
        let (named, flags) = (scene.url(of: ["localhost:\(scene.nodes[1].port)"]), ["--redis-ca", ca.caFile])
        for pubsub in ClusterScene.PubSub.allCases {
            try scene.withRelay(pubsub, redis: named, options: flags) { relay in
                let client = try relay.client()
                let channels = try scene.channelOfEachMaster(prefix: "t:")
                #expect(try client.request(.subscribe(channels, id: 1), id: 1).outcome == .ok)
                for channel in channels { #expect(try client.publish(channel, "x").outcome == .ok) }
                try client.expectMessages(channels.map { $0 + " x" })
                let links = try relay.http("/health").json["links"]?.elements ?? []
                #expect(links.count == (pubsub == .sharded ? 6 : 2))
                for link in links {
                    #expect(link["address"]?.text?.hasPrefix("rediss://localhost:") == true, "\(link)")
                    #expect(link["tls"]?.text?.hasPrefix("TLSv1") == true, "\(link)")
                }
                #expect(!(try relay.http("/health").body.contains("hush-hush")))
            }
        }
        // With the address, the certificate is not accepted.
        try scene.withRelay(.sharded, options: flags) { relay in
            var status = HubrelayStatus()
            try eventually("the certificate is not for it") {
                status = try relay.clientInAnyState().welcome.status
                return status.cause == .tls
            }
            #expect(status.state == .down && status.reason.contains("127.0.0.1"), "\(status)")
        }
    }

    /// The commands that the relay uses. The user may run only these, on names that begin with the prefix.
    private static let commands: [ClusterScene.PubSub: [String]] = [
        .sharded: ["+spublish", "+ssubscribe", "+sunsubscribe"],
        .classic: ["+publish", "+subscribe", "+unsubscribe", "+psubscribe", "+punsubscribe"],
    ]

    @Test(arguments: ClusterScene.PubSub.allCases)
    func aUserWithTheLeastRightsIsEnough(pubsub: ClusterScene.PubSub) throws {
        let scene = try ClusterScene(hasReplicas: false)
        let rights = ["+ping", "+role", "+client|setname", "+cluster|info", "+cluster|shards", "+cluster|slots"]
        for node in scene.nodes {
            try node.client().run(
                ["ACL", "SETUSER", "relay", "on", ">hush-hush", "resetchannels", "&mine:*", "-@all"] + rights
                    + (Self.commands[pubsub] ?? []))
            try node.client().run("ACL", "SETUSER", "default", "off")
        }
        let url = scene.url(of: scene.nodes.map(\.endpoint), login: "relay:hush-hush")
        try scene.withRelay(pubsub, prefix: "mine:", redis: url) { relay in
            let client = try relay.client()
            let channels = clusterNames("c", prefix: "mine:", in: [0...5000, 6000...10000, 11000...16383])
            #expect(try client.request(.subscribe(channels, id: 1), id: 1).outcome == .ok)
            for channel in channels { #expect(try client.publish(channel, "x").outcome == .ok) }
            try client.expectMessages(channels.map { $0 + " x" })
            #expect(try client.unsubscribe(channels[0]) == .ok)
            let health = try relay.http("/health")
            let links = try health.json["links"]?.elements ?? []
            let isUsual = links.allSatisfy { $0["refused"] == nil } && !health.body.contains("unavailable")
            #expect(isUsual, "the relay has to do without something: \(health.body)")
            #expect(!health.body.contains("hush-hush") && !relay.process.errors.contains("hush-hush"))
        }
    }
}
