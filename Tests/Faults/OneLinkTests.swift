import TestSupport
import Testing

/// Redis closes one of the relay's two connections, and leaves the other open.
@Suite struct OneLinkTests {
    @Test func everyPublishIsTakenWhileTheSubscribeLinkIsAway() throws {
        try withRelay { relay, redis in
            let plain = try redis.client()
            let ledger = PublishLedger(try relay.client(), channel: "c")
            let reader = try relay.client()
            #expect(try reader.subscribe("held", patterns: ["held.*"]) == .ok)
            try publish(with: ledger, rounds: 20)
            // The link is away for as long as the test wants.
            try redis.refuseNewClients(true, through: plain)
            try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
            try publish(with: ledger, until: .degraded)
            #expect(ledger.client.status.publishing && !ledger.client.status.receiving)
            try publish(with: ledger, rounds: 50)
            try redis.refuseNewClients(false, through: plain)
            try publish(with: ledger, until: .up)
            #expect(try plain.subscribers(of: "t:held") == 1)
            #expect(try plain.patterns() == 1)
            try ledger.settle()
            #expect(ledger.faults.isEmpty && ledger.kinds == [.ok])
            #expect(ledger.states == [.degraded, .up])
            #expect(ledger.client.status.gaps == 1 && ledger.client.status.outages == 1)
            try reader.collect(untilState: .up)
            try plain.publish("t:held", "x")
            #expect(try reader.expectMessage().text == "x")
        }
    }

    @Test func everyMessageArrivesWhileThePublishLinkIsAway() throws {
        try withRelay { relay, redis in
            let plain = try redis.client()
            let ledger = PublishLedger(try relay.client(), channel: "own")
            let reader = try relay.client()
            #expect(try reader.subscribe("c") == .ok)
            let elsewhere = Elsewhere(plain: plain, ledger: ledger)
            try elsewhere.publish(rounds: 20)
            try redis.refuseNewClients(true, through: plain)
            // The client that asks for this stays connected.
            try plain.run("CLIENT", "KILL", "TYPE", "normal")
            try elsewhere.publish(until: .degraded)
            #expect(!ledger.client.status.publishing && ledger.client.status.receiving)
            let known = ledger.sent
            try elsewhere.publish(rounds: 20)
            try ledger.settle()
            #expect((known + 1...ledger.sent).allSatisfy { ledger.outcomes[$0] == .notConnected })
            try redis.refuseNewClients(false, through: plain)
            try elsewhere.publish(until: .up)
            let back = ledger.sent
            try elsewhere.publish(rounds: 20)
            try ledger.settle()
            #expect((back + 1...ledger.sent).allSatisfy { ledger.outcomes[$0] == .ok })
            #expect(ledger.faults.isEmpty && ledger.states == [.degraded, .up])
            #expect(ledger.client.status.outages == 1 && ledger.client.status.gaps == 0)
            try expectNumbers(elsewhere.published, at: reader)
        }
    }

    /// A plain client of Redis that publishes numbers, while the relay's own client publishes with ids.
    private final class Elsewhere {
        let plain: RedisClient
        let ledger: PublishLedger
        private(set) var published = 0

        init(plain: RedisClient, ledger: PublishLedger) { (self.plain, self.ledger) = (plain, ledger) }

        func publish(rounds: Int) throws {
            for _ in 0..<rounds {
                try plain.publish("t:c", (published..<published + 10).map { Array("\($0)".utf8) })
                published += 10
                try ledger.send(5)
                try ledger.readWhatIsThere()
            }
        }

        func publish(until state: HubrelayState) throws {
            let deadline = TestDeadline()
            while ledger.states.last != state {
                if deadline.isOver { throw TestFailure("no \(state), but \(ledger.states)") }
                try publish(rounds: 1)
            }
        }
    }

    private func publish(with ledger: PublishLedger, rounds: Int) throws {
        for _ in 0..<rounds {
            try ledger.send(10)
            try ledger.readWhatIsThere()
        }
    }

    private func publish(with ledger: PublishLedger, until state: HubrelayState) throws {
        let deadline = TestDeadline()
        while ledger.states.last != state {
            if deadline.isOver { throw TestFailure("no \(state), but \(ledger.states)") }
            try publish(with: ledger, rounds: 1)
        }
    }

    /// Checks that the messages are numbered from 0 without a gap; Status frames may come between them.
    private func expectNumbers(_ count: Int, at reader: TestConnection) throws {
        var number = 0
        while number < count {
            let frame = try reader.next()
            if case .status = frame.frame { continue }
            guard frame.message.text == "\(number)" else {
                throw TestFailure("expected message \(number) of \(count), got \(frame.summary)")
            }
            number += 1
        }
    }
}
