import TestSupport
import Testing

/// Something between the relay and Redis loses a reply, or inserts bytes that do not belong there, while both ends
/// live. Everything is connected, but the links are useless. The relay finds out each fault, reports it once, and
/// repairs it with a new connection.
@Suite struct BrokenRepliesTests {
    private struct Scene {
        let redis: RedisServer
        let proxy: RedisProxy
        let relay: RelayProcess

        /// - Parameter options: by default, no deadline and no probe can find anything out within the patience of a
        ///   test.
        init(_ options: [String] = ["--link-timeout", "60s", "--probe", "60s"]) throws {
            redis = try RedisServer()
            proxy = try RedisProxy(to: redis)
            relay = try RelayProcess(
                redis: proxy.url,
                options: ["--heartbeat-interval", "200ms", "--backoff-min", "1ms", "--backoff-max", "5ms"] + options)
        }
    }

    // MARK: Bytes that do not belong there

    private static let strays = ["*60000\r\n", "*3\r\n", "$100000000\r\n", "$1000000\r\n", ":1\r\n"]
    private static let ofPublishLink = strays + ["$10\r\n", "-ERR stray\r\n"]
    private static let ofSubscribeLink = strays + ["*4\r\n", "*1\r\n*1\r\n", "$10\r\n", "+", "-ERR stray\r\n"]

    @Test func aStrayOnAnIdlePublishLinkEndsIt() throws {
        let scene = try Scene()
        let client = try scene.relay.client()
        for stray in Self.ofPublishLink {
            scene.proxy.inject(stray, into: .publish)
            let status = try client.expectStatus()
            #expect(!status.publishing && status.receiving && status.cause == .protocol, "\(stray): \(status)")
            #expect(status.reason.contains("Redis"), "\(stray): \(status.reason)")
            try client.collect(untilState: .up)
            #expect(client.status.gaps == 0)
        }
        #expect(client.status.outages == UInt64(Self.ofPublishLink.count))
        try scene.relay.stop()
    }

    @Test func aStrayOnAnIdleSubscribeLinkEndsItAndIsAGap() throws {
        let scene = try Scene()
        let client = try scene.relay.client()
        for (number, stray) in Self.ofSubscribeLink.enumerated() {
            scene.proxy.inject(stray, into: .subscribe)
            let status = try client.expectStatus()
            #expect(status.publishing && !status.receiving && status.cause == .protocol, "\(stray): \(status)")
            try client.collect(untilState: .up)
            #expect(client.status.gaps == UInt64(number + 1))
        }
        try scene.relay.stop()
    }

    @Test func aStrayUnderLoadInterruptsEachPublishOnce() throws {
        let scene = try Scene()
        let ledger = PublishLedger(try scene.relay.client(), channel: "c")
        for (number, stray) in Self.strays.enumerated() {
            try publish(with: ledger) { ledger.sent >= UInt64(number + 1) * 200 }
            scene.proxy.inject(stray, into: .publish)
            // The state may be UP again before a client has read that it was not.
            try publish(with: ledger) { ledger.states.count == 2 * number + 2 }
            #expect(ledger.states.suffix(2) == [.degraded, .up], "\(stray): \(ledger.states)")
        }
        try ledger.settle()
        #expect(ledger.faults.isEmpty && ledger.kinds.isSubset(of: [.ok, .interrupted, .notConnected]))
        #expect(ledger.client.status.outages == UInt64(Self.strays.count) && ledger.client.status.gaps == 0)
        try scene.relay.stop()
    }

    @Test func aStrayBetweenMessagesEndsTheLinkAndIsAGap() throws {
        let scene = try Scene()
        let (client, plain) = (try scene.relay.client(), try scene.redis.client())
        #expect(try client.subscribe("c") == .ok)
        for (number, stray) in Self.ofSubscribeLink.enumerated() {
            scene.proxy.inject(stray, into: .subscribe)
            try publish(through: plain, "a gap after \(stray)") { client.status.gaps == UInt64(number + 1) }
            try publish(through: plain, "UP after \(stray)") { client.status.state == .up }
        }

        func publish(through plain: RedisClient, _ what: String, until isOver: () -> Bool) throws {
            try eventually(what) {
                try plain.publish("t:c", "x")
                while try client.nextIfAny(within: 0) != nil {}
                return isOver()
            }
        }
        try scene.relay.stop()
    }

    // MARK: A reply that is lost

    /// Every second publish has a receiver, so the previous answer would be wrong for it.
    @Test func aReplyThatIsLostUnderLoadIsFoundOutByTheNextMarker() throws {
        let scene = try Scene()
        let (client, listener) = (try scene.relay.client(), try scene.redis.client())
        try listener.subscribe("t:1")
        let window: UInt64 = 256
        var (sent, answered, wrong) = (UInt64(0), UInt64(0), 0)
        var isArmed = false
        var outcomes: Set<HubrelayOutcome> = []
        let deadline = TestDeadline()
        // The state may be UP again before a client has read that it was not.
        var reason: String?
        while reason == nil {
            if deadline.isOver { throw TestFailure("UP after \(wrong) wrong answers") }
            if answered > 2000, !isArmed {
                scene.proxy.swallow(on: .publish) { $0.integer != nil }
                isArmed = true
            }
            if sent - answered < window {
                let ids = sent + 1...sent + 32
                sent += 32
                try client.send(raw: ids.flatMap { HubrelayClientFrame.publish("\($0 % 2)", "x", id: $0).bytes })
            }
            while let frame = try client.nextIfAny(within: 0) {
                if case .status(let status) = frame.frame, !status.publishing { reason = status.reason }
                guard case .reply(let reply) = frame.frame else { continue }
                answered += 1
                outcomes.insert(reply.outcome)
                if reply.outcome == .ok, reply.receivers != reply.id % 2 { wrong += 1 }
            }
        }
        #expect(scene.proxy.hasSwallowed(on: .publish))
        #expect(reason?.contains("a reply to another command") == true, "\(reason ?? "")")
        #expect(outcomes.isSuperset(of: [.ok, .interrupted]), "\(outcomes)")
        #expect(wrong <= 1024 + Int(window), "\(wrong) wrong answers")
        try scene.relay.stop()
    }

    /// Nobody publishes any more, so no other answer comes in place of the lost one.
    @Test func theLastReplyThatIsLostIsFoundOutAsWell() throws {
        let scene = try Scene()
        let client = try scene.relay.client()
        for _ in 0..<3 {
            #expect(try client.publish("c", "x").outcome == .ok)
            scene.proxy.swallow(on: .publish) { $0.integer != nil }
            #expect(try client.publish("c", "x").outcome == .interrupted)
            try client.collect(untilState: .up)
        }
        #expect(client.status.outages == 3 && client.status.gaps == 0)
        try scene.relay.stop()
    }

    /// A server, or something before it, does not repeat the argument of a PING. The relay then works without markers.
    @Test(arguments: ["+PONG\r\n", "-ERR wrong number of arguments for 'ping' command\r\n"])
    func aServerThatRepeatsNothingIsDoneWithout(answer: String) throws {
        let fake = try FakeRedisServer { $0.verb == "PING" && $0.words.count > 1 ? .text(answer) : .usual }
        let relay = try RelayProcess(redis: fake.url, options: ["--heartbeat-interval", "50ms", "--probe", "100ms"])
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        for _ in 0..<30 { #expect(try client.publish("c", "x").outcome == .ok) }
        try eventually("heartbeats") { fake.count("PING", on: .subscribe) > 5 && fake.count("PING", on: .publish) > 5 }
        let health = try relay.http("/health").json
        for link in health["links"]?.elements ?? [] {
            let text = link["refused"]?["PING with an argument"]?.text
            #expect(text?.contains(answer.contains("ERR") ? "ERR wrong" : "PONG") == true, "\(text ?? "nothing")")
        }
        #expect(fake.connectionsMade == 2 && client.status.outages == 0)
        try relay.stop()
    }

    /// Messages arrive all the time, so the link is never quiet.
    @Test func anAnswerThatIsLostAmongMessagesIsFoundOut() throws {
        let scene = try Scene(["--link-timeout", "1500ms", "--probe", "off"])
        let (client, plain) = (try scene.relay.client(), try scene.redis.client())
        #expect(try client.subscribe("c") == .ok)
        var outcomes: [HubrelayOutcome] = []
        scene.proxy.swallow(on: .subscribe) { $0.isPong }
        try expectToBeFoundOut(gaps: 1)
        scene.proxy.swallow(on: .subscribe) { $0.isSubscription }
        try client.send(.subscribe(["new"], id: 77))
        try expectToBeFoundOut(gaps: 2)
        #expect(outcomes == [.pending])
        #expect(try plain.subscribers(of: "t:new") == 1)

        func expectToBeFoundOut(gaps: UInt64) throws {
            var reasons: [String] = []
            try eventually("\(gaps) gaps, and UP") {
                try plain.publish("t:c", "x")
                while let frame = try client.nextIfAny(within: 0.02) {
                    if case .status(let status) = frame.frame { reasons.append(status.reason) }
                    if case .reply(let reply) = frame.frame { outcomes.append(reply.outcome) }
                }
                return client.status.gaps == gaps && client.status.state == .up
            }
            let reason = reasons.first ?? ""
            #expect(reason.contains("reply to another") || reason.contains("not requested"), "\(reason)")
        }
        try scene.relay.stop()
    }

    /// Publishes, with up to 500 unanswered at a time.
    private func publish(with ledger: PublishLedger, until isOver: () -> Bool) throws {
        let deadline = TestDeadline()
        while !isOver() {
            if deadline.isOver { throw TestFailure("\(ledger.sent) sent, \(ledger.states)") }
            if Int(ledger.sent) - ledger.outcomes.count < 500 { try ledger.send(10) }
            try ledger.readWhatIsThere()
        }
    }
}
