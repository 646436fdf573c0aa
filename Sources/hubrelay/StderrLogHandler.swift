internal import Configuration
internal import Logging
internal import Posix

/// Writes each record as one line to stderr, with a single write(2), so that lines never mix. A line for which there is
/// no room is dropped and counted, see `LogOutput`. The values of a line that is too long for a single write are cut.
///
/// If stderr is systemd's journal, each line begins with its priority (sd-daemon(3)), which the journal removes.
/// `journalctl -p warning` then shows warnings and worse.
struct StderrLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    /// All copies share it, so that it can be changed while the relay runs.
    var logLevel: Logger.Level {
        get { threshold.level }
        nonmutating set { threshold.level = newValue }
    }
    private let format: LogFormat
    private let hasPriorities: Bool
    // A handler must be Sendable. There is one thread, and only its loop logs.
    nonisolated(unsafe) private let output: LogOutput
    nonisolated(unsafe) private let threshold: Threshold

    private final class Threshold {
        var level: Logger.Level

        init(_ level: Logger.Level) { self.level = level }
    }

    /// - Parameter isJournal: whether `output` leads to systemd's journal.
    init(_ configuration: LoggingConfiguration, output: LogOutput, isJournal: Bool) {
        threshold = Threshold(Logger.Level(configuration.level))
        let format = configuration.format
        (self.format, self.output, hasPriorities) = (format, output, isJournal)
        output.notice = { lines in
            Self.record(
                .warning, "log lines were dropped, because the reader of the log did not keep up",
                ["lines": "\(lines)"]
            ).line(format, maxBytes: LogOutput.maxLineBytes - 1, hasPriority: isJournal)
        }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        if let error = event.error { fields["error"] = "\(error)" }
        let record = Self.record(event.level, event.message.description, fields)
        output.write(record.line(format, maxBytes: LogOutput.maxLineBytes - 1, hasPriority: hasPriorities))
    }

    private static func record(_ level: Logger.Level, _ message: String, _ fields: Logger.Metadata) -> LogRecord {
        LogRecord(
            time: Clock.iso8601(unixMilliseconds: Clock.unixMilliseconds()), level: level, message: message,
            fields: fields)
    }
}

extension Logger.Level {
    init(_ level: LogLevel) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        }
    }
}
