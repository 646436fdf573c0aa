/// When a relay that is to take a path over asks the one that serves it to stop, and when it gives up.
///
/// It comes UP first, so that apps find a relay that works. If it is not UP in time, the other one is never asked: a path
/// that is served changes hands only for the better.
package struct TakeOver: Sendable {
    package enum Step: Sendable, Equatable {
        case wait
        /// The other relay is to be asked to stop; `hasAsked` says when that is done.
        case ask
        case giveUp
    }

    private let timeout: UInt64
    private var deadline: Deadline
    /// Whether the other relay has been asked to stop.
    package private(set) var isAsked = false

    /// - Parameter timeout: nanoseconds to come UP and to ask, and once more for the other relay to leave.
    package init(timeout: UInt64, now: UInt64) {
        self.timeout = timeout
        deadline = Deadline(after: timeout, from: now)
    }

    /// What is to be done now, while the path is the other relay's.
    package func step(isUp: Bool, now: UInt64) -> Step {
        if deadline.isOver(now: now) { return .giveUp }
        return isUp && !isAsked ? .ask : .wait
    }

    /// The other relay has been asked to stop.
    package mutating func hasAsked(now: UInt64) {
        isAsked = true
        deadline = Deadline(after: timeout, from: now)
    }

    /// Our own loop stood still for so many nanoseconds.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) { deadline.forgive(nanoseconds, now: now) }
}
