import Glibc
import TestSupport
import Testing

/// Redis closes a subscriber that does not read fast enough (`client-output-buffer-limit pubsub`). Nobody can count
/// what Redis dropped.
@Suite struct OutputLimitTests {
    @Test func aSubscriberThatRedisCutsIsToldOfAGapAndOfNoCount() throws {
        try withRelay { relay, redis in
            let plain = try redis.client()
            try plain.run("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 1mb 0")
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            let filling = String(repeating: "x", count: 10_000)
            // The relay gets no CPU time, so Redis's output to it piles up.
            relay.process.signal(SIGSTOP)
            var published = 0
            while try !plain.channelsOfSubscribers().isEmpty, published < 4000 {
                try plain.publish("t:c", (published..<published + 50).map { Array("\($0) \(filling)".utf8) })
                published += 50
            }
            #expect(published < 4000, "Redis has not cut it")
            relay.process.signal(SIGCONT)

            let frames = try client.collect(untilState: .up)
            #expect(frames.allSatisfy { $0.loss == HubrelayLoss() }, "a count that nobody can know")
            let statuses = frames.map(\.status).filter { $0 != HubrelayStatus() }
            #expect(statuses.map(\.state) == [.degraded, .up])
            #expect(statuses.first?.cause == .closed)
            #expect(client.status.gaps == 1 && client.status.outages == 1)
            // No message is missing before the cut.
            let numbers = frames.map { $0.message.text.prefix { $0 != " " } }.filter { !$0.isEmpty }
            #expect(numbers.elementsEqual((0..<numbers.count).map { "\($0)" }, by: ==))
            #expect(numbers.count < published)
            #expect(try relay.sum(of: "hubrelay_messages_lost_total") == 0)

            for number in 0..<100 { try plain.publish("t:c", "\(number)") }
            for number in 0..<100 { #expect(try client.expectMessage().text == "\(number)") }
        }
    }
}
