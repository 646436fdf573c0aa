import Glibc
import TestSupport
import Testing

/// The relay itself does not run for a while. Its supervisor finds out, and the relay draws no wrong conclusions when
/// it continues.
@Suite struct StalledRelayTests {
    @Test func aStalledLoopAnswersNoHealthCheckAndFeedsNoWatchdog() async throws {
        let redis = try RedisServer()
        let directory = try TemporaryDirectory()
        let manager = try NotifySocket(in: directory)
        let relay = try RelayProcess(
            redis: redis.url, directory: directory,
            wrapper: ["env", "NOTIFY_SOCKET=\(manager.path)", "WATCHDOG_USEC=400000"])
        let client = try relay.client()
        #expect(manager.next(within: TestDeadline.patience) == "READY=1")
        for _ in 0..<3 { #expect(manager.next(within: TestDeadline.patience) == "WATCHDOG=1") }

        try relay.process.freeze()
        while manager.next(within: 0) != nil {}
        try await lookOn(for: 1)
        #expect(manager.next(within: 0) == nil, "the watchdog is fed")
        for path in ["/health", "/livez", "/readyz"] {
            #expect(throws: TestFailure.self, "\(path) is answered") {
                try httpRequest(path, at: TestSocket(unix: relay.httpPath), within: 0.2)
            }
        }

        relay.process.thaw()
        #expect(manager.next(within: TestDeadline.patience) == "WATCHDOG=1")
        for path in ["/livez", "/readyz"] { #expect(try relay.http(path).status == 200) }
        try client.ping()
        try relay.stop()
        var said: [String] = []
        while let state = manager.next(within: 0) { said.append(state) }
        #expect(said.contains("STOPPING=1"), "\(said)")
    }

    /// Stalls that are shorter and longer than the deadline of a link.
    @Test(arguments: [("5s", 4.0), ("2s", 3.0)])
    func aRelayThatWasStarvedDoesNotCallRedisDead(linkTimeout: String, seconds: Double) async throws {
        let options = ["--link-timeout", linkTimeout, "--heartbeat-interval", "100ms", "--probe", "100ms"]
        let stage = try Stage(options: options)
        let (relay, redis) = (stage.relay, stage.redis)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        // The whole machine stands still while a publish is unanswered, and Redis is the last to continue.
        redis.freeze()
        try client.send(.publish("c", "x", id: 1))
        try client.ping()
        // Waits until the relay knows that a reply is due. `lookOn` may take longer than the deadline, so it is not
        // used here.
        #expect(try client.nextIfAny(within: 0.2) == nil)
        try relay.process.freeze()
        try client.send(.publish("c", "y", id: 2))
        #expect(try await client.nextIfAny(inTheCourseOf: seconds) == nil, "it did not stall")
        relay.process.thaw()
        try client.ping()
        #expect(try client.nextIfAny(within: 0.3) == nil, "a Status came")
        redis.thaw()
        for id in UInt64(1)...2 { #expect(try client.replyPuttingAside(id: id).outcome == .ok) }
        for text in ["x", "y"] { #expect(try client.expectMessage().text == text) }
        #expect(try await client.nextIfAny(inTheCourseOf: 0.5) == nil, "a Status came")
        #expect(try relay.http("/health").status == 200)
        #expect(try relay.metric("hubrelay_outages_total") == 0)
        try stage.finish()
    }

    /// A stall that is longer than an attempt may take, during the only attempt. It may be short compared with the
    /// heartbeat interval.
    @Test(arguments: ["200ms", "10m"])
    func aRelayThatWasStarvedDoesNotGiveItsAttemptUp(heartbeat: String) async throws {
        let ca = try TestCA()
        let redis = try RedisServer(tls: try ca.server())
        redis.freeze()
        let relay = try RelayProcess(
            redis: redis.url.replacing("rediss://", with: "") + ",ssl=true,abortConnect=true,connectRetry=1",
            options: [
                "--redis-ca", ca.caFile, "--connect-timeout", "4s", "--heartbeat-interval", heartbeat, "--link-timeout",
                "20m",
            ])
        let client = try relay.clientInAnyState()
        let port = try #require(redis.tlsPort)
        try eventually("both links have begun the handshake") { connectionsWithUnreadBytes(at: port) == 2 }
        try relay.process.freeze()
        #expect(try await client.nextIfAny(inTheCourseOf: 5) == nil, "it did not stall")
        // Redis is the last to continue. Otherwise the handshakes would be over before the relay checks the time.
        relay.process.thaw()
        #expect(try client.nextIfAny(within: 0.5) == nil, "it has given up")
        redis.thaw()
        try client.collect(untilState: .up)
        try relay.stop()
    }

    @Test func aRelayThatStandsStillAgainAndAgainFindsADeadRedisAllTheSame() throws {
        let stage = try Stage(options: ["--link-timeout", "1s", "--heartbeat-interval", "100ms"])
        let (relay, redis) = (stage.relay, stage.redis)
        let client = try relay.client()
        let stalls = try Background {
            {
                try relay.process.freeze()
                usleep(300_000)
                relay.process.thaw()
                usleep(200_000)
            }
        }
        redis.freeze()
        try client.collect(untilState: .down)
        #expect(client.status.cause == .timeout)
        try stalls.stop()
        redis.thaw()
        try client.collect(untilState: .up)
        try stage.finish()
    }

    /// The supervisor relies on the stop timeout, so a stall in the middle does not extend it.
    @Test func aStallDoesNotPutTheStopOff() async throws {
        let stage = try Stage(options: ["--stop-timeout", "4s"])
        let relay = stage.relay
        let client = try relay.client()
        try client.send(raw: [0, 0])  // an incomplete frame: the client is not done yet
        relay.process.signal(SIGTERM)
        try client.collect(untilState: .stopping)
        try relay.process.freeze()
        try await lookOn(for: 4.5)
        relay.process.thaw()
        #expect(try secondsTaken { try relay.expectExit() } < 3.5, "the stall counted for nothing")
        stage.redis.stop()
    }

    /// The relay that holds the HTTP address may take its time to stop. During the stall it did not run either.
    @Test func aRelayThatWasStarvedStillWaitsForTheHTTPAddress() async throws {
        let stage = try Stage(options: ["--stop-timeout", "300s", "--frame-timeout", "300s"])
        let held = try stage.relay.client()
        try held.send(raw: [0, 0])  // an incomplete frame: an idle client would be closed after 2 s
        stage.relay.process.signal(SIGTERM)
        try held.collect(untilState: .stopping)
        let next = try RelayProcess(
            redis: stage.redis.url, directory: stage.relay.directory, name: "next",
            options: ["--http", "unix:\(stage.relay.httpPath)", "--stop-timeout", "4s"])
        let client = try next.client()
        // The whole machine stands still, and the other relay is the last to continue.
        for relay in [stage.relay, next] { try relay.process.freeze() }
        try await lookOn(for: 5.5)
        next.process.thaw()
        #expect(try client.nextIfAny(within: 1) == nil, "it has given up")
        stage.relay.process.thaw()
        held.socket.close()
        try eventually("the other one has ended") { stage.relay.process.ended != nil }
        try eventually("HTTP is served") { (try? stage.relay.http("/readyz").status) == 200 }
        #expect(try client.nextIfAny(within: 0) == nil)
        try next.stop()
        stage.redis.stop()
    }

    @Test func aRelayThatWasStarvedDoesNotBlameItsClients() async throws {
        let stage = try Stage(options: ["--hello-timeout", "2s", "--frame-timeout", "2s"])
        let relay = stage.relay
        let known = try relay.client()
        let ping = HubrelayClientFrame.ping(id: 1).bytes
        try known.send(raw: Array(ping.prefix(6)))
        let fresh = try relay.connect()
        try eventually("both are accepted") { try relay.metric("hubrelay_connections") == 2 }
        try known.socket.waitUntilPeerHasRead()
        try relay.process.freeze()
        try fresh.send(.hello())
        try known.send(raw: Array(ping.dropFirst(6)))
        #expect(try await fresh.nextIfAny(inTheCourseOf: 3) == nil, "it did not stall")
        relay.process.thaw()
        try fresh.expectWelcome()
        try known.expectReply(id: 1)
        try stage.finish()
    }
}
