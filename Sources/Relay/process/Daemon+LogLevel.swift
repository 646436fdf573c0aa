internal import Configuration
internal import Logging
internal import RelayCore

extension Daemon {
    /// The level from the configuration.
    private var configuredLevel: Logger.Level {
        switch configuration.logging.level {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }

    /// SIGUSR1: turns debug lines on. The next time it restores the configured level, or sets info if that level has
    /// debug lines.
    func switchLogLevel() {
        let usual = configuredLevel > .debug ? configuredLevel : .info
        setLogLevel(logger.logLevel > .debug ? .debug : usual)
    }

    /// All copies of the logger have the level in common; see `StderrLogHandler`.
    private func setLogLevel(_ level: Logger.Level) {
        var logger = logger
        let former = logger.logLevel
        func tell() {
            limitedLog.log(.notice, "the log level was changed", now: now, ["from": "\(former)", "to": "\(level)"])
        }
        // Logged at the level that lets more lines through, so that it is seen.
        if level > former { tell() }
        logger.logLevel = level
        if level < former { tell() }
        tellClientEvents()
    }

    /// Makes the relays report events of clients if the log level includes them.
    func tellClientEvents() {
        for relay in relays { relay.hub.tellsClientEvents = logger.logLevel <= .debug }
    }
}
