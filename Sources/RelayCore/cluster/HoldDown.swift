/// While the slots of a cluster are being moved, subscriptions break and come back every few milliseconds. This type
/// keeps the path from being reported as whole each time, as routers hold down a route that flaps. It also keeps a gap
/// from being reported each time, since after a gap all apps read everything again.
///
/// The first break is reported at once, and so is its end. Breaks that follow within a second make one outage. It lasts
/// until there is no break for a second, or for ten seconds in all.
package struct HoldDown: Sendable {
    /// Nanoseconds.
    private static let (quiet, longest): (UInt64, UInt64) = (1_000_000_000, 10_000_000_000)

    private var brokeAt: UInt64 = 0
    private var wholeAt: UInt64?
    /// The time since which breaks and recoveries alternate; nil if they do not.
    private var heldSince: UInt64?
    private var gapCountedAt: UInt64?
    /// Whether there is a gap that has not been counted.
    package private(set) var owesGap = false

    package init() {}

    /// Names are missing because they have moved or were lost.
    package mutating func missing(now: UInt64) {
        brokeAt = now
        if heldSince == nil, let wholeAt, now < wholeAt + Self.quiet { heldSince = now }
    }

    /// Subscriptions that were in force have ended.
    package mutating func broke(now: UInt64) {
        (owesGap, brokeAt) = (true, now)
    }

    /// Nothing is missing any more.
    /// - Returns: whether this counts already.
    package mutating func mayBeWhole(now: UInt64) -> Bool {
        if let heldSince, now < brokeAt + Self.quiet, now < heldSince + Self.longest { return false }
        (heldSince, wholeAt) = (nil, now)
        return true
    }

    /// Whether a gap must be counted now. If so, it is regarded as counted.
    /// - Parameter isReceiving: whether everything is heard, or was at the last report. A path that is reported as not
    ///   whole needs only one gap at the end, or one from time to time.
    package mutating func countsGap(isReceiving: Bool, now: UInt64) -> Bool {
        let isDue = isReceiving || gapCountedAt.map { now >= $0 + Self.longest } ?? true
        guard owesGap, isDue else { return false }
        (owesGap, gapCountedAt) = (false, now)
        return true
    }
}
