import TestSupport
import Testing

/// Rule 6, for publishes that are unanswered when a link fails.
@Suite struct InterruptedTests {
    /// Reads frames until each id of `ids` has been answered, and returns them in the order of arrival.
    private func answers(of client: TestConnection, _ ids: ClosedRange<UInt64>) throws -> [HubrelayRelayFrame] {
        var left = Set(ids)
        var twice: [UInt64] = []
        let frames = try client.collect("all Replies \(ids)") { frame in
            if case .reply(let reply) = frame.frame, left.remove(reply.id) == nil { twice.append(reply.id) }
            return left.isEmpty
        }
        #expect(twice.isEmpty, "answered twice")
        return frames
    }

    /// Checks the order that rule 6 requires for publishes on one channel. INTERRUPTED comes before the Status that
    /// reports the outage, and no OK comes after it. All Replies come in the order in which the publishes were written.
    private func expectOrder(_ frames: [HubrelayRelayFrame]) {
        var isDown = false
        var lateInterrupted: [UInt64] = []
        var lateOK: [UInt64] = []
        for frame in frames {
            switch frame.frame {
            case .status(let status): isDown = !status.publishing
            case .reply(let reply) where isDown && reply.outcome == .interrupted:
                lateInterrupted.append(reply.id)
            case .reply(let reply) where isDown && reply.outcome == .ok: lateOK.append(reply.id)
            default: break
            }
        }
        #expect(lateInterrupted.isEmpty, "INTERRUPTED after the Status")
        #expect(lateOK.isEmpty, "OK on a link known to be bad")
        let ids = frames.map(\.reply.id).filter { $0 != 0 }
        #expect(ids == ids.sorted(), "Replies out of order")
    }

    @Test func aBurstIsAnsweredOnceEachWhenRedisIsKilledInTheMiddleOfIt() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("held") == .ok)
            let payload = [UInt8](repeating: 65, count: 100)
            let frames = (1...6000).map {
                HubrelayClientFrame.publish("burst", payload, id: UInt64($0)).bytes
            }
            try client.send(raw: Array(frames[..<2000].joined()))
            #expect(try client.expectReply(id: 1).outcome == .ok)
            redis.freeze()
            try client.send(
                raw: Array(frames[2000..<4000].joined()) + HubrelayClientFrame.ping(id: 9999).bytes)
            let early = Array(try client.collect("the answer to Ping") { $0.reply.id == 9999 }.dropLast())
            redis.stop()
            try client.send(raw: Array(frames[4000...].joined()))
            let first = UInt64(early.count) + 2
            let answers = try early + self.answers(of: client, first...6000)
            expectOrder(answers)
            let outcomes = Set(answers.filter { $0.reply.id != 0 }.map(\.reply.outcome))
            #expect(outcomes.isSubset(of: [.ok, .interrupted, .notConnected]), "\(outcomes)")
            #expect(outcomes.isSuperset(of: [.interrupted, .notConnected]), "\(outcomes)")
            #expect(answers.filter { $0.reply.id != 0 }.count == 5999)
            if client.status.state != .down { try client.collect(untilState: .down) }
            try redis.start()
            let late = try client.collect(untilState: .up)
            #expect(late.allSatisfy { $0.reply.id == 0 }, "a second answer")
            #expect(client.status.outages == 1 && client.status.gaps == 1)
            #expect(try redis.client().subscribers(of: "t:held") == 1)
        }
    }

    @Test func whatHasLeftIsInterruptedWhatHasNotIsNotConnected() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            redis.freeze()
            try client.send(raw: (1...100).flatMap { HubrelayClientFrame.publish("c", "x", id: $0).bytes })
            // The answer to Ping proves that the relay has read the publishes. The frozen Redis has answered none of
            // them.
            try client.send(.ping(id: 101))
            try client.expectReply(id: 101)
            redis.stop()
            let frames = try answers(of: client, 1...100)
            #expect(frames.filter { $0.reply.id != 0 }.allSatisfy { $0.reply.outcome == .interrupted })
            expectOrder(frames)
            if client.status.state != .down { try client.collect(untilState: .down) }
            #expect(try client.publish("c", "x").outcome == .notConnected)
        }
    }

    @Test func publishesWithoutIdThatWereUnderWayAreCountedAsUnknown() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            redis.freeze()
            try client.send(raw: (1...50).flatMap { _ in HubrelayClientFrame.publish("c", "x", id: 0).bytes })
            try client.ping()
            redis.stop()
            var unknown: UInt64 = 0
            _ = try client.collect("the Loss of 50") { frame in
                unknown += frame.loss.publishesUnknown
                #expect(frame.loss.publishes == 0 && frame.loss.messages == 0)
                return unknown >= 50
            }
            #expect(unknown == 50)
        }
    }

    @Test func aSubscribeUnderWayIsPendingAndRestored() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            redis.freeze()
            try client.send(.subscribe(["underway"], patterns: ["underway.*"], id: 1))
            try client.ping()
            redis.stop()
            #expect(try client.replyPuttingAside(id: 1).outcome == .pending)
            if client.status.state != .down { try client.collect(untilState: .down) }
            try redis.start()
            try client.collect(untilState: .up)
            let plain = try redis.client()
            #expect(try plain.subscribers(of: "t:underway") == 1)
            #expect(try plain.publish("t:underway.1", "x") == 1)
            #expect(try client.expectMessage().pattern == "underway.*")
        }
    }

    @Test func requestsOfOneNameKeepTheirOrderThroughAnOutage() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            redis.freeze()
            try client.send(
                .subscribe(["c", "d"], id: 1), .unsubscribe(["d", "e"], id: 2), .subscribe(["e"], id: 3),
                .unsubscribe(["e"], id: 4))
            try client.ping()
            redis.stop()
            let frames = try answers(of: client, 1...4)
            let replies = frames.map(\.reply).filter { $0.id != 0 }
            #expect(replies.map(\.id) == [1, 2, 3, 4])
            #expect(replies.map(\.outcome) == [.pending, .ok, .pending, .ok])
            if client.status.state != .down { try client.collect(untilState: .down) }
            try redis.start()
            try client.collect(untilState: .up)
            let held = try redis.client().run("PUBSUB", "CHANNELS", "t:?").array?.compactMap(\.text)
            #expect(held == ["t:c"])
        }
    }

    /// Takes seconds: it waits until the link is given up.
    @Test func aRedisThatNoLongerAnswersIsFoundOutAndItsLateAnswersChangeNothing() throws {
        try withRelay(options: ["--link-timeout", "1s", "--heartbeat-interval", "100ms"]) { relay, redis in
            let client = try relay.client()
            redis.freeze()
            try client.send(.publish("c", "x", id: 1))
            let taken = try secondsTaken {
                let frames = try client.collect(untilState: .down, within: 10)
                #expect(frames.filter { $0.reply.id == 1 }.map(\.reply.outcome) == [.interrupted])
            }
            #expect(taken > 0.5 && taken < 5, "after \(taken) s")
            #expect(client.status.cause == .timeout)
            redis.thaw()
            let frames = try client.collect(untilState: .up)
            #expect(frames.allSatisfy { $0.reply.id == 0 }, "a second answer")
            #expect(try client.publish("c", "x").outcome == .ok)
        }
    }

    @Test func aHalfCloseWaitsForWhatMayBecomeOfPublishesWithoutAnID() throws {
        try withRelay(options: ["--link-timeout", "500ms", "--heartbeat-interval", "100ms"]) { relay, redis in
            let client = try relay.client()
            redis.freeze()
            try client.send(.publish("c", "x", id: 0), .publish("c", "y", id: 0), .ping(id: 7))
            client.socket.shutdownWriting()
            #expect(try client.expectReply(id: 7).outcome == .ok)
            var unknown: UInt64 = 0
            while unknown < 2 {
                let frame = try client.next()
                unknown += frame.loss.publishesUnknown
            }
            #expect(unknown == 2)
            try eventually("they are counted") {
                try relay.metric("hubrelay_publishes_lost_total{cause=\"timeout\"}") == 2
            }
        }
    }

    @Test func publishesOfAClientThatIsGoneAreCountedAllTheSame() throws {
        try withRelay(options: ["--link-timeout", "500ms", "--heartbeat-interval", "100ms"]) { relay, redis in
            let client = try relay.client()
            redis.freeze()
            try client.send(.publish("c", "x", id: 0), .publish("c", "y", id: 1))
            try client.socket.waitUntilPeerHasRead()
            client.socket.close()
            try eventually("both are counted") {
                try relay.metric("hubrelay_publishes_lost_total{cause=\"timeout\"}") == 1
                    && relay.metric("hubrelay_publishes_total{outcome=\"interrupted\"}") == 1
            }
        }
    }
}
