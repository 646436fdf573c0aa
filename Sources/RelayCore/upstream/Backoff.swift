/// How long to wait before the next attempt to reach Redis: exponential, with full jitter, so that a fleet of relays
/// that lost the same server does not come back at the same moment.
package struct Backoff: Sendable {
    /// Nanoseconds. The first wait is at most `minimum`; it doubles up to `maximum`.
    package var minimum: UInt64
    package var maximum: UInt64
    /// The maximum after an answer that will not change soon (AUTH, maxclients, LOADING, NOPERM).
    package var maximumAfterRefusal: UInt64
    private var attempts: UInt64 = 0

    package init(minimum: UInt64, maximum: UInt64, maximumAfterRefusal: UInt64) {
        (self.minimum, self.maximum, self.maximumAfterRefusal) = (minimum, maximum, maximumAfterRefusal)
    }

    /// Nanoseconds to wait after one more failure.
    package mutating func next(
        afterRefusal: Bool, using random: inout some RandomNumberGenerator
    ) -> UInt64 {
        let base = afterRefusal ? max(minimum, maximum) : minimum
        let limit = afterRefusal ? maximumAfterRefusal : maximum
        let window = min(limit, base << min(attempts, 20))
        attempts += 1
        return UInt64.random(in: 0...max(1, window), using: &random)
    }

    /// The link has stayed up: the next failure starts with the shortest wait again.
    package mutating func reset() { attempts = 0 }
}
