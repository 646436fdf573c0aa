internal import ArgumentParser
internal import Configuration
internal import Posix
internal import Relay

/// `hubrelay check`: reports whether `hubrelay serve` would start with the same settings, and what prevents it.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the settings of serve, and start nothing.",
        discussion:
            "Takes the options of serve. Exit code 0 if nothing is wrong; else 64, with a line on stderr for each "
            + "fault: the setting, its value and what is allowed. Run it as the user that the relay runs as: paths, "
            + "groups and files are checked with the rights of the user who runs this command.")

    @OptionGroup var options: ServeOptions
    @Flag(
        help: ArgumentHelp(
            "Also try Redis, with the timeouts of the settings, and print what works and what an access list denies."))
    var connect = false

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = options.settings()
            let host = HostCheck(settings)
            let configuration = settings.configuration
            for text in configuration.notices + configuration.warnings + host.notes {
                try StandardStreams.writeOutput("note: \(escaped(text, quotes: false))")
            }
            let faults = settings.faults.map(\.description) + host.faults
            guard faults.isEmpty else { throw .usage(faults) }
            guard connect else { return try StandardStreams.writeOutput(summary(configuration)) }
            let trial = RedisTrial(settings)
            for line in trial.lines { try StandardStreams.writeOutput(escaped(line, quotes: false)) }
            for fault in trial.faults { StandardStreams.writeError("hubrelay: \(escaped(fault, quotes: false))") }
            if trial.faults.isEmpty { try StandardStreams.writeOutput(summary(configuration)) }
            let code: Int32 = trial.faults.isEmpty ? 0 : 64
            if trial.isLookupUnderWay { endAtOnce(code) }
            if code != 0 { throw .reported(code) }
        }
    }

    /// The settings that a person checks first. Only a person can see that a valid prefix is not the intended one.
    private func summary(_ configuration: RelayConfiguration) -> String {
        var line = TextLine("ok")
        line.add("socket", configuration.listener.socketPath)
        line.add("prefix", String(decoding: configuration.listener.prefix, as: UTF8.self))
        line.add("redis", configuration.redis.displayAddress)
        line.add("http", "\(configuration.http)")
        return line.text
    }
}
