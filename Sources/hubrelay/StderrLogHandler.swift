internal import Configuration
internal import Logging
internal import Posix
internal import TextFormats

/// Writes each record as one line to stderr, with a single write(2), so that lines never mix.
///
/// A line that cannot be written is lost. A stderr that blocks holds up whoever logs, as it does everywhere.
struct StderrLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level
    private let format: LogFormat

    init(_ configuration: LoggingConfiguration) {
        logLevel = Logger.Level(configuration.level)
        format = configuration.format
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
        let record = LogRecord(
            time: Clock.iso8601(unixMilliseconds: Clock.unixMilliseconds()), level: event.level,
            message: event.message.description, fields: fields)
        let line =
            switch format {
            case .text: record.textLine
            case .json: record.jsonLine
            }
        StandardStreams.writeError(line)
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
