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
            "A flag overrides its environment variable, and the variable overrides the default. A variable that is set "
            + "but empty is an error. So is one that begins with HUBRELAY_ and is not a setting, unless "
            + "HUBRELAY_ALLOW_UNKNOWN is true. 'hubrelay check' lists everything that is wrong. Exit code 64 if "
            + "something has to be changed first, 1 if a later attempt may succeed.")

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
