import TestSupport
import Testing

/// Bytes that no Redis would send at this moment.
struct Hostility: Sendable, CustomStringConvertible {
    let description: String
    let bytes: [UInt8]

    init(_ description: String, _ text: String) { (self.description, bytes) = (description, Array(text.utf8)) }

    static func onLink(_ link: FakeRedisServer.Link) -> [Hostility] {
        onAnyLink + (link == .subscribe ? onTheSubscribeLink : onThePublishLink)
    }

    private static let onAnyLink = [
        Hostility("an array of a hundred million", "*100000000\r\n"),
        Hostility("a string of 512 MiB", "$536870912\r\n"),
        Hostility("deep nesting", String(repeating: "*1\r\n", count: 100) + ":1\r\n"),
        Hostility("another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n"),
        Hostility("zeros", String(repeating: "\0", count: 1000)),
        Hostility("a line without end", "+" + String(repeating: "a", count: 200_000)),
        Hostility("a push of RESP3", ">3\r\n$7\r\nmessage\r\n$3\r\nt:c\r\n$1\r\nx\r\n"),
        Hostility(
            "300,000 values",
            "*5\r\n" + String(repeating: "*60000\r\n" + String(repeating: ":1\r\n", count: 60_000), count: 5)),
        Hostility("a message of two elements", "*2\r\n$7\r\nmessage\r\n$3\r\nt:c\r\n"),
        Hostility("a message without a channel", "*3\r\n$7\r\nmessage\r\n$-1\r\n$1\r\nx\r\n"),
        Hostility("a message on a channel that is a number", "*3\r\n$7\r\nmessage\r\n:1\r\n$1\r\nx\r\n"),
        Hostility("a number", ":1\r\n"),
        Hostility("more numbers than questions", String(repeating: ":1\r\n", count: 20)),
        Hostility("more errors than questions", String(repeating: "-ERR what\r\n", count: 20)),
        Hostility("more PONGs than PINGs", String(repeating: "+PONG\r\n", count: 20)),
    ]

    private static let onTheSubscribeLink = [
        Hostility("a confirmation that was not requested", "*3\r\n$9\r\nsubscribe\r\n$7\r\nt:other\r\n:1\r\n"),
        Hostility("the end of a subscription that is held", "*3\r\n$11\r\nunsubscribe\r\n$3\r\nt:c\r\n:0\r\n"),
        Hostility("the end of all subscriptions", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"),
    ]

    private static let onThePublishLink = [
        Hostility("a message", "*3\r\n$7\r\nmessage\r\n$3\r\nt:c\r\n$1\r\nx\r\n"),
        Hostility("a confirmation", "*3\r\n$9\r\nsubscribe\r\n$3\r\nt:c\r\n:1\r\n"),
    ]
}

/// A server that does not speak the protocol, or closes in the middle of anything. The relay gives up the link with a
/// reason, does not crash, and takes little memory. Once the server behaves, the relay is UP.
@Suite struct HostileRedisTests {
    /// Deadlines that are too long to matter, and very frequent heartbeats, which a hostile server answers with
    /// something other than PONG.
    private static let options = [
        "--heartbeat-interval", "20ms", "--link-timeout", "20s", "--probe", "50ms", "--backoff-min", "1ms",
        "--backoff-max", "2ms",
    ]

    @Test(arguments: [FakeRedisServer.Link.publish, .subscribe])
    func whatIsNoAnswerEndsTheLinkWithAReason(link: FakeRedisServer.Link) throws {
        let fake = try FakeRedisServer()
        let relay = try RelayProcess(redis: fake.url, options: Self.options)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let before = relay.process.residentBytes
        for hostility in Hostility.onLink(link) {
            fake.ambush("PING", on: link, with: .bytes(hostility.bytes))
            let status = try client.expectStatus()
            #expect(status.cause == .protocol, "\(hostility): \(status.cause)")
            #expect(status.reason.contains("Redis"), "\(hostility): \(status.reason)")
            #expect(status.publishing == (link != .publish) && status.receiving == (link != .subscribe))
            try client.collect(untilState: .up)
            #expect(try client.publish("c", hostility.description).receivers == 1)
            #expect(try client.expectMessage().text == hostility.description)
        }
        #expect(relay.process.residentBytes - before < 48 << 20)
        try relay.stop()
    }

    @Test(arguments: [(FakeRedisServer.Link.publish, 160), (.subscribe, 400)])
    func aCloseAtEveryByteIsSurvived(link: FakeRedisServer.Link, bytes: Int) throws {
        let fake = try FakeRedisServer()
        // The first connection ends after 0 bytes, the second after 1 byte, and so on through all that the server
        // sends.
        fake.cutShort { $0 == link && $1 < bytes ? $1 : nil }
        let relay = try RelayProcess(redis: fake.url, options: Self.options)
        let client = try relay.clientInAnyState()
        #expect([.ok, .pending].contains(try client.subscribe("c")))
        var outcomes: Set<HubrelayOutcome> = []
        try eventually("every cut has been made") {
            outcomes.insert(try client.publish("c", "x").outcome)
            return fake.connectionsMade(link) > bytes
        }
        #expect(outcomes.isSubset(of: [.ok, .notConnected, .interrupted]), "\(outcomes)")
        try eventually("it is UP") { try relay.http("/health").status == 200 }
        try client.ping()
        // The frames that were put aside are Status and Message. A second Reply would be among them.
        var replies = 0
        while let frame = try client.nextIfAny(within: 0) { replies += frame.reply.id == 0 ? 0 : 1 }
        #expect(replies == 0, "\(replies) second Replies")
        #expect(try client.publish("c", "the last").receivers == 1)
        _ = try client.collect("the last Message") { $0.message.text == "the last" }
        try relay.stop()
    }

    /// An answer of the wrong kind belongs to no command. So the outcome of the publish is unknown, and the link is
    /// useless.
    @Test(arguments: ["+OK\r\n", "$1\r\n1\r\n", "$-1\r\n", "*1\r\n:1\r\n"])
    func anAnswerToAPublishThatIsNoNumberEndsTheLink(answer: String) throws {
        let fake = try FakeRedisServer()
        let relay = try RelayProcess(redis: fake.url, options: ["--probe", "off"])
        let client = try relay.client()
        fake.ambush("PUBLISH", on: .publish, with: .text(answer))
        #expect(try client.publish("c", "x").outcome == .interrupted)
        #expect(try client.expectStatus().cause == .protocol)
        try client.collect(untilState: .up)
        #expect(try client.publish("c", "x").outcome == .ok)
        try relay.stop()
    }

    @Test func aServerThatNeverSpeaksTheProtocolIsWaitedForWithoutHaste() async throws {
        let fake = try FakeRedisServer { $0.verb.isEmpty ? .text("SSH-2.0-OpenSSH_9.2\r\n") : .nothing }
        let relay = try RelayProcess(redis: fake.url, options: ["--backoff-min", "50ms", "--backoff-max", "500ms"])
        let client = try relay.clientInAnyState()
        try eventually("the cause is known") { try relay.http("/health").body.contains("\"cause\":\"protocol\"") }
        // The mean wait is half the backoff, so there are about eight attempts a second, and a few more at first.
        #expect(try await rate(over: 1) { fake.connectionsMade } < 40)
        #expect(try client.nextIfAny(within: 0) == nil, "nothing has changed")
        fake.behave()
        try client.collect(untilState: .up)
        try relay.stop()
    }
}
