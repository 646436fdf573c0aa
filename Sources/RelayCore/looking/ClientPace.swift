/// How much comes of a connection in a second, and goes to it: from one look to a later one. Nothing is worked out between
/// them, and whoever looks does not disturb others who do, as a look counts only when the last one is a second old.
struct ClientPace {
    private(set) var publishedPerSecond = 0.0
    private(set) var deliveredPerSecond = 0.0
    /// The counts at the last look that counted.
    private var published: UInt64 = 0
    private var delivered: UInt64 = 0
    /// When that was; nil: nobody has looked.
    private var lookedAt: UInt64?

    /// Nanoseconds.
    private static let leastInterval: UInt64 = 1_000_000_000

    /// - Parameters:
    ///   - openedAt: before the first look, the time since then counts.
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
