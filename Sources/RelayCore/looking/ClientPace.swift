/// How much a connection sends and gets in a second: the average between two calls of `look`. Nothing is computed
/// between them. Several observers do not disturb each other, as a call counts only if the last one that counted is a
/// second old.
struct ClientPace {
    private(set) var publishedPerSecond = 0.0
    private(set) var deliveredPerSecond = 0.0
    /// The counts at the last call that counted.
    private var published: UInt64 = 0
    private var delivered: UInt64 = 0
    /// When that was; nil before the first call.
    private var lookedAt: UInt64?

    /// Nanoseconds.
    private static let leastInterval: UInt64 = 1_000_000_000

    /// - Parameters:
    ///   - openedAt: when the connection was opened; the first call counts the time since then.
    ///   - now: monotonic nanoseconds.
    mutating func look(published: UInt64, delivered: UInt64, openedAt: UInt64, now: UInt64) {
        let since = lookedAt ?? openedAt
        guard now >= since + Self.leastInterval else { return }
        let seconds = Double(now - since) / 1_000_000_000
        publishedPerSecond = Double(published - self.published) / seconds
        deliveredPerSecond = Double(delivered - self.delivered) / seconds
        (self.published, self.delivered, lookedAt) = (published, delivered, now)
    }
}
