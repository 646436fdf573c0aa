/// How much came and went in the last hour, for people who look later: what was counted in each interval.
package struct TrafficHistory: Sendable {
    package struct Counts: Equatable, Sendable {
        package var published: UInt64 = 0
        package var received: UInt64 = 0
        package var delivered: UInt64 = 0
        /// Messages that a connection did not get, and publishes without an id that were lost.
        package var lost: UInt64 = 0

        package init() {}

        package init(_ counters: Counters) {
            published = counters.publishes.total + counters.publishesUnacknowledged + counters.publishesLost.total
            received = counters.messagesReceived
            delivered = counters.messagesDelivered
            lost = counters.messagesLost.total + counters.publishesLost.total
        }

        static func - (later: Counts, earlier: Counts) -> Counts {
            var difference = later
            difference.published -= earlier.published
            difference.received -= earlier.received
            difference.delivered -= earlier.delivered
            difference.lost -= earlier.lost
            return difference
        }
    }

    package struct Sample: Equatable, Sendable {
        /// When the interval ended, milliseconds since 1970.
        package var unixMilliseconds: UInt64
        /// How long it was, in nanoseconds: longer if the relay did not run.
        package var duration: UInt64
        package var counts: Counts
    }

    /// Nanoseconds.
    package static let interval: UInt64 = 15_000_000_000
    package static let capacity = 240

    private var ring: [Sample] = []
    private var oldest = 0
    private var counts = Counts()
    private var sampledAt: UInt64

    /// - Parameter now: monotonic nanoseconds.
    package init(now: UInt64) { sampledAt = now }

    /// From the oldest to the latest.
    package var samples: [Sample] { Array(ring[oldest...] + ring[..<oldest]) }

    /// Takes a sample if one is due. To be called now and then.
    package mutating func tick(_ counters: Counters, now: UInt64, unixMilliseconds: @autoclosure () -> UInt64) {
        guard now >= sampledAt + Self.interval else { return }
        let latest = Counts(counters)
        let sample = Sample(
            unixMilliseconds: unixMilliseconds(), duration: now - sampledAt, counts: latest - counts)
        (counts, sampledAt) = (latest, now)
        guard ring.count == Self.capacity else { return ring.append(sample) }
        ring[oldest] = sample
        oldest = (oldest + 1) % Self.capacity
    }
}
