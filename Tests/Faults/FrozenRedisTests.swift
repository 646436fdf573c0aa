import TestSupport
import Testing

/// Redis is stopped while its sockets stay open (SIGSTOP), and continues later (SIGCONT).
@Suite struct FrozenRedisTests {
    /// Seconds. This is a few times the deadline of `shortDeadlines`: what that deadline can find out is found out
    /// within this time on any machine.
    private static let budget = 10.0

    @Test func aFrozenRedisIsFoundOutWhileNothingIsSent() throws {
        try withRelay(options: shortDeadlines) { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            redis.freeze()
            try client.collect(untilState: .down, within: Self.budget)
            #expect(client.status.cause == .timeout)
            #expect(!client.status.publishing && !client.status.receiving)
            redis.thaw()
            try client.collect(untilState: .up)
            #expect(client.status.outages == 1 && client.status.gaps == 1)
            #expect(try client.publish("c", "x").receivers == 1, "the subscription of before is gone from Redis")
            #expect(try client.expectMessage().text == "x")
        }
    }

    @Test func whatWasInFlightIsInterruptedAndNeverAnsweredAgain() throws {
        try withRelay(options: shortDeadlines) { relay, redis in
            let ledgers = try (0..<3).map { PublishLedger(try relay.client(), channel: "flight.\($0)") }
            for ledger in ledgers {
                try ledger.send(50)
                try ledger.settle()
            }
            redis.freeze()
            for ledger in ledgers { try ledger.send(100) }
            for ledger in ledgers { try ledger.read(until: .down) }
            for ledger in ledgers {
                #expect(ledger.client.status.cause == .timeout)
                #expect(ledger.isSettled && ledger.count(of: .interrupted) == 100, "told before the Status")
                try ledger.send(30)
                try ledger.settle()
                #expect(ledger.count(of: .notConnected) == 30)
            }
            // Redis now answers what it was sent, on connections that no longer exist.
            redis.thaw()
            for ledger in ledgers { try ledger.read(until: .up) }
            for ledger in ledgers {
                try ledger.send(50)
                try ledger.settle()
                #expect(ledger.count(of: .ok) == 100)
                #expect(ledger.faults.isEmpty)
            }
        }
    }

    @Test func publishesWithoutAnIdAreReceivedOrCountedAndNoneTwice() throws {
        try withRelay(options: shortDeadlines) { relay, redis in
            // Redis keeps this subscriber all the time, so it gets every message that Redis takes.
            let plain = try redis.client()
            try plain.subscribe("t:c")
            let client = try relay.client()
            var sent = 0
            var (certain, unknown) = (0, 0)
            func sendAndRead() throws -> HubrelayState {
                sent += 1
                try client.send(.publish("c", "\(sent)", id: 0))
                while let frame = try client.nextIfAny(within: 0.005) {
                    certain += Int(frame.loss.publishes)
                    unknown += Int(frame.loss.publishesUnknown)
                }
                return client.status.state
            }
            for _ in 0..<20 { _ = try sendAndRead() }
            redis.freeze()
            let isFound = TestDeadline(within: Self.budget)
            while try sendAndRead() != .down {
                if isFound.isOver { throw TestFailure("a frozen Redis is not found out") }
            }
            let states = try (0..<20).map { _ in try sendAndRead() }
            #expect(states.allSatisfy { $0 == .down })
            redis.thaw()
            let isBack = TestDeadline()
            while try sendAndRead() != .up {
                if isBack.isOver { throw TestFailure("not UP again") }
            }
            #expect(try client.publish("c", "end").outcome == .ok)
            var numbers: [Int] = []
            while let number = Int(String(decoding: try plain.nextMessage().payload, as: UTF8.self)) {
                numbers.append(number)
            }
            #expect(Set(numbers).count == numbers.count, "published twice")
            // A Loss comes at most once a second, so some may still be missing.
            let lost = Int(try relay.sum(of: "hubrelay_publishes_lost_total"))
            while certain + unknown < lost {
                let loss = try client.next().loss
                certain += Int(loss.publishes)
                unknown += Int(loss.publishesUnknown)
            }
            #expect(certain > 0 && unknown > 0)
            #expect(numbers.count <= sent - certain, "of what was certainly not delivered, some was")
            #expect(numbers.count >= sent - certain - unknown, "some were lost, and nobody was told")
        }
    }
}
