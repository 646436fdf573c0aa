/// The relay's own message on its own channel, published on one link and heard on the other: the proof that the whole
/// path works, which a connected socket is not.
package struct Probe: Sendable {
    package enum Action: Equatable, Sendable {
        case none
        case publish(number: UInt64)
        case fail(LinkFailure)
    }

    private enum Phase: Equatable {
        case idle(due: UInt64)
        case published(at: UInt64)
        /// Redis has answered the PUBLISH at `since`; now the message is due on the other link.
        case answered(publishedAt: UInt64, since: UInt64)
    }

    /// Nanoseconds between probes, spread by 20 % either way; nil: off.
    private let interval: UInt64?
    /// Nanoseconds after which an answered probe that was not heard is overdue.
    private let deadline: UInt64
    private var number: UInt64 = 0
    private var phase = Phase.idle(due: 0)
    private var isSuspect = false
    /// Why there is no probe although it is wanted: an ACL denies its channel.
    package private(set) var unavailable: String?
    /// Nanoseconds from publishing to hearing, of the last probe that came back.
    package private(set) var lastRoundTrip: UInt64?

    package init(interval: UInt64?, deadline: UInt64) { (self.interval, self.deadline) = (interval, deadline) }

    package var isEnabled: Bool { interval != nil && unavailable == nil }

    /// A link has come back, or there is cause for suspicion: the next one is due now, and an old one counts no more.
    package mutating func demand() {
        phase = .idle(due: 0)
        isSuspect = false
    }

    /// Called several times a second while both links are ready.
    /// - Parameter isDrained: whether the subscribe link has been read empty; a backlog there is lag, not silence.
    package mutating func tick(now: UInt64, isDrained: Bool) -> Action {
        guard isEnabled else { return .none }
        switch phase {
        case .idle(let due):
            guard now >= due else { return .none }
            number += 1
            phase = .published(at: now)
            return .publish(number: number)
        case .published: return .none  // the publish link has a deadline of its own
        case .answered(let publishedAt, let since):
            guard isDrained else {
                phase = .answered(publishedAt: publishedAt, since: now)
                isSuspect = false
                return .none
            }
            guard now - since >= deadline else { return .none }
            guard isSuspect else {
                isSuspect = true
                return .none
            }
            return .fail(
                LinkFailure(cause: .probe, reason: "what is published does not come back (probe overdue)"))
        }
    }

    /// Redis has answered the PUBLISH of probe `number`.
    package mutating func answered(number: UInt64, now: UInt64) {
        guard number == self.number, case .published(let at) = phase else { return }
        phase = .answered(publishedAt: at, since: now)
    }

    /// Probe `number` has come back.
    /// - Returns: the round trip in nanoseconds, or nil when this was not the one that is waited for.
    package mutating func heard(
        number: UInt64, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> UInt64? {
        guard number == self.number, let interval else { return nil }
        let publishedAt: UInt64
        switch phase {
        case .idle: return nil
        case .published(let at): publishedAt = at
        case .answered(let at, _): publishedAt = at
        }
        isSuspect = false
        phase = .idle(
            due: now + UInt64.random(in: (interval - interval / 5)...(interval + interval / 5), using: &random))
        lastRoundTrip = now - publishedAt
        return lastRoundTrip
    }

    /// The links cannot carry a probe: the relay does without.
    package mutating func refused(_ reason: String) { unavailable = reason }

    /// New links may be allowed what old ones were not.
    package mutating func allow() { unavailable = nil }

    /// Our own loop stood still: the deadline starts anew.
    package mutating func forgive(now: UInt64) {
        isSuspect = false
        if case .answered(let publishedAt, _) = phase { phase = .answered(publishedAt: publishedAt, since: now) }
    }
}
