internal import Logging
internal import Posix
internal import RelayCore

/// Writes log lines that others can cause as often as they like: apps and their peers, a Redis or a sentinel, and
/// processes that send signals. Of each kind, a few lines are written in ten seconds, and then a line with the number
/// of those left out.
final class LimitedLog {
    /// Lines are of one kind if they have the same level and message and, if they name a subject, the same subject.
    private struct Kind: Hashable {
        var level: Logger.Level
        var message: String
        /// What the line is about: a key such as "code", and one of a few values that are known beforehand.
        var subject: (key: String, value: String)?

        static func == (one: Kind, other: Kind) -> Bool {
            one.level == other.level && one.message == other.message && one.subject?.value == other.subject?.value
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(message)
            hasher.combine(subject?.value)
        }
    }

    /// Debug lines show what happens, so there may be many. They are limited all the same, as they cost time.
    private static let debugLinesPerWindow = 1000

    private let logger: Logger
    private var limiters: [Kind: LineLimiter] = [:]
    /// Whether lines were left out for which a summary is due now or later.
    private var hasLeftOut = false

    init(logger: Logger) { self.logger = logger }

    /// - Parameter subject: what distinguishes lines with this message, such as `("code", "timeout")`; it becomes a
    ///   part of the metadata.
    /// - Parameter now: the loop's time.
    func log(
        _ level: Logger.Level, _ message: String, of subject: (key: String, value: String)? = nil, now: UInt64,
        _ metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        guard level >= logger.logLevel else { return }
        let kind = Kind(level: level, message: message, subject: subject)
        var limiter =
            limiters[kind]
            ?? LineLimiter(limit: level <= .debug ? Self.debugLinesPerWindow : LineLimiter.linesPerWindow)
        writeSummary(of: kind, &limiter, now: now, isLast: false)
        if limiter.admits(now: now) {
            var metadata = metadata()
            if let subject { metadata[subject.key] = "\(subject.value)" }
            logger.log(level: level, "\(message)", metadata: metadata)
            limiter.wrote(now: Clock.monotonicNanoseconds())
        } else {
            hasLeftOut = true
        }
        limiters[kind] = limiter
    }

    /// Writes the summaries that are due. To be called regularly.
    /// - Parameter isLast: whether to write those that are not due yet, too.
    func flush(now: UInt64, isLast: Bool = false) {
        guard hasLeftOut else { return }
        hasLeftOut = false
        for kind in limiters.keys {
            guard var limiter = limiters[kind], limiter.leftOut > 0 else { continue }
            writeSummary(of: kind, &limiter, now: now, isLast: isLast)
            if limiter.leftOut > 0 { hasLeftOut = true }
            limiters[kind] = limiter
        }
    }

    private func writeSummary(of kind: Kind, _ limiter: inout LineLimiter, now: UInt64, isLast: Bool) {
        guard let count = limiter.takeSummary(now: now, isLast: isLast) else { return }
        var metadata: Logger.Metadata = ["line": "\(kind.message)", "left_out": "\(count)"]
        if let subject = kind.subject { metadata[subject.key] = "\(subject.value)" }
        logger.log(level: kind.level, "more lines like this were left out", metadata: metadata)
        limiter.wrote(now: Clock.monotonicNanoseconds())
    }
}
