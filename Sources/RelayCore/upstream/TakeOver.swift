/// When a relay that takes over a socket path asks the relay that serves it to stop, and when it gives up.
///
/// The new relay comes UP first, so that apps find a relay that works. If it is not UP in time, it never asks the old
/// one to stop: a socket path is taken over only by a relay that works.
package struct TakeOver: Sendable {
    package enum Step: Sendable, Equatable {
        case wait
        /// Ask the other relay to stop, and call `hasAsked` when this is done.
        case ask
        case giveUp
    }

    private let timeout: UInt64
    private var deadline: Deadline
    /// Whether the other relay has been asked to stop.
    package private(set) var isAsked = false

    /// - Parameter timeout: nanoseconds to come UP and to ask, and again for the other relay to leave.
    package init(timeout: UInt64, now: UInt64) {
        self.timeout = timeout
        deadline = Deadline(after: timeout, from: now)
    }

    /// What to do now, while the other relay serves the path.
    package func step(isUp: Bool, now: UInt64) -> Step {
        if deadline.isOver(now: now) { return .giveUp }
        return isUp && !isAsked ? .ask : .wait
    }

    /// The other relay has been asked to stop.
    package mutating func hasAsked(now: UInt64) {
        isAsked = true
        deadline = Deadline(after: timeout, from: now)
    }

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) { deadline.forgive(nanoseconds, now: now) }
}
