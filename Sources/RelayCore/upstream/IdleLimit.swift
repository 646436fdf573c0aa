/// How long the server, or something on the way to it, lets a connection be silent before it ends it: Redis's `timeout`, or
/// an idle limit of a proxy. The heartbeat has to come before that.
///
/// Redis tells its own, where it is asked and may be. Otherwise it is found out: by the second connection in a row that
/// lasts, and is ended after a silence that is long for the heartbeat.
package struct IdleLimit: Sendable {
    private let configured: UInt64
    /// What the server's own limit allows; nil when it has none, or does not tell it.
    private var told: UInt64?
    private var foundOut: UInt64?
    /// How long the last connection was silent before it was ended, if it was for that.
    private var lastSilence: UInt64?

    /// The heartbeat is never more often than this many times what is configured.
    private static let mostPings: UInt64 = 8

    /// - Parameter heartbeat: nanoseconds, as configured.
    package init(heartbeat: UInt64) { configured = heartbeat }

    /// Nanoseconds of silence after which a PING is due.
    package var heartbeat: UInt64 {
        max(configured / Self.mostPings, min(configured, told ?? configured, foundOut ?? configured))
    }

    /// A connection can be used.
    /// - Parameter timeout: the server's own, in seconds, 0 for none; nil when it is not known.
    package mutating func established(told timeout: UInt64?) {
        told = timeout.flatMap { $0 > 0 && $0 < 1_000_000 ? $0 * 1_000_000_000 / 2 : nil }
    }

    /// An attempt has failed, or a connection has ended for another reason: what comes after it is another story.
    package mutating func failed() { lastSilence = nil }

    /// The other end has closed a connection that was in use.
    /// - Returns: what to add to the reason for people, if it looks like an idle limit.
    package mutating func closed(after silence: UInt64) -> String? {
        guard silence >= heartbeat / 4 else {
            lastSilence = nil
            return nil
        }
        defer { lastSilence = silence }
        guard let lastSilence else { return nil }
        foundOut = min(lastSilence, silence, heartbeat) / 2
        return
            " after \(silence / 1_000_000) ms of silence, as it did before: Redis's timeout, or an idle limit on the "
            + "way, is too small for --heartbeat-interval; the relay now sends a PING after \(heartbeat / 1_000_000) ms"
    }
}
