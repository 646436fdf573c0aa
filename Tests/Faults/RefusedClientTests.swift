import TestSupport
import Testing

/// Redis has as many clients as it allows: it sends an error line, and closes the connection.
@Suite struct RefusedClientTests {
    private static let options = [
        "--backoff-min", "50ms", "--backoff-max", "200ms", "--backoff-max-refused", "1s", "--link-timeout", "20s",
    ]

    @Test(arguments: [false, true]) func aServerThatIsFullIsWaitedForWithoutHaste(onPort: Bool) async throws {
        let stage = try Stage(options: Self.options, onPort: onPort)
        let (relay, redis) = (stage.relay, stage.redis)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let plain = try redis.client()
        try redis.refuseNewClients(true, through: plain)
        try plain.run("CLIENT", "KILL", "TYPE", "normal")
        try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
        try client.collect(untilState: .down)
        try eventually("the cause is known") { try relay.http("/health").body.contains("\"cause\":\"busy\"") }
        let rejected = try self.rejected(plain)
        #expect(try await rate(over: 1.5) { try self.rejected(plain) } < 20)
        #expect(try client.nextIfAny(within: 0) == nil, "nothing has changed")
        try eventually("it keeps trying") { try self.rejected(plain) > rejected + 2 }
        #expect(relay.process.errors.contains("max number of clients"))
        #expect(relay.stateChangesLogged <= 6, "\(relay.process.errors)")

        try redis.refuseNewClients(false, through: plain)
        try client.collect(untilState: .up)
        #expect(try client.publish("c", "x").receivers == 1)
        try stage.finish()
    }

    /// The server may have closed before the relay has written anything. What the server sent can still be read.
    @Test(arguments: [false, true]) func aFullServersReasonIsToldHoweverSoonItCloses(onPort: Bool) throws {
        let refusal = Array("-ERR max number of clients reached\r\n".utf8)
        let fake = try FakeRedisServer(onPort: onPort) { $0.verb.isEmpty ? .last(refusal) : .usual }
        let relay = try RelayProcess(
            redis: fake.url, options: ["--backoff-min", "1ms", "--backoff-max", "2ms", "--backoff-max-refused", "2ms"])
        try eventually("many attempts") { fake.connectionsMade > 400 }
        #expect(!relay.process.errors.contains("cause=closed"), "\(relay.process.errors)")
        #expect(relay.stateChangesLogged <= 2)
        fake.behave()
        try relay.client().ping()
        try relay.stop()
    }

    /// In its default configuration Redis accepts no client from another host (protected mode), and says so in a
    /// thousand characters.
    @Test(arguments: ["", ":hush@"]) func protectedModeIsToldWithWhatToDo(credentials: String) throws {
        let refusal = """
            -DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the \
            default user. In this mode connections are only accepted from the loopback interface. If you want to [...]\r\n
            """
        let fake = try FakeRedisServer(onPort: true) { $0.verb.isEmpty ? .last(Array(refusal.utf8)) : .usual }
        let relay = try RelayProcess(redis: fake.url.replacing("redis://", with: "redis://" + credentials))
        try eventually("the status says why") {
            let status = try relay.clientInAnyState().welcome.status
            return status.state == .down && status.cause == .auth
        }
        let reason = try relay.clientInAnyState().welcome.status.reason
        #expect(reason.contains("protected mode") && reason.contains("protected-mode no") && reason.utf8.count < 250)
        try relay.stop()
    }

    /// How many connections the server has refused.
    private func rejected(_ plain: RedisClient) throws -> Int {
        try plain.statistic("rejected_connections")
    }
}

extension RelayProcess {
    /// How many log lines report a change of the state.
    var stateChangesLogged: Int { process.errors.split(separator: "\n").count { $0.contains("state changed") } }
}
