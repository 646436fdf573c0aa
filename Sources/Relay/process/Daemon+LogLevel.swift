internal import Configuration
internal import Logging
internal import RelayCore

extension Daemon {
    /// The level that was set at the start.
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

    /// SIGUSR1: debug lines, and next time the level that was set at the start; where that has debug lines already, info.
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
        // At the level that lets more through, so that it is seen.
        if level > former { tell() }
        logger.logLevel = level
        if level < former { tell() }
        tellClientEvents()
    }

    /// Relays tell of their clients where the log wants to know.
    func tellClientEvents() {
        for relay in relays { relay.hub.tellsClientEvents = logger.logLevel <= .debug }
    }
}
