internal import RelayCore

/// How late the loop is: what has passed beyond the time from tick to tick.
struct LoopLag {
    /// Nanoseconds from tick to tick.
    let interval: UInt64
    /// Every tick, by how late it was.
    private(set) var ofTicks = Histogram()
    private var tickedAt: UInt64 = 0
    private var noticedAt: UInt64 = 0
    /// Of the latest tick of the window under way, and of the one before.
    private var (longestOfWindow, longestBefore): (UInt64, UInt64) = (0, 0)
    private var windowBeganAt: UInt64 = 0

    /// Nanoseconds.
    private static let window: UInt64 = 60_000_000_000

    init(interval: UInt64) { self.interval = interval }

    /// The loop begins to run. Nothing is late before that.
    mutating func start(now: UInt64) { (tickedAt, noticedAt, windowBeganAt) = (now, now, now) }

    /// How late the latest tick of the last minute was, or of the last two. A window of time, and not since somebody has
    /// asked: so whoever asks sees it, and takes it from nobody else.
    var longest: UInt64 { max(longestOfWindow, longestBefore) }

    /// A tick has come.
    mutating func ticked(now: UInt64) {
        let late = lag(since: tickedAt, now: now)
        tickedAt = now
        ofTicks.record(late)
        if now - windowBeganAt >= Self.window {
            longestBefore = now - windowBeganAt < 2 * Self.window ? longestOfWindow : 0
            (longestOfWindow, windowBeganAt) = (0, now)
        }
        longestOfWindow = max(longestOfWindow, late)
    }

    /// For how many nanoseconds the loop has stood still since this was asked last; 0 when it has not. Asked again at once,
    /// it has not: no time counts twice.
    mutating func takeStall(now: UInt64) -> UInt64 {
        defer { noticedAt = now }
        return lag(since: noticedAt, now: now)
    }

    private func lag(since: UInt64, now: UInt64) -> UInt64 {
        let passed = now - since
        return passed > interval ? passed - interval : 0
    }
}
