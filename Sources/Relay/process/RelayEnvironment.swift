internal import EventLoop
internal import Logging
internal import RelayCore
internal import TLS

/// What a relay needs from the process that it is part of. It knows nothing else about the process, or about other
/// relays in it.
protocol RelayEnvironment: AnyObject {
    var loop: Loop { get }
    var logger: Logger { get }
    /// For lines that others can cause as often as they like.
    var limitedLog: LimitedLog { get }
    /// How many descriptors there are for each purpose.
    var descriptors: DescriptorBudget { get }
    /// What secures an attempt to connect to Redis, read again if its files have changed; nil without TLS.
    func tlsForAttempt() -> TLSContext?

    /// Checks whether the loop has stood still. Time in which it did not run counts toward no timeout for the silence
    /// of others. Call this before any such timeout is checked, even one with a timer of its own: after a stall that
    /// timer may fire before the tick.
    ///
    /// The stop timeout is not extended. It is our own, and the process that stops us relies on it.
    func noticeLag()
    /// Makes the loop take another turn at once.
    func wakeUp()
    /// A relay is UP for the first time. Called once for each relay.
    func relayHasBeenUp()
    /// A relay cannot do what it was started for: the process ends in order, with this exit code.
    func stopRequested(by reason: String, exitCode: Int32)
}
