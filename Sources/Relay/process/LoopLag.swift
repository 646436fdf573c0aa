internal import RelayCore

/// How late the loop is: the time from one tick to the next, minus the interval of ticks.
struct LoopLag {
    /// Nanoseconds from tick to tick.
    let interval: UInt64
    /// How late the ticks were, all of them.
    private(set) var ofTicks = Histogram()
    private var tickedAt: UInt64 = 0
    private var noticedAt: UInt64 = 0
    /// The largest lag in the current window, and in the window before it.
    private var (longestOfWindow, longestBefore): (UInt64, UInt64) = (0, 0)
    private var windowBeganAt: UInt64 = 0

    /// Nanoseconds.
    private static let window: UInt64 = 60_000_000_000

    init(interval: UInt64) { self.interval = interval }

    /// The loop begins to run. Lag counts from here on.
    mutating func start(now: UInt64) { (tickedAt, noticedAt, windowBeganAt) = (now, now, now) }

    /// The largest lag of the last one to two minutes. It covers a window of time, not the time since somebody last
    /// read it. So every reader sees it, and none takes it away from others.
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

    /// For how many nanoseconds the loop has stood still since the last call; 0 if it has not. No time counts twice: a
    /// second call right after the first returns 0.
    mutating func takeStall(now: UInt64) -> UInt64 {
        defer { noticedAt = now }
        return lag(since: noticedAt, now: now)
    }

    private func lag(since: UInt64, now: UInt64) -> UInt64 {
        let passed = now - since
        return passed > interval ? passed - interval : 0
    }
}
