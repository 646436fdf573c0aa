internal import EventLoop
internal import Logging
internal import RelayCore
internal import TLS

/// What a relay needs of the process that it is part of. It knows nothing else of it, nor of other relays there.
protocol RelayEnvironment: AnyObject {
    var loop: Loop { get }
    var logger: Logger { get }
    /// For lines that somebody outside can cause as often as they like.
    var limitedLog: LimitedLog { get }
    /// How many descriptors there are for what.
    var descriptors: DescriptorBudget { get }
    /// What an attempt to connect to Redis is secured with, read again if its files have changed; nil without TLS.
    func tlsForAttempt() -> TLSContext?

    /// The loop may have stood still: that counts toward no timeout of somebody else's silence. To be called before any is
    /// judged, also one that has a timer of its own, which after a stall may come before the tick.
    ///
    /// The stop timeout is another matter. It is ours, and whoever stops us relies on it: it is not put off.
    func noticeLag()
    /// Makes the loop take another turn at once.
    func wakeUp()
    /// A relay is UP, or has been before.
    func relayHasBeenUp()
    /// A relay cannot do what it was started for: the process ends in order, with this exit code.
    func stopRequested(by reason: String, exitCode: Int32)
}
