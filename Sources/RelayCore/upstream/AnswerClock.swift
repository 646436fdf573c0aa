/// How long a link may go on without an answer.
///
/// A link with nothing but silence is dead after the link timeout. What says that it lives depends on the link:
///
/// - The publish link says nothing but answers. Bytes that complete none are no sign of life.
/// - The others hear messages as well, and those may be seconds long in front of an answer: Redis has been writing faster
///   than the link takes it. That is lag, and no outage. So anything that comes is a sign of life there; but where no answer
///   has come for the link timeout, another PING follows the first. Its answer tells the two cases apart: it comes in its
///   turn, behind the backlog, or before what had been lost.
///
/// Nothing waits for ever: a command is given up after `longestAnswer` times the link timeout, although others were answered
/// before it, or messages come. One reply may be 64 MiB of payload, on a network that takes its time. So each MiB of a
/// reply that is not complete gives another link timeout.
package struct AnswerClock: Sendable {
    /// Times the link timeout: a command without an answer for so long is given up.
    package static let longestAnswer: UInt64 = 12
    /// Times the link timeout, for the MiB of large replies that have come before an answer.
    package static let longestPayload: UInt64 = 64

    /// What says that the other end lives.
    package enum Evidence: Sendable {
        case answers
        case bytes
    }

    package enum Verdict: Sendable, Equatable {
        case alive
        /// Nothing has said for too long that the other end lives.
        case silent
        /// A command is unanswered for too long, whatever else comes.
        case overdue
    }

    private let evidence: Evidence
    private let timeout: UInt64
    private var lastHeard: UInt64 = 0
    private var answers: UInt64 = 0
    private var lastAnswered: UInt64 = 0
    /// Since when something has been unanswered, or nil.
    private var owedSince: UInt64?
    /// The last command that had been asked at some time, and that time.
    private var mark: (asked: UInt64, at: UInt64)?
    private var pingedAt: UInt64 = 0
    /// Bytes of the reply that is not complete, when they were last looked at; and how many such bytes have come since `mark`.
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

    /// Something that was asked in the greeting has its answer.
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

    /// When something last said that the other end lives, or when it came to owe something.
    private func lastSign(isGreeting: Bool) -> UInt64 {
        let answered = max(lastAnswered, owedSince ?? 0)
        if isGreeting { return lastAnswered }
        return evidence == .bytes ? max(answered, lastHeard) : answered
    }

    /// Whether a PING is due: after `interval` of silence where nothing is owed, and after the timeout without an answer,
    /// whatever else comes.
    package mutating func isPingDue(after interval: UInt64, isOwed: Bool, now: UInt64) -> Bool {
        let isQuiet = !isOwed && now - lastHeard >= interval
        guard isQuiet || now - max(lastAnswered, owedSince ?? 0, pingedAt) >= timeout else { return false }
        pingedAt = now
        return true
    }

    /// Whether something has been unanswered, and nothing has said that the other end lives, for so many nanoseconds.
    package func isSilent(for nanoseconds: UInt64, now: UInt64) -> Bool {
        owedSince != nil && now >= lastSign(isGreeting: false) + nanoseconds
    }

    /// Our own loop stood still for so many nanoseconds: they count for no deadline.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) {
        func later(_ time: UInt64) -> UInt64 { min(now, time + nanoseconds) }
        (lastHeard, lastAnswered, pingedAt) = (later(lastHeard), later(lastAnswered), later(pingedAt))
        owedSince = owedSince.map(later)
        mark = mark.map { ($0.asked, later($0.at)) }
    }
}
