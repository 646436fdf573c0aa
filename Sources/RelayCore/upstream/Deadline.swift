/// A time by which somebody else must have done something.
///
/// Time in which the relay itself did not run counts toward no such timeout, since the relay did not read what others
/// did in it. The deadline moves by this time and no more, so that a relay that stops again and again still finds out
/// failures. It never moves beyond the full allowance from now, since it may have been set only after the relay went
/// on.
package struct Deadline: Sendable, Equatable {
    /// Monotonic nanoseconds.
    package private(set) var at: UInt64
    private let allowance: UInt64

    /// - Parameter allowance: nanoseconds from now on.
    package init(after allowance: UInt64, from now: UInt64) { (at, self.allowance) = (now + allowance, allowance) }

    package func isOver(now: UInt64) -> Bool { now >= at }

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) { at = min(now + allowance, at + nanoseconds) }
}
