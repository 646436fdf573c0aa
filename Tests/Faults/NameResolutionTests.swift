import TestSupport
import Testing

/// The relay knows Redis by a name. The name changes its address, has several addresses, or cannot be looked up because
/// the resolver fails too. For this, the relay's host has a hosts file and a resolver of its own.
@Suite(.breaksNetworks) struct NameResolutionTests {
    private static let url = "redis://redis.test:6379"
    private static let addresses = NetworkScene.redisAddresses

    @Test func aHostThatHasMovedIsFoundAtItsNewAddress() throws {
        try withNetwork(options: shortDeadlines, redis: Self.url, prepare: { try name([Self.addresses[0]], on: $0) }) {
            scene, relay, first in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            first.stop()
            try client.collect(untilState: .down)
            let second = try RedisServer(on: scene.redisHost, address: Self.addresses[1])
            try name([Self.addresses[1]], on: scene)
            try client.collect(untilState: .up)
            #expect(try second.client().subscribers(of: "t:c") == 1)
            #expect(try client.publish("c", "moved").outcome == .ok)
            #expect(try client.expectMessage().text == "moved")
        }
    }

    /// The first address accepts everything and never answers.
    @Test func everyAddressOfANameIsTried() throws {
        let addresses = [NetworkScene.silentAddress, Self.addresses[0]]
        try withNetwork(options: shortDeadlines, redis: Self.url, prepare: { try name(addresses, on: $0) }) {
            _, relay, _ in
            let client = try relay.client()
            #expect(client.status.downMs >= 400, "the connect timeout of the address that does not answer")
            #expect(try client.publish("c", "x").outcome == .ok)
        }
    }

    /// A failover behind a name that leads to both servers. The demoted server answers, and the relay skips it.
    @Test func theMasterIsFoundAmongTheAddressesOfAName() throws {
        try withNetwork(options: shortDeadlines, redis: Self.url, prepare: { try name(Self.addresses, on: $0) }) {
            scene, relay, first in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            let second = try RedisServer(on: scene.redisHost, address: Self.addresses[1])
            try first.client().run("REPLICAOF", Self.addresses[1], "6379")
            try client.collect(untilState: .down)
            #expect(client.status.cause == .demoted)
            try client.collect(untilState: .up)
            #expect(try second.client().subscribers(of: "t:c") == 1)
            #expect(try client.publish("c", "moved").outcome == .ok)
            #expect(try client.expectMessage().text == "moved")
            second.stop()
        }
    }

    /// The resolver hangs, or nobody listens there. This is repeated, so that all threads that look up names are busy.
    @Test(arguments: [NetworkScene.silentAddress, "127.0.0.1"])
    func theLastGoodAddressServesWhileTheResolverFails(resolver: String) throws {
        let hangs = resolver == NetworkScene.silentAddress
        try withNetwork(
            options: shortDeadlines, redis: Self.url,
            prepare: { scene in
                try name([Self.addresses[0]], on: scene)
                // The C library waits for the resolver for 5 s, twice.
                try scene.relayHost.replaceInEtc("resolv.conf", "nameserver \(resolver)\n")
            }
        ) { scene, relay, redis in
            let plain = try redis.client()
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try name([], on: scene)
            for outage in UInt64(1)...3 {
                // The connections are killed at once, so that it is one outage.
                try plain.run("MULTI")
                try plain.run("CLIENT", "KILL", "TYPE", "normal")
                try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
                try plain.run("EXEC")
                while client.status.outages < outage || client.status.state != .up {
                    let taken = try client.ping()
                    #expect(taken < 3, "the loop does not wait for the resolver")
                }
                #expect(!hangs || client.status.downMs >= 400, "it was asked, and given up")
                while let frame = try client.nextIfAny(within: 0) { #expect(frame.status.state != .unspecified) }
                #expect(try plain.subscribers(of: "t:c") == 1)
            }
            // Lookups are still under way.
            try relay.stop(within: 8)
        }
    }

    @Test func aRelayWhoseResolverHangsFromTheStartListensAndComesUpLater() throws {
        try withNetwork(
            options: shortDeadlines, redis: Self.url,
            prepare: { scene in
                try name([], on: scene)
                try scene.relayHost.replaceInEtc(
                    "resolv.conf", "nameserver \(NetworkScene.silentAddress)\noptions timeout:1 attempts:1\n")
            }
        ) { scene, relay, _ in
            let client = try relay.clientInAnyState()
            #expect(client.welcome.status.state == .down)
            try eventually("the reason names the name") {
                let status = try relay.clientInAnyState().welcome.status
                return status.cause == .unreachable && status.reason.contains("resolving redis.test")
            }
            #expect(try client.publish("c", "x").outcome == .notConnected)
            #expect(try relay.http("/livez").status == 200)
            #expect(try relay.http("/health").status == 503)
            try name([Self.addresses[0]], on: scene)
            try client.collect(untilState: .up)
            #expect(client.status.outages == 0)
        }
    }

    /// Gives the name these addresses on the relay's host.
    private func name(_ addresses: [String], on scene: NetworkScene) throws {
        try scene.relayHost.replaceInEtc("hosts", addresses.map { "\($0) redis.test\n" }.joined())
    }
}
