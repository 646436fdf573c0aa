internal import ArgumentParser
internal import Configuration
internal import Logging
internal import Posix
internal import Relay

/// `hubrelay serve`: the relay itself, until SIGTERM or SIGINT.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the relay.",
        discussion:
            "A flag wins over its environment variable, that over the default. A variable that is set and empty is a "
            + "fault, and so is one that begins with HUBRELAY_ and is no setting, unless HUBRELAY_ALLOW_UNKNOWN is true. "
            + "hubrelay check says all that is wrong. Exit code 64 for what stays wrong until somebody changes it, 1 for "
            + "what may be right a moment later.")

    @OptionGroup var options: ServeOptions

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = options.settings()
            guard settings.faults.isEmpty else { throw .usage(settings.faults.map(\.description)) }
            let configuration = settings.configuration
            let output = LogOutput(descriptor: StandardStreams.error)
            let handler = StderrLogHandler(
                configuration.logging, output: output, isJournal: isJournal(StandardStreams.error))
            let logger = Logger(label: "hubrelay") { _ in handler }
            for notice in configuration.notices { logger.notice("\(notice)") }
            for warning in configuration.warnings { logger.warning("\(warning)") }
            let code = Daemon.run(configuration, logger: logger, output: output)
            if code != 0 { throw .reported(code) }
        }
    }
}
