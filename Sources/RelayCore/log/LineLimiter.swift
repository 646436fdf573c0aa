/// Limits how often one kind of log line comes: a few times in ten seconds, and then a count of those left out.
///
///     first line ──────────── 10 s ────────────► summary (if any were left out) ──────────── 10 s ────────────► ...
///     at most `linesPerWindow` lines             counts as the first line of the next window
///
/// For lines that somebody outside can cause, as often as they like. The caller writes the line, and afterwards reports
/// when that was. That time counts because readers see the time between two summaries, and a busy machine may take long
/// between the question and the write.
package struct LineLimiter: Sendable {
    /// Nanoseconds.
    package static let window: UInt64 = 10_000_000_000
    package static let linesPerWindow = 6
    /// How many lines there may be in a window.
    private let limit: Int

    /// When the first line of the window was written; nil before the first line of all.
    private var windowBegan: UInt64?
    private var lines = 0
    /// Lines that were left out since the last summary.
    package private(set) var leftOut: UInt64 = 0

    package init(limit: Int = LineLimiter.linesPerWindow) { self.limit = limit }

    /// Whether the window is over; then the next line that is written begins a new one.
    package func isWindowOver(now: UInt64) -> Bool {
        guard let windowBegan else { return true }
        return now >= windowBegan + Self.window
    }

    /// Whether a line may be written; one that must not is counted. If a summary is due, it has to be written first.
    /// - Parameter isUrgent: whether the line is written in any case.
    package mutating func admits(now: UInt64, isUrgent: Bool = false) -> Bool {
        if isWindowOver(now: now) || lines < limit || isUrgent { return true }
        leftOut += 1
        return false
    }

    /// A line that was admitted has been written.
    /// - Parameter now: the time of the write, and not the time when the turn began.
    package mutating func wrote(now: UInt64) {
        if isWindowOver(now: now) { (windowBegan, lines) = (now, 0) }
        lines += 1
    }

    /// The number of lines for a summary; nil if no summary is due. The summary counts as a line: call `wrote`.
    /// - Parameter isLast: whether this is the last occasion.
    package mutating func takeSummary(now: UInt64, isLast: Bool = false) -> UInt64? {
        guard leftOut > 0, isLast || isWindowOver(now: now) else { return nil }
        defer { leftOut = 0 }
        return leftOut
    }
}
