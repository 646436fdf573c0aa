import TestSupport
import Testing

/// Rule 7: slow readers.
@Suite struct SlowReaderTests {
    @Test func whatASlowReaderDoesNotTakeIsCountedExactlyAndInItsPlace() throws {
        try withRelay(options: ["--window", "64KiB"]) { relay, redis in
            let plain = try redis.client()
            let slow = try relay.client()
            let quick = try relay.client()
            #expect(try slow.subscribe("c") == .ok)
            #expect(try quick.subscribe("c") == .ok)
            var quickly = MessageAccount()
            var slowly = MessageAccount()

            // Far more than the socket and the window can hold, while the slow reader reads nothing.
            try publishNumbers(0..<6000, through: plain, keepingUp: quick, account: &quickly)
            #expect(quickly.received == 6000 && quickly.lost == 0, "another reader was touched")

            // The slow reader continues: it gets the messages that were held for it, then the Loss, then current
            // messages.
            while slowly.next < 6000 { try slowly.take(slow.next()) }
            #expect(slowly.next == 6000)
            #expect(slowly.lost > 0 && slowly.received > 0)
            #expect(slowly.losses == 1, "Losses with nothing between them are one")

            try publishNumbers(6000..<6200, through: plain, keepingUp: quick, account: &quickly)
            let lostBefore = slowly.lost
            while slowly.next < 6200 { try slowly.take(slow.next()) }
            #expect(slowly.lost == lostBefore, "it has caught up")
            #expect(
                try relay.metric("hubrelay_messages_lost_total{cause=\"slow_reader\"}") == Double(slowly.lost)
            )
        }
    }

    @Test func aReaderThatReadsNowAndThenAccountsForEveryMessage() throws {
        try withRelay(options: ["--window", "256KiB"]) { relay, redis in
            let plain = try redis.client()
            let reader = try relay.client()
            #expect(try reader.subscribe("c") == .ok)
            var account = MessageAccount()
            var nobody = MessageAccount()
            // Bursts of more than fits. After each, the reader reads less than the window, so Losses and messages
            // alternate while the window never gets empty.
            for burst in 0..<8 {
                try publishNumbers(burst * 2500..<(burst + 1) * 2500, through: plain, account: &nobody)
                for _ in 0..<400 { try account.take(reader.next()) }
            }
            while account.next < 20_000 { try account.take(reader.next()) }
            #expect(account.next == 20_000)
            #expect(account.losses > 1)
        }
    }

    @Test func anEmptyWindowTakesAnyOneFrame() throws {
        try withRelay(options: ["--window", "16KiB"]) { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            let payload = [UInt8](repeating: 66, count: 1_000_000)
            for _ in 0..<3 {
                try redis.client().publish(Array("t:c".utf8), payload)
                let isSame = try client.expectMessage().bytes == payload
                #expect(isSame, "another payload came")
            }
        }
    }
}
