import Testing

@testable import RelayCore

/// A generator that always returns the largest number.
private struct Highest: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}

@Suite struct BackoffTests {
    private let ms: UInt64 = 1_000_000

    private func backoff() -> Backoff {
        Backoff(minimum: 50 * ms, maximum: 500 * ms, maximumAfterRefusal: 5000 * ms)
    }

    /// The longest wait of each attempt, in milliseconds.
    private func longest(_ attempts: Int, afterRefusal: Bool, _ backoff: inout Backoff) -> [UInt64] {
        var highest = Highest()
        return (0..<attempts).map { _ in backoff.next(afterRefusal: afterRefusal, using: &highest) / ms }
    }

    @Test func doublesUpToTheMaximum() {
        var backoff = backoff()
        #expect(longest(6, afterRefusal: false, &backoff) == [50, 100, 200, 400, 500, 500])
    }

    @Test func isLongerAfterARefusal() {
        var backoff = backoff()
        #expect(longest(6, afterRefusal: true, &backoff) == [500, 1000, 2000, 4000, 5000, 5000])
    }

    @Test func neverExceedsItsMaximumHoweverOften() {
        var backoff = backoff()
        #expect(longest(200, afterRefusal: false, &backoff).last == 500)
        #expect(longest(200, afterRefusal: true, &backoff).last == 5000)
    }

    @Test func beginsAnewAfterAReset() {
        var backoff = backoff()
        _ = longest(10, afterRefusal: false, &backoff)
        backoff.reset()
        #expect(longest(2, afterRefusal: false, &backoff) == [50, 100])
    }

    @Test func theJitterIsFull() {
        var random = SeededGenerator(seed: 1)
        var backoff = backoff()
        _ = longest(10, afterRefusal: false, &backoff)
        let waits = (0..<2000).map { _ in backoff.next(afterRefusal: false, using: &random) }
        for tenth in 0..<10 as Range<UInt64> {
            let count = waits.count { $0 / (50 * ms) == tenth }
            #expect((130...280).contains(count), "\(count) waits in tenth \(tenth)")
        }
    }

    @Test func noWaitAtAllIsAllowed() {
        var backoff = Backoff(minimum: 0, maximum: 0, maximumAfterRefusal: 0)
        #expect(longest(3, afterRefusal: false, &backoff) == [0, 0, 0])
    }

    /// Hours as a maximum do not overflow.
    @Test func largeValuesDoNotTrap() {
        let day: UInt64 = 86_400_000 * ms
        var backoff = Backoff(minimum: day, maximum: day, maximumAfterRefusal: day)
        #expect(longest(100, afterRefusal: true, &backoff).allSatisfy { $0 <= day / ms })
    }
}
