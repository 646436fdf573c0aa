/// How long the server, or something on the way to it, allows a connection to be silent before closing it: Redis's
/// `timeout`, or an idle limit of a proxy. The heartbeat has to come before that.
///
/// Redis reports its own limit if the relay asks for it and is allowed to. Otherwise the relay finds the limit out from
/// the second connection in a row that lasts and is closed after a silence of at least a quarter of the heartbeat.
package struct IdleLimit: Sendable {
    private let configured: UInt64
    /// The heartbeat that the server's own limit allows; nil if the server has no limit, or does not report it.
    private var told: UInt64?
    private var foundOut: UInt64?
    /// How long the last connection was silent before it was closed, if the silence seems to be the reason.
    private var lastSilence: UInt64?

    /// The heartbeat is at most this many times as frequent as configured.
    private static let mostPings: UInt64 = 8

    /// - Parameter heartbeat: nanoseconds, as configured.
    package init(heartbeat: UInt64) { configured = heartbeat }

    /// Nanoseconds of silence after which a PING is due.
    package var heartbeat: UInt64 {
        max(configured / Self.mostPings, min(configured, told ?? configured, foundOut ?? configured))
    }

    /// A connection can be used.
    /// - Parameter timeout: the server's own limit in seconds, 0 for no limit; nil if it is not known.
    package mutating func established(told timeout: UInt64?) {
        told = timeout.flatMap { $0 > 0 && $0 < 1_000_000 ? $0 * 1_000_000_000 / 2 : nil }
    }

    /// An attempt has failed, or a connection has ended for another reason: the last silence does not count any more.
    package mutating func failed() { lastSilence = nil }

    /// The peer has closed a connection that was in use.
    /// - Returns: what to add to the reason for people, if it looks like an idle limit; nil otherwise.
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
