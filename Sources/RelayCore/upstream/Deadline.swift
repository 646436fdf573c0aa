/// A time by which somebody else has to have done something.
///
/// Time in which the relay itself did not run counts toward no such timeout: what the other one did meanwhile has not been
/// looked at. It is put off by that time, and by no more, so that a relay that stands still again and again finds out all
/// the same; and never to longer than if it were set now, since it may have been set only after the relay went on.
package struct Deadline: Sendable, Equatable {
    /// Monotonic nanoseconds.
    package private(set) var at: UInt64
    private let allowance: UInt64

    /// - Parameter allowance: nanoseconds from now on.
    package init(after allowance: UInt64, from now: UInt64) { (at, self.allowance) = (now + allowance, allowance) }

    package func isOver(now: UInt64) -> Bool { now >= at }

    /// Our own loop stood still for so many nanoseconds.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) { at = min(now + allowance, at + nanoseconds) }
}
