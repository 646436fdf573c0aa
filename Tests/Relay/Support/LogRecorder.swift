import Logging
import Synchronization

/// Keeps the lines that are logged, for tests that check them.
final class LogRecorder: Sendable {
    struct Line: Equatable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let kept = Mutex<[Line]>([])

    /// The lines since the last call.
    func take() -> [Line] {
        kept.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    func logger(_ level: Logger.Level = .info) -> Logger {
        Logger(label: "test") { _ in Handler(recorder: self, logLevel: level) }
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).mapValues { "\($0)" }
            let line = Line(level: event.level, message: event.message.description, metadata: fields)
            recorder.kept.withLock { $0.append(line) }
        }
    }
}
