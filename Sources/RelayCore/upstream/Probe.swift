/// The relay's own message on its own channel, published on one link and heard on the other. It proves that the whole
/// path works, which a connected socket does not.
///
///     idle ──► published ──► answered ──► behind ──► due ──► overdue
///
/// Each step follows Redis's answer to the one before: to the PUBLISH, and then to a PING on the link that should have
/// heard the message. There may be seconds of output of Redis for that link, and the relay cannot see how much. But its
/// replies come in order: when the PING is answered, everything before the answer has been read. Only then the deadline
/// begins.
///
/// The links have timeouts for what a probe waits for before that, and find out why it does not come. But a probe does
/// not wait without end, either: after the longest time that a link allows for an answer, the path counts as not
/// working.
package struct Probe: Sendable {
    package enum Action: Equatable, Sendable {
        case none
        case publish(number: UInt64)
        /// Send a PING on the subscribe link, and call `backlogRead` when it is answered.
        case pingSubscribeLink
        case fail(LinkFailure)
    }

    private enum Phase: Equatable {
        case idle(due: UInt64)
        case published(at: UInt64)
        /// Redis has answered the PUBLISH. Nearly always the message comes before the next tick, and no PING is needed.
        case answered(publishedAt: UInt64, isTicked: Bool)
        /// The PING is under way.
        case behind(publishedAt: UInt64)
        /// Everything has been read that Redis had for the subscribe link when it answered the PUBLISH.
        case due(publishedAt: UInt64, since: UInt64)

        var publishedAt: UInt64? {
            switch self {
            case .idle: nil
            case .published(let at), .answered(let at, _), .behind(let at), .due(let at, _): at
            }
        }
    }

    /// Nanoseconds between probes, spread by 20 % either way; nil if there are no probes.
    private let interval: UInt64?
    /// For how many nanoseconds a probe may be due.
    private let deadline: UInt64
    private var number: UInt64
    private var phase = Phase.idle(due: 0)
    private var isSuspect = false
    /// Nanoseconds since the probe was published in which the loop did not run; they do not count.
    private var forgiven: UInt64 = 0
    /// Why there is no probe although it is wanted: an ACL denies its channel. nil if there is no such reason.
    package private(set) var unavailable: String?
    /// Nanoseconds from publishing to hearing, of the last probe that came back.
    package private(set) var lastRoundTrip: UInt64?

    /// - Parameter firstNumber: far from the numbers of other nodes' probes, which may be heard on the same channel.
    package init(interval: UInt64?, deadline: UInt64, firstNumber: UInt64 = 0) {
        (self.interval, self.deadline, number) = (interval, deadline, firstNumber)
    }

    /// Whether there should be probes, if Redis allows them.
    package var isWanted: Bool { interval != nil }
    package var isEnabled: Bool { interval != nil && unavailable == nil }

    /// A link has come back, or there is a reason for doubt: the next probe is due now, and an older one does not count
    /// any more.
    package mutating func demand() {
        phase = .idle(due: 0)
        isSuspect = false
    }

    /// There is a reason for doubt: the next probe is due now, unless one is under way.
    package mutating func hasten() { if case .idle = phase { phase = .idle(due: 0) } }

    /// Called several times a second while both links are ready.
    package mutating func tick(now: UInt64) -> Action {
        guard isEnabled else { return .none }
        switch phase {
        case .idle(let due):
            guard now >= due else { return .none }
            number += 1
            phase = .published(at: now)
            (forgiven, isSuspect) = (0, false)
            return .publish(number: number)
        case .published(let at): return fail(after: AnswerClock.longestAnswer, since: at, now: now)
        case .behind(let at):
            return fail(after: AnswerClock.longestAnswer + AnswerClock.longestPayload, since: at, now: now)
        case .answered(let publishedAt, let isTicked):
            phase = isTicked ? .behind(publishedAt: publishedAt) : .answered(publishedAt: publishedAt, isTicked: true)
            return isTicked ? .pingSubscribeLink : .none
        case .due(_, let since):
            guard isOver(now - since >= deadline) else { return .none }
            return fail("published messages do not come back (probe overdue)")
        }
    }

    /// - Parameter deadlines: for how many times the deadline the probe may be under way.
    private mutating func fail(after deadlines: UInt64, since: UInt64, now: UInt64) -> Action {
        guard isOver(now - min(now, since + forgiven) >= deadline * deadlines) else { return .none }
        return fail("a probe has been under way for over \(deadline * deadlines / 1_000_000) ms")
    }

    private mutating func isOver(_ isOver: Bool) -> Bool {
        if !isOver { isSuspect = false }
        return isOver
    }

    private mutating func fail(_ reason: String) -> Action {
        // What the probe waits for may be in the socket: it fails only at the next tick.
        defer { isSuspect = true }
        return isSuspect ? .fail(LinkFailure(cause: .probe, reason: reason)) : .none
    }

    /// When the probe that is under way was published; nil if there is none.
    package var underWaySince: UInt64? { phase.publishedAt }

    /// Redis has answered the PUBLISH of probe `number`.
    package mutating func answered(number: UInt64) {
        guard number == self.number, case .published(let at) = phase else { return }
        isSuspect = false
        phase = .answered(publishedAt: at, isTicked: false)
    }

    /// Redis has answered the PING on the subscribe link.
    package mutating func backlogRead(now: UInt64) {
        guard case .behind(let publishedAt) = phase else { return }
        isSuspect = false
        phase = .due(publishedAt: publishedAt, since: now)
    }

    /// Probe `number` has come back.
    /// - Returns: the round trip in nanoseconds; nil if this is not the probe that is waited for.
    package mutating func heard(
        number: UInt64, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> UInt64? {
        guard number == self.number, let interval, let publishedAt = phase.publishedAt else { return nil }
        isSuspect = false
        phase = .idle(
            due: now + UInt64.random(in: (interval - interval / 5)...(interval + interval / 5), using: &random))
        lastRoundTrip = now - publishedAt
        return lastRoundTrip
    }

    /// Redis could not take the probe this time. This proves nothing, and the next probe is due after the interval.
    package mutating func failed(now: UInt64) {
        guard let interval, case .published = phase else { return }
        phase = .idle(due: now + interval)
    }

    /// Redis does not allow probes: the relay does without them.
    package mutating func refused(_ reason: String) { unavailable = reason }

    /// Probes may be allowed by now, for example since a link is new.
    package mutating func allow() { unavailable = nil }

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) {
        forgiven += nanoseconds
        guard case .due(let publishedAt, let since) = phase else { return }
        phase = .due(publishedAt: publishedAt, since: min(now, since + nanoseconds))
    }
}
