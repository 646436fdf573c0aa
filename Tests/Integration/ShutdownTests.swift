import TestSupport
import Testing

private let interrupt: Int32 = 2
private let terminate: Int32 = 15

/// Rules 9 and 10 from the relay's side: the relay is asked to stop.
@Suite struct ShutdownTests {
    @Test(arguments: [interrupt, terminate]) func aStoppingRelaySaysSoAndServesWhoIsThere(signal: Int32)
        throws
    {
        try withinIdleGrace {
            let redis = try RedisServer()
            let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "60s"])
            let client = try relay.client()
            let other = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            relay.process.signal(signal)
            for connection in [client, other] {
                let status = try connection.expectStatus()
                #expect(status.state == .stopping)
                #expect(status.cause == .stopping)
                #expect(status.publishing && status.receiving, "it still does both")
            }
            #expect(!fileExists(relay.socketPath))
            #expect(throws: TestFailure.self) { try relay.connect() }

            #expect(try other.publish("c", "still served").outcome == .ok)
            #expect(try client.expectMessage().text == "still served")
            #expect(try client.subscribe("d") == .ok)
            try client.ping()
            client.socket.close()
            #expect(try other.publish("c", "x").outcome == .ok)
            #expect(relay.process.ended == nil)
            other.socket.close()
            try relay.expectExit()
        }
    }

    /// More clients than one turn accepts have connected when the relay is told to stop.
    @Test func whoHasConnectedAndWasNotAcceptedYetIsServed() throws {
        try withinIdleGrace {
            let redis = try RedisServer()
            let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "60s"])
            _ = try relay.client()
            try relay.process.freeze()
            let clients = try (0..<400).map { _ in try TestConnection(path: relay.socketPath) }
            for client in clients { try client.send(.hello()) }
            relay.process.signal(terminate)
            relay.process.thaw()
            for client in clients {
                try client.expectWelcome()
                if client.status.state != .stopping { try client.collect(untilState: .stopping) }
            }
            #expect(try clients[399].publish("c", "x").outcome == .ok)
            for client in clients { client.socket.close() }
            try relay.expectExit()
        }
    }

    @Test func aRelayWithoutConnectionsEndsAtOnce() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "60s"])
        _ = try relay.client()
        try relay.stop(within: 10)
        #expect(!fileExists(relay.socketPath))
    }

    @Test func aRelayWithoutRedisStopsAsWell() throws {
        let relay = try RelayProcess(redis: "unix:///nowhere/redis", options: ["--stop-timeout", "60s"])
        let client = try relay.clientInAnyState()
        #expect(client.welcome.status.state == .down)
        relay.process.signal(terminate)
        #expect(try client.collect(untilState: .stopping).last?.status.publishing == false)
        client.socket.close()
        try relay.expectExit()
    }

    @Test func theStopTimeoutEndsWhatStaysConnected() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "500ms"])
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let taken = try secondsTaken {
            relay.process.signal(terminate)
            #expect(try client.expectStatus().state == .stopping)
            try client.expectEnd()
        }
        #expect(taken > 0.3 && taken < 5, "after \(taken) s")
        try relay.expectExit()
        try eventually("its subscription is gone") { try redis.client().subscribers(of: "t:c") == 0 }
    }

    @Test func aSecondSignalEndsItAtOnce() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "60s"])
        let client = try relay.client()
        relay.process.signal(terminate)
        #expect(try client.expectStatus().state == .stopping)
        relay.process.signal(terminate)
        let exit = try relay.process.waitForExit(within: 10)
        // It may end in any way, except by a crash or a finding of a sanitizer.
        #expect([.code(0), .code(1), .code(130), .code(143), .signal(terminate)].contains(exit), "\(exit)")
        try client.expectEnd()
    }

    @Test func publishesUnderWayAreAnsweredBeforeItEnds() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "60s"])
        let client = try relay.client()
        redis.freeze()
        try client.send(raw: (1...100).flatMap { HubrelayClientFrame.publish("c", "x", id: $0).bytes })
        try client.ping()
        relay.process.signal(terminate)
        #expect(try client.expectStatus().state == .stopping)
        client.socket.shutdownWriting()
        redis.thaw()
        for id in UInt64(1)...100 { #expect(try client.expectReply(id: id).outcome == .ok) }
        try client.expectEnd()
        try relay.expectExit()
    }

    @Test func publishesWithoutIdUnderWayAreCountedBeforeItEnds() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url)
        let client = try relay.client()
        redis.freeze()
        // The second Loss would have to wait for a second, but the relay does not live that long.
        try client.send(.publish("", "x", id: 0), .publish("c", "x", id: 0))
        #expect(try client.expectLoss().cause == .invalid)
        relay.process.signal(terminate)
        #expect(try client.expectStatus().state == .stopping)
        let loss = try client.expectLoss()
        #expect(loss.publishesUnknown == 1 && loss.cause == .stopping)
        try client.expectEnd()
        try relay.expectExit()
        redis.thaw()
    }

    /// Rule 10: if an app does not close by itself, the relay closes it after two seconds, unless it still owes the app
    /// something. Takes seconds: the contract says two seconds.
    @Test func whoIsOwedNothingIsClosedTwoSecondsAfterStopping() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "5m", "--link-timeout", "60s"])
        let (idle, waiting) = (try relay.client(), try relay.client())
        redis.freeze()
        try waiting.send(.publish("c", "x", id: 1))
        let taken = try secondsTaken {
            relay.process.signal(terminate)
            #expect(try idle.expectStatus().state == .stopping)
            try idle.expectEnd()
        }
        #expect(taken > 1.9, "after \(taken) s")
        #expect(try waiting.expectStatus().state == .stopping)
        redis.thaw()
        #expect(try waiting.expectReply(id: 1).outcome == .ok, "what it is owed comes first")
        try waiting.expectEnd()
        try relay.expectExit()
    }

    @Test func whenRedisGoesWhileItStopsPublishesAreAnsweredTrulyStill() throws {
        try withinIdleGrace {
            let redis = try RedisServer()
            let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "60s"])
            let client = try relay.client()
            relay.process.signal(terminate)
            #expect(try client.expectStatus().state == .stopping)
            redis.stop()
            try eventually("publishes are NOT_CONNECTED") {
                let outcome = try client.publish("c", "x").outcome
                #expect([.notConnected, .interrupted].contains(outcome))
                return outcome == .notConnected
            }
            client.socket.close()
            try relay.expectExit()
        }
    }
}
