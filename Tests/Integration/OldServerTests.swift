import TestSupport
import Testing

/// Servers older than Redis 6, such as Redis for Windows. They have no users, take AUTH with a password only, and word
/// errors differently.
@Suite struct OldServerTests {
    /// The answers of Redis 3.0.5 that differ from those of a current Redis.
    private static func redis3(password: String) -> FakeRedisServer.Script {
        { command in
            switch (command.verb, command.words.count) {
            case ("AUTH", 2) where password.isEmpty: .text("-ERR Client sent AUTH, but no password is set\r\n")
            case ("AUTH", 2): .text(command.words[1] == password ? "+OK\r\n" : "-ERR invalid password\r\n")
            case ("AUTH", _): .text("-ERR wrong number of arguments for 'auth' command\r\n")
            case ("PUBLISH", _) where command.isSubscribed, ("ROLE", _) where command.isSubscribed,
                ("CLIENT", _) where command.isSubscribed:
                .text("-ERR only (P)SUBSCRIBE / (P)UNSUBSCRIBE / QUIT allowed in this context\r\n")
            case ("PUBLISH", _), ("ROLE", _), ("CLIENT", _), ("SUBSCRIBE", _), ("UNSUBSCRIBE", _), ("PSUBSCRIBE", _),
                ("PUNSUBSCRIBE", _), ("PING", _), ("", _):
                .usual
            default: .text("-ERR unknown command '\(command.words[0])'\r\n")
            }
        }
    }

    /// A relay with these credentials before the server's address.
    private func relay(_ fake: FakeRedisServer, credentials: String) throws -> RelayProcess {
        try RelayProcess(redis: fake.url.replacing("redis://", with: "redis://" + credentials))
    }

    private func expectPassing(_ relay: RelayProcess) throws {
        let client = try relay.client()
        #expect(try client.subscribe("c", patterns: ["p*"]) == .ok)
        for channel in ["c", "px"] {
            #expect(try client.publish(channel, "on " + channel).outcome == .ok)
            #expect(try client.expectMessage().text == "on " + channel)
        }
        #expect(try client.unsubscribe("c", patterns: ["p*"]) == .ok)
    }

    /// On every server that has users, AUTH without a name means the user `default`.
    @Test(arguments: [":hush@", "default:hush@"]) func aPasswordIsSentWithoutAUser(credentials: String) throws {
        let fake = try FakeRedisServer(onPort: true, script: Self.redis3(password: "hush"))
        let relay = try relay(fake, credentials: credentials)
        try expectPassing(relay)
        let health = try relay.http("/health").json
        #expect(health["probe"]?["enabled"] == .bool(true) && health["role_check"]?["enabled"] == .bool(true))
        #expect(fake.count("AUTH", on: .other) == 2)
        try relay.stop()
    }

    /// The reason says what to do. It also quotes the server, whose error names neither the user nor the server's age.
    @Test(arguments: [
        ("relay:hush@", "hush", "has no users"), (":wrong@", "hush", "invalid password"),
        (":hush@", "", "no password is set"),
    ])
    func whatIsWrongIsSaid(credentials: String, password: String, reason: String) throws {
        let fake = try FakeRedisServer(onPort: true, script: Self.redis3(password: password))
        let relay = try relay(fake, credentials: credentials)
        try eventually("the status says why") {
            let status = try relay.clientInAnyState().welcome.status
            return status.state == .down && status.cause == .auth && status.reason.contains(reason)
        }
        #expect(try !relay.clientInAnyState().welcome.status.reason.contains("hush"))
        try relay.stop()
    }

    /// The text of this error changed with Redis 5 (backquotes and arguments) and with Redis 7 (quotes again).
    @Test(arguments: ["'%'", "`%`, with args beginning with: ", "'%', with args beginning with: 'a' 'b' "])
    func whatItDoesNotKnowIsDoneWithout(words: String) throws {
        let old = Self.redis3(password: "")
        let fake = try FakeRedisServer(onPort: true) { command in
            guard ["ROLE", "CLIENT"].contains(command.verb) else { return old(command) }
            return .text("-ERR unknown command \(words.replacing("%", with: command.words[0]))\r\n")
        }
        try expectDoingWithout(relay(fake, credentials: ""))
    }

    @Test func aServerWhoseCommandsAreRenamedIsDoneWithThemToo() throws {
        let settings = ["ROLE", "CLIENT", "INFO"].flatMap { ["--rename-command", $0, ""] }
        let redis = try RedisServer(settings: settings)
        try expectDoingWithout(RelayProcess(redis: redis.url))
    }

    private func expectDoingWithout(_ relay: RelayProcess) throws {
        try expectPassing(relay)
        let health = try relay.http("/health").json
        #expect(health["probe"]?["enabled"] == .bool(true), "it needs nothing but PUBLISH and SUBSCRIBE")
        #expect(health["role_check"]?["enabled"] == .bool(false))
        #expect(health["links"]?.elements?.count == 2)
        for link in health["links"]?.elements ?? [] {
            for command in ["ROLE", "CLIENT SETNAME"] {
                #expect(link["refused"]?[command]?.text?.hasPrefix("ERR unknown command") == true)
            }
        }
        try relay.stop()
    }
}
