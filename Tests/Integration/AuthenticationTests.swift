import TestSupport
import Testing

/// How the relay logs in to Redis.
@Suite struct AuthenticationTests {
    private func protectedRedis() throws -> RedisServer {
        let redis = try RedisServer(onPort: true)
        try redis.client().run("ACL", "SETUSER", "relay", "on", ">p@ss:w/rd", "~*", "&*", "+@all")
        try redis.client().run("ACL", "SETUSER", "default", ">of the default user", "resetkeys")
        return redis
    }

    @Test func userAndPasswordOfTheURLAreDecodedAndUsed() throws {
        let redis = try protectedRedis()
        let url = redis.url.replacing("redis://", with: "redis://relay:p%40ss%3Aw%2Frd@")
        let relay = try RelayProcess(redis: url)
        try relay.client().ping()
        try relay.stop()
    }

    /// The rights that deploy/redis.md names.
    @Test func theRightsThatARelayNeedsAreFew() throws {
        let redis = try RedisServer(onPort: true)
        let plain = try redis.client()
        try plain.run(
            "ACL", "SETUSER", "relay", "on", ">hush", "resetkeys", "resetchannels", "&t:*", "-@all", "+publish",
            "+subscribe", "+unsubscribe", "+psubscribe", "+punsubscribe", "+ping", "+role", "+client|setname")
        let relay = try RelayProcess(redis: redis.url.replacing("redis://", with: "redis://relay:hush@"))
        let client = try relay.client()
        #expect(try client.subscribe("c", patterns: ["*"]) == .ok)
        #expect(try client.publish("c", "x").outcome == .ok)
        #expect(try Set([client.expectMessage().pattern, client.expectMessage().pattern]) == ["", "*"])
        #expect(try client.unsubscribe("c", patterns: ["*"]) == .ok)
        let health = try relay.http("/health").json
        #expect(health["probe"]?["enabled"] == .bool(true) && health["role_check"]?["enabled"] == .bool(true))
        #expect(health["links"]?.elements?.allSatisfy { $0["refused"] == nil } == true)
        try relay.stop()
    }

    @Test func thePasswordMayBeInAFile() throws {
        let redis = try protectedRedis()
        let directory = try TemporaryDirectory()
        let file = directory.path(of: "password")
        try writeFile(file, "p@ss:w/rd\n")
        let url = redis.url.replacing("redis://", with: "redis://relay@")
        let relay = try RelayProcess(redis: url, options: ["--redis-password-file", file])
        try relay.client().ping()
        try relay.stop()
    }

    /// The variable with the address may be shared with others. Then it must not contain secrets.
    @Test func thePasswordMayBeInTheEnvironment() throws {
        let redis = try protectedRedis()
        let relay = try RelayProcess(
            redis: redis.url, options: ["--redis-user", "relay"],
            wrapper: ["env", "HUBRELAY_REDIS_PASSWORD=p@ss:w/rd"])
        try relay.client().ping()
        try relay.stop()
    }

    @Test(arguments: ["", "relay:wrong@", ":wrong@"]) func withoutTheRightOneTheStatusSaysSo(
        credentials: String
    ) throws {
        let redis = try protectedRedis()
        let url = redis.url.replacing("redis://", with: "redis://\(credentials)")
        let relay = try RelayProcess(redis: url)
        try eventually("the status says why") {
            let status = try relay.clientInAnyState().welcome.status
            #expect(status.state == .down)
            // The reason says who was refused and with which password, or how to set one.
            let hint = credentials.isEmpty ? "--redis-password-file" : "with the password that is set"
            return status.cause == .auth && status.reason.contains(hint)
        }
        let client = try relay.clientInAnyState()
        #expect(try client.publish("c", "x").outcome == .notConnected)
        try relay.stop()
    }
}
