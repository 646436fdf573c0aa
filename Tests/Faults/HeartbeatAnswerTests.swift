import TestSupport
import Testing

/// The answers that Redis may give to PING, and what they say about the link.
@Suite struct HeartbeatAnswerTests {
    /// There are only heartbeats on the links, and many of them.
    private static let options = [
        "--heartbeat-interval", "50ms", "--link-timeout", "2s", "--probe", "off", "--backoff-max-refused", "1s",
    ]

    /// Waits until PING has been answered on a link many times, for longer than the link's deadline.
    private func waitForHeartbeats(_ fake: FakeRedisServer, on link: FakeRedisServer.Link) async throws {
        let (start, before) = (TestDeadline.now, fake.count("PING", on: link))
        try await inTheEnd("30 heartbeats, and the deadline is over") {
            fake.count("PING", on: link) >= before + 30 && TestDeadline.now - start > 2_300_000_000
        }
    }

    @Test func thePongOfASubscribedConnectionIsASignOfLife() async throws {
        let fake = try FakeRedisServer()
        let relay = try RelayProcess(redis: fake.url, options: Self.options)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        try await waitForHeartbeats(fake, on: .subscribe)
        #expect(try client.publish("c", "still here").receivers == 1)
        // The Message is the next frame, so no Status has come in between.
        #expect(try client.expectMessage().text == "still here")
        #expect(fake.connectionsMade(.subscribe) == 1)
        try relay.stop()
    }

    @Test func aSubscribedLinkThatAnswersNoPingIsFoundOut() throws {
        let fake = try FakeRedisServer { $0.verb == "PING" && $0.isSubscribed ? .nothing : .usual }
        let relay = try RelayProcess(redis: fake.url, options: Self.options)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let status = try client.expectStatus()
        #expect(status.state == .degraded && status.publishing && status.cause == .timeout)
        fake.behave()
        try client.collect(untilState: .up)
        #expect(try client.publish("c", "x").receivers == 1)
        try relay.stop()
    }

    /// These errors are about data, and say nothing about channels.
    @Test(arguments: [
        "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.\r\n",
        "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
    ])
    func anErrorAboutDataIsASignOfLife(error: String) async throws {
        let fake = try FakeRedisServer { $0.verb == "PING" ? .text(error) : .usual }
        let relay = try RelayProcess(redis: fake.url, options: Self.options)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        for link in [FakeRedisServer.Link.publish, .subscribe] { try await waitForHeartbeats(fake, on: link) }
        #expect(try client.publish("c", "taken").outcome == .ok)
        #expect(try client.expectMessage().text == "taken")
        #expect(try relay.http("/health").status == 200)
        #expect(fake.connectionsMade == 2)
        try relay.stop()
    }

    /// These errors go away, but not in a moment.
    static let busy = [
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n",
    ]

    @Test(arguments: busy) func aServerThatIsNotReadyIsWaitedForWithoutHaste(error: String) async throws {
        let fake = try FakeRedisServer { $0.verb == "PING" ? .text(error) : .usual }
        let relay = try RelayProcess(redis: fake.url, options: Self.options)
        let client = try relay.clientInAnyState()
        try eventually("the cause is known") { try relay.http("/health").body.contains("\"cause\":\"busy\"") }
        let made = fake.connectionsMade
        #expect(try await rate(over: 1.5) { fake.connectionsMade } < 20)
        #expect(try client.nextIfAny(within: 0) == nil, "it was never UP")
        #expect(try client.publish("c", "x").outcome == .notConnected)
        try eventually("it keeps trying") { fake.connectionsMade > made + 2 }
        fake.behave()
        try client.collect(untilState: .up)
        #expect(try client.publish("c", "x").outcome == .ok)
        try relay.stop()
    }

    @Test(arguments: busy) func aServerThatIsNoLongerReadyIsLeft(error: String) throws {
        let fake = try FakeRedisServer()
        let relay = try RelayProcess(redis: fake.url, options: Self.options)
        let client = try relay.client()
        for link in [FakeRedisServer.Link.publish, .subscribe] {
            fake.ambush("PING", on: link, with: .text(error))
            let status = try client.expectStatus()
            #expect(status.state == .degraded && status.cause == .busy)
            #expect(error.contains(status.reason.suffix(20)), "\(status.reason)")
            try client.collect(untilState: .up)
        }
        try relay.stop()
    }
}
