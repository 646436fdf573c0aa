/// Durations in fixed buckets, as Prometheus wants them.
package struct Histogram: Sendable {
    /// Upper bounds in nanoseconds, ascending; the last bucket has none.
    package static let bounds: [UInt64] = [
        100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
        250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000,
    ]
    /// How many durations are in each bucket. There is one bucket more than there are bounds.
    package private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// Nanoseconds.
    package private(set) var sum: UInt64 = 0

    package init() {}

    package mutating func record(_ nanoseconds: UInt64) {
        sum += nanoseconds
        counts[Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count] += 1
    }
}
