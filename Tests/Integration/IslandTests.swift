import Glibc
import TestSupport
import Testing

/// Relays of one prefix that hear each other, and relays that are UP and do not.
@Suite(.sharedCluster) struct IslandTests {
    private static let quick = ["--fleet", "1s"]

    private func relays(_ relay: RelayProcess) throws -> Double? {
        let lines = try relay.http("/metrics").body.split(separator: "\n")
        return lines.first { $0.hasPrefix("hubrelay_fleet_relays ") }.flatMap { Double($0.dropFirst(22)) }
    }

    private func fleet(_ relay: RelayProcess, _ query: String = "") throws -> [JSON] {
        let answer = try relay.http("/fleet" + query)
        #expect(answer.status == 200 && answer.headers["content-type"] == "application/json")
        return try answer.json["fleet"]?.elements ?? []
    }

    @Test func relaysOfAPrefixKnowOfEachOther() throws {
        try withRelay(options: Self.quick) { relay, redis in
            let client = try relay.client()
            let other = try RelayProcess(redis: redis.url, name: "other", options: Self.quick)
            let stranger = try RelayProcess(redis: redis.url, prefix: "other:", name: "stranger", options: Self.quick)
            let ofOther = try other.client()
            try eventually("both know") {
                try relays(relay) == 2 && relays(other) == 2 && relays(stranger) == 1
            }
            try eventually("the number of clients is told") {
                try fleet(relay).contains {
                    $0["relay_id"] == .string(ofOther.welcome.relayID) && $0["clients"] == .number(1)
                }
            }
            let listed = try fleet(relay, "?sort=host")
            let own = try #require(listed.first { $0["self"] == .bool(true) })
            let heard = try #require(listed.first { $0["self"] == .bool(false) })
            #expect(own["relay_id"] == .string(client.welcome.relayID) && own["socket"] == .string(relay.socketPath))
            #expect(heard["socket"] == .string(other.socketPath) && heard["host"] == own["host"])
            for one in listed {
                #expect(one["state"] == .string("up") && one["cause"] == .null && one["silent"] == .bool(false))
                #expect(one["version"] == .string(client.welcome.relayVersion))
            }
            // A relay that stops reports it. A relay that is killed falls silent.
            try other.stop()
            try eventually("it has left") { try fleet(relay).count == 1 }
            let third = try RelayProcess(redis: redis.url, name: "third", options: Self.quick)
            try eventually("the third is known") { try relays(relay) == 2 }
            third.process.signal(SIGKILL)
            try eventually("it is silent") { try relays(relay) == 1 }
            #expect(try fleet(relay, "?sort=state")[0]["silent"] == .bool(true))
            try stranger.stop()
        }
    }

    /// The clients of an app do not hear the announcements, and totals do not count them.
    @Test func nobodyElseSeesIt() throws {
        try withRelay(prefix: "", options: Self.quick) { relay, redis in
            let app = try relay.client()
            #expect(try app.subscribe(patterns: ["*"]) == .ok)
            let other = try RelayProcess(redis: redis.url, prefix: "x:", name: "other", options: Self.quick)
            let plain = try redis.client()
            try plain.subscribe("x:__hubrelay:fleet:1")
            for _ in 0..<5 { _ = try plain.nextMessage() }
            try app.ping()
            #expect(try app.nextIfAny(within: 0) == nil)
            #expect(try relay.metric("hubrelay_names") == 1)
            #expect(try relay.metric("hubrelay_messages_received_total") == 0)
            #expect(try relay.http("/channels").json["channels"]?.elements?.count == 1)
            #expect(try app.subscribe("__hubrelay:fleet:1") == .invalid, "it is the relay's own")
            try other.stop()
        }
    }

    @Test func anotherRedisIsAnotherIsland() throws {
        try withRelay(options: Self.quick) { relay, _ in
            let elsewhere = try RedisServer()
            let other = try RelayProcess(redis: elsewhere.url, options: Self.quick)
            _ = try (relay.client(), other.client())
            try eventually("each hears itself alone") { try relays(relay) == 1 && relays(other) == 1 }
            try other.stop()
        }
    }

    @Test func classicBesideShardedAreTwoIslands() throws {
        let scene = try sharedCluster()
        try scene.withRelays(.classic, prefix: "sea:", options: Self.quick) { classic in
            try scene.withRelays(.sharded, on: [nil], prefix: "sea:", options: Self.quick) { sharded in
                for relay in classic + sharded { _ = try relay.client() }
                try eventually("each hears those of its kind") {
                    try classic.allSatisfy { try relays($0) == 2 } && relays(sharded[0]) == 1
                }
            }
        }
    }

    @Test func shardedRelaysHearEachOther() throws {
        let scene = try sharedCluster()
        try scene.withRelays(.sharded, prefix: "shoal:", options: Self.quick) { relays in
            for relay in relays { _ = try relay.client() }
            try eventually("both know") { try relays.allSatisfy { try self.relays($0) == 2 } }
        }
    }

    @Test func anAccessListThatDeniesItIsNamedAndCostsNothingElse() throws {
        try withRelay(options: Self.quick) { relay, redis in
            let client = try relay.client()
            try eventually("it is heard") { try relays(relay) == 1 }
            let plain = try redis.client()
            // Redis closes connections that are subscribed to channels that are now denied.
            try plain.run("ACL", "SETUSER", "default", "resetchannels", "&t:c", "&t:__hubrelay:probe:*")
            try eventually("it says so") { try relay.http("/fleet").json["problem"]?.text?.hasPrefix("NOPERM") == true }
            try eventually("it is UP") { try relay.metric(#"hubrelay_state{state="up"}"#) == 1 }
            #expect(try relays(relay) == nil && fleet(relay).count == 1)
            _ = try client.collect("UP") { _ in client.status.state == .up }
            #expect(try client.subscribe("c") == .ok)
            try plain.run("ACL", "SETUSER", "default", "allchannels")
            try eventually("it is heard again") { try relays(relay) == 1 }
        }
    }

    @Test func withoutItNothingIsAtRedis() throws {
        try withRelay(options: ["--fleet", "off"]) { relay, redis in
            _ = try relay.client()
            let answer = try relay.http("/fleet")
            #expect(answer.status == 404 && answer.body.contains("--fleet off"))
            #expect(try redis.client().subscribers(of: "t:__hubrelay:fleet:1") == 0)
            #expect(try relays(relay) == nil)
        }
    }
}
