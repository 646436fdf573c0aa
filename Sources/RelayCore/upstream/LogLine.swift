/// A line for the log, which the I/O layer writes.
package struct LogLine: Equatable, Sendable {
    package enum Level: Sendable { case debug, notice, warning, critical }

    /// How often such a line may come.
    package enum Pace: Sendable {
        /// The code that logs the line limits it itself.
        case asTold
        /// Other processes can cause the line as often as they like: see `LimitedLog`.
        case limited
    }

    package var level: Level
    package var message: String
    package var metadata: [String: String]
    package var pace: Pace

    package init(_ level: Level, _ message: String, _ metadata: [String: String] = [:], pace: Pace = .asTold) {
        (self.level, self.message, self.metadata, self.pace) = (level, message, metadata, pace)
    }
}
