import TestSupport
import Testing

/// A server, or a proxy in front of it, does not know PUBLISH or SUBSCRIBE, and says so in one of several ways.
@Suite struct UnknownCommandTests {
    static let answers = [
        "-ERR unknown command\r\n", "-ERR unsupported command\r\n", "-invalid request\r\n",
        "-ERR command not allowed\r\n", "+OK\r\n", "$-1\r\n", "*0\r\n",
    ]

    private func expectNeverUp(_ command: String, _ answer: String, options: [String]) throws {
        let fake = try FakeRedisServer { $0.verb == command ? .text(answer) : .usual }
        let relay = try RelayProcess(redis: fake.url, options: options)
        let client = try relay.clientInAnyState()
        try eventually("the reason names the command") {
            let health = try relay.http("/health")
            return try health.status == 503 && health.json["cause"] == .string("protocol")
                && health.json["reason"]?.text?.contains("does not answer \(command)") == true
        }
        let tried = fake.count(command, on: .publish) + fake.count(command, on: .subscribe)
        try eventually("it keeps trying") {
            fake.count(command, on: .publish) + fake.count(command, on: .subscribe) > tried + 2
        }
        fake.behave()
        let frames = try client.collect(untilState: .up)
        #expect(frames.filter { $0.status.state == .up }.count == 1, "never before")
        #expect(client.status.outages == 0)
        try relay.stop()
    }

    @Test(arguments: answers) func withoutPublishItIsNeverUp(answer: String) throws {
        try expectNeverUp("PUBLISH", answer, options: [])
        try expectNeverUp("PUBLISH", answer, options: ["--probe", "off"])
    }

    @Test(arguments: answers + [":1\r\n"]) func withoutSubscribeItIsNeverUp(answer: String) throws {
        try expectNeverUp("SUBSCRIBE", answer, options: [])
        try expectNeverUp("SUBSCRIBE", answer, options: ["--probe", "off"])
    }

    /// A proxy may be put before the server, or its configuration may change.
    @Test(arguments: answers.prefix(4), ["500ms", "off"])
    func whatIsNoLongerKnownTakesTheStateDown(answer: String, probe: String) throws {
        let fake = try FakeRedisServer()
        let relay = try RelayProcess(redis: fake.url, options: ["--probe", probe])
        let client = try relay.client()
        #expect(try client.publish("c", "x").outcome == .ok)
        fake.follow { $0.verb == "PUBLISH" ? .text(answer) : .usual }
        #expect(try client.publish("c", "x").outcome == .refused)
        try client.collect(untilState: .degraded)
        try eventually("the reason names the command") {
            try relay.clientInAnyState().welcome.status.reason.contains("does not answer PUBLISH")
        }
        fake.behave()
        try client.collect(untilState: .up)
        try relay.stop()
    }

    /// The relay can work without patterns. A client that asks for one is refused, and no other client is affected.
    @Test(arguments: answers + [":1\r\n"]) func withoutPatternsTheyAreRefused(answer: String) throws {
        let fake = try FakeRedisServer { $0.verb == "PSUBSCRIBE" ? .text(answer) : .usual }
        let relay = try RelayProcess(redis: fake.url)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let reply = try client.request(.subscribe([], patterns: ["a*"], id: 7), id: 7)
        #expect(reply.outcome == .refused && !reply.detail.isEmpty)
        #expect(try client.publish("c", "x").receivers == 1)
        #expect(try client.expectMessage().text == "x")
        #expect(client.status.outages == 0)
        try relay.stop()
    }
}
