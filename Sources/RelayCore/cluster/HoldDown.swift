/// While the slots of a cluster are being moved, subscriptions break and are in force again every other millisecond. This
/// keeps the path from being told as whole each time, as routers hold down a route that flaps, and from being told as a gap
/// each time: for a gap everybody re-reads everything.
///
/// The first break is told at once, and so is that all is well again after it. Breaks that follow within a second make one
/// outage, which lasts until a second without any, or ten in all.
package struct HoldDown: Sendable {
    /// Nanoseconds.
    private static let (quiet, longest): (UInt64, UInt64) = (1_000_000_000, 10_000_000_000)

    private var brokeAt: UInt64 = 0
    private var wholeAt: UInt64?
    /// Since when it goes to and fro.
    private var heldSince: UInt64?
    private var gapCountedAt: UInt64?
    /// A gap has not been counted yet.
    package private(set) var owesGap = false

    package init() {}

    /// Names are missing that have moved, or were lost.
    package mutating func missing(now: UInt64) {
        brokeAt = now
        if heldSince == nil, let wholeAt, now < wholeAt + Self.quiet { heldSince = now }
    }

    /// Subscriptions that were in force have ended.
    package mutating func broke(now: UInt64) {
        (owesGap, brokeAt) = (true, now)
    }

    /// Nothing is missing any more.
    /// - Returns: whether that counts already.
    package mutating func mayBeWhole(now: UInt64) -> Bool {
        if let heldSince, now < brokeAt + Self.quiet, now < heldSince + Self.longest { return false }
        (heldSince, wholeAt) = (nil, now)
        return true
    }

    /// Whether a gap is to be counted now; it is then.
    /// - Parameter isReceiving: everything is heard, or was when that was told last. What is told as not whole is told as that,
    ///   and one gap at its end, or now and then, will do.
    package mutating func countsGap(isReceiving: Bool, now: UInt64) -> Bool {
        let isDue = isReceiving || gapCountedAt.map { now >= $0 + Self.longest } ?? true
        guard owesGap, isDue else { return false }
        (owesGap, gapCountedAt) = (false, now)
        return true
    }
}
