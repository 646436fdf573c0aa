import Glibc
import TestSupport
import Testing

/// An access list of Redis, or an old server, lets the relay publish and subscribe, but not query or prove anything.
@Suite struct DeniedCommandTests {
    private static let denied = ["-role", "-client", "resetchannels", "&t:app*"]

    private func deniedRedis() throws -> (RedisServer, RedisClient) {
        let redis = try RedisServer()
        let plain = try redis.client()
        try plain.run(["ACL", "SETUSER", "default"] + Self.denied)
        return (redis, plain)
    }

    /// The log lines about commands that the relay works without.
    private func refusals(_ relay: RelayProcess) -> [Substring] {
        relay.process.errors.split(separator: "\n").filter { $0.contains("Redis refuses") }
    }

    @Test func theRelayDoesWithoutAndSaysSoInHealthAndOnceInTheLog() throws {
        let (redis, plain) = try deniedRedis()
        let relay = try RelayProcess(redis: redis.url)
        let client = try relay.client()
        #expect(try client.subscribe("app") == .ok)
        #expect(try client.publish("app", "x").outcome == .ok)
        #expect(try client.expectMessage().text == "x")
        let health = try relay.http("/health").json
        #expect(health["probe"]?["enabled"] == .bool(false))
        #expect(health["probe"]?["unavailable"]?.text?.hasPrefix("NOPERM") == true)
        #expect(health["role_check"]?["enabled"] == .bool(false))
        #expect(health["role_check"]?["unavailable"]?.text?.hasPrefix("NOPERM") == true)
        for link in health["links"]?.elements ?? [] {
            #expect(link["refused"]?["ROLE"]?.text?.hasPrefix("NOPERM") == true)
            #expect(link["refused"]?["CLIENT SETNAME"]?.text?.hasPrefix("NOPERM") == true)
        }
        for _ in 0..<3 {
            try plain.run("ACL", "SETUSER", "default", "+client")
            try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
            try plain.run("ACL", "SETUSER", "default", "-client")
            try client.collect(untilState: .degraded)
            try client.collect(untilState: .up)
        }
        #expect(refusals(relay).count == 3, "CLIENT SETNAME, ROLE, the probe: \(refusals(relay))")
        try relay.stop()
    }

    @Test func whatIsAllowedLaterIsUsedAfterTheNextConnect() throws {
        let (redis, plain) = try deniedRedis()
        let relay = try RelayProcess(redis: redis.url)
        let client = try relay.client()
        #expect(try client.subscribe("app") == .ok)
        try plain.run("ACL", "SETUSER", "default", "+role", "+client", "allchannels")
        try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
        try client.collect(untilState: .degraded)
        try client.collect(untilState: .up)
        try plain.run("CLIENT", "KILL", "TYPE", "normal")
        try client.collect(untilState: .degraded)
        try client.collect(untilState: .up)
        let health = try relay.http("/health").json
        #expect(health["probe"]?["enabled"] == .bool(true) && health["role_check"]?["enabled"] == .bool(true))
        try relay.stop()
    }

    private static let minimal = [
        "-@all", "+publish", "+subscribe", "+unsubscribe", "+psubscribe", "+punsubscribe", "+ping",
    ]

    /// - Parameter rights: the rights of the user that the relay logs in as.
    private func withUser(_ rights: [String], _ body: (RelayProcess, RedisClient) throws -> Void) throws {
        let redis = try RedisServer(onPort: true)
        let plain = try redis.client()
        try plain.run(["ACL", "SETUSER", "relay", "on", ">hush", "resetchannels"] + rights)
        let relay = try RelayProcess(redis: redis.url.replacing("redis://", with: "redis://relay:hush@"))
        try body(relay, plain)
        try relay.stop()
    }

    /// The user may run all commands, or those that the relay needs, but has no channel to use them with.
    @Test(arguments: [["+@all"], ["+@all", "&other:*"], minimal, minimal + ["&other:*"]])
    func withoutAnyChannelItIsNotUp(rights: [String]) throws {
        try withUser(rights) { relay, plain in
            try eventually("the reason says so") {
                let health = try relay.http("/health")
                return try health.status == 503 && health.json["cause"] == .string("auth")
                    && health.json["reason"]?.text?.contains("channel") == true
            }
            let client = try relay.clientInAnyState()
            #expect([.refused, .notConnected].contains(try client.publish("c", "x").outcome))
            #expect(try relay.http("/health").status == 503)
            try plain.run("ACL", "SETUSER", "relay", "&t:*")
            relay.process.signal(SIGHUP)
            try client.collect(untilState: .up)
            #expect(try client.publish("c", "x").outcome == .ok)
            #expect(try relay.http("/health").json["probe"]?["enabled"] == .bool(true))
        }
    }

    /// If the user may not read its own rights, only the requests of apps show that there is a channel.
    @Test(arguments: [false, true]) func whatAppsDoShowsThatThereAreChannels(publishes: Bool) throws {
        try withUser(Self.minimal + ["&t:app"]) { relay, _ in
            let client = try relay.clientInAnyState()
            try eventually("one half works") { try relay.clientInAnyState().welcome.status.publishing }
            #expect(try client.subscribe("other") == .refused)
            if publishes {
                #expect(try client.publish("app", "x").outcome == .ok)
            } else {
                #expect([.ok, .pending].contains(try client.subscribe("app")))
            }
            try eventually("it is UP") { try relay.http("/health").status == 200 }
        }
    }

    /// An access list that is corrected while the relay runs.
    @Test func whatIsAllowedLaterIsAskedForAtSIGHUPWithoutAnOutage() throws {
        let (redis, plain) = try deniedRedis()
        let relay = try RelayProcess(redis: redis.url)
        let client = try relay.client()
        #expect(try client.subscribe("app") == .ok)
        try plain.run("ACL", "SETUSER", "default", "+role", "+client", "allchannels")
        relay.process.signal(SIGHUP)
        try eventually("health says the truth again") {
            let health = try relay.http("/health").json
            let refused = health["links"]?.elements?.first { $0["name"] == .string("publish") }?["refused"]
            return health["probe"]?["enabled"] == .bool(true) && health["probe"]?["round_trip_seconds"] != .null
                && health["role_check"]?["enabled"] == .bool(true) && refused == nil
        }
        #expect(client.status.outages == 0 && client.status.gaps == 0)
        try relay.stop()
    }

    /// Redis refuses not a channel, but the very command that a link exists for. Such a link is not up.
    @Test(arguments: ["publish", "subscribe"]) func aLinkThatMayNotDoItsWorkIsNotUp(command: String) throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            let plain = try redis.client()
            try plain.run("ACL", "SETUSER", "default", "-" + command)
            if command == "subscribe" { try plain.run("CLIENT", "KILL", "TYPE", "pubsub") }
            try client.collect(untilState: .degraded)
            try eventually("the reason names the command") {
                let status = try relay.clientInAnyState().welcome.status
                return status.cause == .auth && status.reason.contains("'\(command)'") && status.state == .degraded
            }
            #expect(try relay.http("/health").status == 503)
            try plain.run("ACL", "SETUSER", "default", "+" + command)
            try client.collect(untilState: .up)
            #expect(try client.publish("c", "x").outcome == .ok)
            #expect(try client.expectMessage().text == "x")
        }
    }

    @Test(arguments: ["PUBLISH", "ROLE"]) func anErrorOfTheMomentIsNoDenial(verb: String) throws {
        let fake = try FakeRedisServer()
        let relay = try RelayProcess(redis: fake.url)
        let client = try relay.client()
        fake.ambush(verb, on: .publish, with: .text("-ERR upstream timed out, try again\r\n"))
        try eventually("it is answered so") { fake.isAmbushOver }
        let asked = fake.count(verb, on: .publish)
        try eventually("it is asked again and again") { fake.count(verb, on: .publish) > asked + 3 }
        #expect(refusals(relay).isEmpty)
        #expect(client.status.outages == 0)
        try relay.stop()
    }

    /// Without a probe the two links are still watched: each has its own heartbeat.
    @Test func withoutAProbeAHangingServerIsFoundOutAllTheSame() throws {
        try withRelay(options: shortDeadlines.replacing("--probe", with: "off")) { relay, redis in
            let client = try relay.client()
            redis.freeze()
            try client.collect(untilState: .down)
            #expect(client.status.cause == .timeout)
            redis.thaw()
            try client.collect(untilState: .up)
        }
    }
}

extension [String] {
    /// Flags with another value for one of them.
    func replacing(_ flag: String, with value: String) -> [String] {
        guard let place = firstIndex(of: flag) else { return self + [flag, value] }
        var flags = self
        flags[place + 1] = value
        return flags
    }
}
