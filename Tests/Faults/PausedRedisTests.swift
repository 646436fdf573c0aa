import TestSupport
import Testing

/// Redis answers nothing for a while, for less than the links' deadline, as during a failover (`CLIENT PAUSE`).
@Suite struct PausedRedisTests {
    @Test func aPauseKeepsTheOrderAndIsNoOutage() throws {
        // The pause must be far below the link timeout, also for a relay that gets little CPU time.
        try withRelay(options: ["--link-timeout", "15s"]) { relay, redis in
            let plain = try redis.client()
            let listener = try redis.client()
            for channel in ["t:c.0", "t:c.1"] { try listener.subscribe(channel) }
            let ledgers = try (0..<2).map { PublishLedger(try relay.client(), channel: "c.\($0)") }
            let reader = try relay.client()
            let taken = try secondsTaken {
                try plain.run("CLIENT", "PAUSE", "1500", "ALL")
                for _ in 0..<20 { for ledger in ledgers { try ledger.send(10) } }
                try reader.send(.subscribe(["c.0"], id: 1))
                #expect(try reader.ping() < 1)
                for ledger in ledgers { try ledger.settle() }
            }
            #expect(taken >= 1.4, "there was no pause")
            #expect(try reader.replyPuttingAside(id: 1).outcome == .ok)
            for ledger in ledgers {
                #expect(ledger.faults.isEmpty && ledger.kinds == [.ok])
                #expect(ledger.states.isEmpty, "a false alarm")
            }
            var last = ["t:c.0": 0, "t:c.1": 0]
            while last.values.contains(where: { $0 < 200 }) {
                let (channel, payload) = try listener.nextMessage()
                let number = Int(String(decoding: payload, as: UTF8.self))
                #expect(number == last[channel, default: 0] + 1)
                last[channel] = number
            }
            let status = try relay.client().status
            #expect(status.outages == 0 && status.gaps == 0)
        }
    }
}
