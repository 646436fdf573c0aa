import Testing

@testable import RelayCore

/// Hundreds of relays lose the same Redis at the same moment, with the default timings: how many attempts reach Redis
/// when it is back, and how soon each relay is connected.
@Suite struct FleetBackoffTests {
    private static let relays = 200

    /// Times in milliseconds at which attempts of `links` are made up to `end`, when every attempt before `back` fails
    /// and the first one after it succeeds.
    private func attempts(links: Int, back: UInt64, afterRefusal: Bool, seed: UInt64) -> [[UInt64]] {
        var random = SeededGenerator(seed: seed)
        return (0..<links).map { _ in
            var backoff = Backoff(minimum: 50.ms, maximum: 500.ms, maximumAfterRefusal: 5000.ms)
            var (now, times): (UInt64, [UInt64]) = (0, [])
            repeat {
                now += backoff.next(afterRefusal: afterRefusal, using: &random)
                times.append(now / 1.ms)
            } while now < back
            return times
        }
    }

    /// The most attempts that fall into any `width` milliseconds.
    private func densest(_ times: [UInt64], width: UInt64) -> Int {
        var counts: [UInt64: Int] = [:]
        for time in times { counts[time / width, default: 0] += 1 }
        return counts.values.max() ?? 0
    }

    /// Redis was away for that time: from a moment, in which every relay is still at its first attempts, to a minute.
    @Test(arguments: [200, 2000, 60_000] as [UInt64], [1, 2, 3] as [UInt64])
    func afterARestartTheAttemptsAreSpread(away: UInt64, seed: UInt64) {
        let attempts = attempts(links: 2 * Self.relays, back: away * 1.ms, afterRefusal: false, seed: seed)
        let waits = attempts.map { ($0.last ?? 0) - away }.sorted()
        #expect(waits.last ?? 0 <= 500, "the last is there after \(waits.last ?? 0) ms")
        #expect(waits[waits.count / 2] <= 300, "half are there after \(waits[waits.count / 2]) ms")
        // If all came at once, one interval would have all 400. If they were spread evenly, each would have 8.
        #expect(densest(waits, width: 10) <= 32, "\(densest(waits, width: 10)) in 10 ms")
    }

    /// While Redis rejects them (maxclients, LOADING), the relays ask it less than once a second for each link.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func whileRedisRefusesTheAttemptsAreFewAndSpread(seed: UInt64) {
        let links = 2 * Self.relays
        let attempts = attempts(links: links, back: 60_000.ms, afterRefusal: true, seed: seed)
        let settled = attempts.joined().filter { (15_000..<60_000).contains($0) }
        #expect(settled.count < 45 * links / 2, "\(settled.count) attempts in 45 s")
        #expect(densest(settled, width: 100) < links / 8, "\(densest(settled, width: 100)) in 100 ms")
    }
}
