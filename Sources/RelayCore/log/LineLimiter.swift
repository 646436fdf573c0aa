/// How often one kind of log line comes: a few times in ten seconds, and then a count of those that were left out.
///
///     first line ──────────── 10 s ────────────► summary (if any were left out) ──────────── 10 s ────────────► ...
///     at most `linesPerWindow` lines             counts as the first line of the next window
///
/// For lines that somebody outside can cause, as often as they like. Whoever asks writes the line, and says afterwards when
/// that was: the time between two summaries is what readers see, and a busy machine may take long between the question and
/// the write.
package struct LineLimiter: Sendable {
    /// Nanoseconds.
    package static let window: UInt64 = 10_000_000_000
    package static let linesPerWindow = 6
    /// How many lines there may be in a window.
    private let limit: Int

    /// When the first line of the window was written; nil before there was any.
    private var windowBegan: UInt64?
    private var lines = 0
    /// Lines that were left out since the last summary.
    package private(set) var leftOut: UInt64 = 0

    package init(limit: Int = LineLimiter.linesPerWindow) { self.limit = limit }

    /// Whether the window is over, and lines are counted anew with the next one that is written.
    package func isWindowOver(now: UInt64) -> Bool {
        guard let windowBegan else { return true }
        return now >= windowBegan + Self.window
    }

    /// Whether a line may be written; one that may not is counted. Where a summary is due, that comes first.
    /// - Parameter isUrgent: it is written in any case.
    package mutating func admits(now: UInt64, isUrgent: Bool = false) -> Bool {
        if isWindowOver(now: now) || lines < limit || isUrgent { return true }
        leftOut += 1
        return false
    }

    /// A line that was admitted has been written.
    /// - Parameter now: the time when that was done, and not when the turn began.
    package mutating func wrote(now: UInt64) {
        if isWindowOver(now: now) { (windowBegan, lines) = (now, 0) }
        lines += 1
    }

    /// How many lines the summary that is due has to tell of; nil when none is due. It counts as a line: call `wrote`.
    /// - Parameter isLast: there will be no other occasion.
    package mutating func takeSummary(now: UInt64, isLast: Bool = false) -> UInt64? {
        guard leftOut > 0, isLast || isWindowOver(now: now) else { return nil }
        defer { leftOut = 0 }
        return leftOut
    }
}
