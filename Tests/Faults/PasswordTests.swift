import SwiftProtobuf
import TestSupport
import Testing

/// Redis asks for a password that the relay does not have, or no longer has. The relay reports AUTH, retries ever more
/// slowly, and is UP as soon as the password is right, without a restart. The password itself shows nowhere.
@Suite struct PasswordTests {
    @Test func aPasswordThatIsDemandedFromNowOnIsToldAtTheNextConnection() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            let plain = try redis.client()
            try plain.run("CONFIG", "SET", "requirepass", "demanded")
            #expect(try client.publish("c", "open connections stay").outcome == .ok)
            #expect(try client.expectMessage().text == "open connections stay")

            try closeLinks(plain)
            let reason = try reasonOfAuth(relay)
            #expect(reason.contains("NOAUTH"), "\(reason)")
            #expect(try client.publish("c", "x").outcome == .notConnected)
            let health = try relay.http("/health")
            #expect(health.status == 503 && health.body.contains("NOAUTH"))
            #expect(try relay.http("/livez").status == 200)

            try plain.run("CONFIG", "SET", "requirepass", "")
            try client.collect(untilState: .up)
            #expect(try plain.subscribers(of: "t:c") == 1)
            #expect(try client.publish("c", "again").outcome == .ok)
            #expect(try client.expectMessage().text == "again")
        }
    }

    @Test func aPasswordThatIsChangedOnDiskIsUsedWithoutARestart() throws {
        let redis = try RedisServer(onPort: true)
        let plain = try redis.client()
        try plain.run("CONFIG", "SET", "requirepass", "first-hush")
        let directory = try TemporaryDirectory()
        let file = directory.path(of: "password")
        try writeFile(file, "first-hush\n")
        let relay = try RelayProcess(redis: redis.url, options: ["--redis-password-file", file])
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        var frames: [HubrelayRelayFrame] = []

        try plain.run("CONFIG", "SET", "requirepass", "second-hush")
        try closeLinks(plain)
        var reason = try reasonOfAuth(relay)
        #expect(reason.contains("WRONGPASS"), "\(reason)")
        try writeFile(file, "second-hush\n")
        frames += try client.collect(untilState: .up)
        #expect(try plain.subscribers(of: "t:c") == 1)

        // The relay names a file that it cannot read.
        removeFile(file)
        try closeLinks(plain)
        reason = try reasonOfAuth(relay)
        #expect(reason.contains(file), "\(reason)")
        try writeFile(file, "second-hush")
        frames += try client.collect(untilState: .up)
        #expect(try client.publish("c", "x").outcome == .ok)
        #expect(try client.expectMessage().text == "x")
        #expect(try relay.client().welcome.relayID == client.welcome.relayID)
        try expectHidden("hush", relay, frames)
        try relay.stop()
        try expectHidden("hush", relay, [])
    }

    /// A server quotes an unknown command with its arguments.
    @Test func aServerThatQuotesThePasswordDoesNotBringItOut() throws {
        let redis = try RedisServer(settings: ["--rename-command", "AUTH", ""])
        let directory = try TemporaryDirectory()
        let file = directory.path(of: "password")
        try writeFile(file, "hush-hush")
        let relay = try RelayProcess(redis: redis.url, options: ["--redis-password-file", file])
        let reason = try reasonOfAuth(relay)
        #expect(reason.contains("AUTH"), "\(reason)")
        try expectHidden("hush", relay, [])
        try relay.stop()
        try expectHidden("hush", relay, [])
    }

    @Test func attemptsThatAreRefusedBackOffAndAreNotLoggedOneByOne() throws {
        // After a failure that is not a refusal, the relay would retry within 20 ms.
        let backoff = ["--backoff-min", "10ms", "--backoff-max", "20ms", "--backoff-max-refused", "600ms"]
        try withRelay(options: backoff) { relay, redis in
            try relay.client().ping()
            let plain = try redis.client()
            try plain.run("CONFIG", "SET", "requirepass", "demanded")
            try closeLinks(plain)
            _ = try reasonOfAuth(relay)
            let start = try plain.connectionsSoFar()
            // Eight doublings of the backoff for each of the links.
            try eventually("the first attempts") { try plain.connectionsSoFar() >= start + 16 }
            let slow = try plain.connectionsSoFar()
            let taken = try secondsTaken {
                try eventually("later ones") { try plain.connectionsSoFar() >= slow + 10 }
            }
            #expect(taken > 0.3, "five waits of 0 to 600 ms each, on both links")
            let lines = relay.process.errors.split(separator: "\n").filter { $0.contains("state changed") }
            #expect(lines.count < 8, "\(lines.joined(separator: "\n"))")
        }
    }

    /// Closes the relay's connections.
    private func closeLinks(_ plain: RedisClient) throws {
        try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
        try plain.run("CLIENT", "KILL", "TYPE", "normal")
    }

    /// Waits until the relay says that it lacks the right password.
    private func reasonOfAuth(_ relay: RelayProcess) throws -> String {
        var status = HubrelayStatus()
        try eventually("DOWN with cause AUTH") {
            status = try relay.clientInAnyState().welcome.status
            return status.state == .down && status.cause == .auth
        }
        return status.reason
    }

    private func expectHidden(
        _ secret: String, _ relay: RelayProcess, _ frames: [HubrelayRelayFrame],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var texts = [relay.process.errors, relay.process.output] + frames.map(\.debugDescription)
        if relay.process.ended == nil {
            texts.append(try relay.clientInAnyState().welcome.debugDescription)
            for path in ["/health", "/metrics"] { texts.append(try relay.http(path).body) }
        }
        for text in texts { #expect(!text.contains(secret), "\(text)", sourceLocation: sourceLocation) }
    }
}
