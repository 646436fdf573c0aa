import TestSupport
import Testing

/// Redis dies in the middle of a burst (`kill -9`) and is started again at once.
@Suite struct KilledRedisTests {
    @Test func everyIdOfABurstIsAnsweredOnceWhenRedisIsKilledAndStartedAgain() throws {
        try withRelay { relay, redis in
            let ledgers = try (0..<4).map { PublishLedger(try relay.client(), channel: "burst.\($0)") }
            let held = try hold(with: ledgers.map(\.client))
            for ledger in ledgers {
                try ledger.send(500)
                try ledger.settle()
            }
            // What a stopped Redis has been sent is in flight when it dies.
            redis.freeze()
            for ledger in ledgers {
                try ledger.send(100)
                try ledger.client.socket.waitUntilPeerHasRead()
            }
            redis.stop()
            for ledger in ledgers { try ledger.send(100) }
            try redis.start()
            // The burst continues until a little after UP is reported again.
            let deadline = TestDeadline()
            while ledgers[0].states.last != .up {
                if deadline.isOver { throw TestFailure("not UP again, but \(ledgers[0].states)") }
                for ledger in ledgers.reversed() {
                    try ledger.send(20)
                    try ledger.readWhatIsThere()
                }
            }
            // All names and the probe's channel, at this moment.
            let plain = try redis.client()
            #expect(try plain.channelsOfSubscribers() == [20_001] && plain.patterns() == 4)
            for ledger in ledgers.dropFirst() where ledger.states.last != .up { try ledger.read(until: .up) }
            #expect(try redis.client().subscribers(ofEach: held).allSatisfy { $0 == 1 })
            for ledger in ledgers { try ledger.send(100) }
            for ledger in ledgers {
                try ledger.settle()
                expectOneOutage(ledger)
            }
        }
    }

    /// Subscribes each client to 5000 channels and a pattern. These are so many that their restore takes several turns
    /// of the relay's loop.
    /// - Returns: the channels as Redis knows them.
    private func hold(with clients: [TestConnection]) throws -> [String] {
        var held: [String] = []
        for (number, client) in clients.enumerated() {
            let names = (0..<5000).map { "held.\(number).\($0)" }
            let request = HubrelayClientFrame.subscribe(names, patterns: ["held.\(number).*"], id: 1)
            #expect(try client.request(request, id: 1).outcome == .ok)
            held += names.map { "t:" + $0 }
        }
        return held
    }

    private func expectOneOutage(_ ledger: PublishLedger) {
        #expect(ledger.faults.isEmpty)
        #expect(ledger.count(of: .ok) >= 600)
        #expect(ledger.count(of: .interrupted) + ledger.count(of: .notConnected) >= 100)
        // The links break one after the other, so a state in which only one of them works may be reported before DOWN
        // or between DOWN and UP.
        #expect(ledger.states.contains(.down) && ledger.states.last == .up)
        #expect(ledger.states.filter { $0 == .up }.count == 1)
        #expect(ledger.client.status.outages == 1 && ledger.client.status.gaps == 1)
    }

    @Test func everyPublishWithoutAnIdIsReceivedOrInALoss() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            var plain = try redis.client()
            try plain.subscribe("t:c")
            try publish(1...300, client)
            try expectNumbers(1...300, at: plain)
            redis.freeze()
            try publish(301...600, client)
            redis.stop()
            var (certain, unknown) = (UInt64(0), UInt64(0))
            func note(_ frame: HubrelayRelayFrame) {
                certain += frame.loss.publishes
                unknown += frame.loss.publishesUnknown
            }
            try client.collect(untilState: .down).forEach(note)
            try publish(601...900, client)
            try redis.start()
            plain = try redis.client()
            try plain.subscribe("t:c")
            try client.collect(untilState: .up).forEach(note)
            try publish(901...1200, client)
            try expectNumbers(901...1200, at: plain)
            while certain + unknown < 600 { note(try client.next()) }
            #expect(certain == 300 && unknown == 300)
            #expect(try relay.sum(of: "hubrelay_publishes_lost_total") == 600, "some are counted and not told")
        }
    }

    private func publish(_ numbers: ClosedRange<Int>, _ client: TestConnection) throws {
        try client.send(raw: numbers.flatMap { HubrelayClientFrame.publish("c", "\($0)", id: 0).bytes })
        // The answer to Ping proves that the relay has handled them.
        try client.ping()
    }

    private func expectNumbers(_ numbers: ClosedRange<Int>, at plain: RedisClient) throws {
        for number in numbers {
            let payload = try plain.nextMessage().payload
            guard payload == Array("\(number)".utf8) else {
                throw TestFailure("expected \(number), got \(String(decoding: payload, as: UTF8.self))")
            }
        }
    }
}
