/// How long a link may go on without an answer.
///
/// A link that waits for an answer is dead if nothing shows for the link timeout that the peer lives. What counts as a
/// sign of life depends on the link:
///
/// - The publish link receives only answers. Bytes that do not complete an answer are not a sign of life.
/// - The other links receive messages as well. If Redis writes faster than the link reads, there may be seconds of
///   messages before an answer. This is lag, not an outage. So everything that comes is a sign of life on these links.
///   But if no answer has come for the link timeout, a second PING follows the first. Its answer shows which case it
///   is: after lag it comes in its turn, after the backlog; after a loss it comes although an earlier answer is
///   missing.
///
/// Nothing waits for ever: a command is given up after `longestAnswer` times the link timeout, even if earlier commands
/// were answered, or messages come. But one reply may have 64 MiB of payload and come over a slow network. So each MiB
/// of an incomplete reply adds one link timeout.
package struct AnswerClock: Sendable {
    /// The number of link timeouts after which a command without an answer is given up.
    package static let longestAnswer: UInt64 = 12
    /// The most link timeouts that are added for the MiB of large replies that come before an answer.
    package static let longestPayload: UInt64 = 64

    /// What counts as a sign that the peer lives.
    package enum Evidence: Sendable {
        case answers
        case bytes
    }

    package enum Verdict: Sendable, Equatable {
        case alive
        /// Nothing has shown for too long that the peer lives.
        case silent
        /// A command has been unanswered for too long, whatever else comes.
        case overdue
    }

    private let evidence: Evidence
    private let timeout: UInt64
    private var lastHeard: UInt64 = 0
    private var answers: UInt64 = 0
    private var lastAnswered: UInt64 = 0
    /// The time since which something has been unanswered; nil if nothing is.
    private var owedSince: UInt64?
    /// How many commands had been asked at some time, and that time. The peer owes at least one of their answers.
    private var mark: (asked: UInt64, at: UInt64)?
    private var pingedAt: UInt64 = 0
    /// The bytes of the incomplete reply at the last check, and how many such bytes have come since `mark`.
    private var unfinished = 0
    private var payload: UInt64 = 0

    package init(timeout: UInt64, evidence: Evidence) { (self.timeout, self.evidence) = (timeout, evidence) }

    /// A connection begins.
    package mutating func begin(now: UInt64) {
        (lastHeard, lastAnswered, pingedAt) = (now, now, now)
        (owedSince, mark, unfinished, payload) = (nil, nil, 0, 0)
    }

    /// Bytes have come.
    package mutating func heard(now: UInt64) { lastHeard = now }

    /// Nanoseconds since bytes came.
    package func silence(now: UInt64) -> UInt64 { now - min(now, lastHeard) }

    /// A step of the greeting has been answered.
    package mutating func answered(now: UInt64) { lastAnswered = now }

    /// Called several times per heartbeat interval.
    package mutating func look(at debt: LinkDebt, unfinished: Int, isGreeting: Bool, now: UInt64) -> Verdict {
        if debt.answers != answers { (answers, lastAnswered) = (debt.answers, now) }
        guard debt.isOwed || isGreeting else {
            (owedSince, mark) = (nil, nil)
            return .alive
        }
        owedSince = owedSince ?? now
        if debt.isOwed { follow(debt, unfinished: unfinished, now: now) }
        guard now - lastSign(isGreeting: isGreeting) < timeout else { return .silent }
        let allowed = timeout * (Self.longestAnswer + min(payload >> 20, Self.longestPayload))
        guard let mark, now - mark.at >= allowed else { return .alive }
        return .overdue
    }

    private mutating func follow(_ debt: LinkDebt, unfinished: Int, now: UInt64) {
        if let mark, debt.answered < mark.asked {
            payload += UInt64(max(0, unfinished - self.unfinished))
        } else {
            (mark, payload) = ((debt.asked, now), 0)
        }
        self.unfinished = unfinished
    }

    /// When something last showed that the peer lives, or when the peer began to owe an answer.
    private func lastSign(isGreeting: Bool) -> UInt64 {
        let answered = max(lastAnswered, owedSince ?? 0)
        if isGreeting { return lastAnswered }
        return evidence == .bytes ? max(answered, lastHeard) : answered
    }

    /// Whether a PING is due: after `interval` of silence if no answer is owed, and after the timeout without an
    /// answer, whatever else comes.
    package mutating func isPingDue(after interval: UInt64, isOwed: Bool, now: UInt64) -> Bool {
        let isQuiet = !isOwed && now - lastHeard >= interval
        guard isQuiet || now - max(lastAnswered, owedSince ?? 0, pingedAt) >= timeout else { return false }
        pingedAt = now
        return true
    }

    /// Whether something has been unanswered for so many nanoseconds, and in this time nothing showed that the peer
    /// lives.
    package func isSilent(for nanoseconds: UInt64, now: UInt64) -> Bool {
        owedSince != nil && now >= lastSign(isGreeting: false) + nanoseconds
    }

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) {
        func later(_ time: UInt64) -> UInt64 { min(now, time + nanoseconds) }
        (lastHeard, lastAnswered, pingedAt) = (later(lastHeard), later(lastAnswered), later(pingedAt))
        owedSince = owedSince.map(later)
        mark = mark.map { ($0.asked, later($0.at)) }
    }
}
