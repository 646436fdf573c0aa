internal import ArgumentParser
internal import Configuration
internal import Posix

/// The program: `hubrelay serve` is the relay, the other commands are its clients.
@main
struct HubrelayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hubrelay",
        abstract: "Relays messages between the app servers of a host and Redis pub/sub.",
        version: "hubrelay \(hubrelayVersion)",
        subcommands: [
            ServeCommand.self, CheckCommand.self, PublishCommand.self, SubscribeCommand.self, HealthCommand.self,
            WaitCommand.self, ClientsCommand.self, ChannelsCommand.self, FleetCommand.self, TopCommand.self,
            ReloadCommand.self,
        ])

    /// Exits with 64 for arguments that are not UTF-8: Swift would silently change their text.
    static func main() {
        StandardStreams.fillGaps()
        ignoreSIGPIPE()
        useBuiltInNameServices()
        runReportingFailures { () throws(CommandFailure) in
            for index in 0..<Int(CommandLine.argc) {
                guard let argument = CommandLine.unsafeArgv[index] else { break }
                if String(validatingCString: argument) == nil {
                    throw .usage(
                        "argument \(index) is not UTF-8; use - to read a payload of any bytes from stdin")
                }
            }
        }
        main(separatingEmptyPrefix(CommandLine.arguments.dropFirst()))
    }

    /// Splits `--prefix=` into two arguments. The parser takes it for a flag without a value, but the empty prefix is a
    /// value.
    private static func separatingEmptyPrefix(_ arguments: ArraySlice<String>) -> [String] {
        let options = arguments.prefix { $0 != "--" }
        let separated = options.flatMap {
            $0 == Setting.prefix.flag + "=" ? [Setting.prefix.flag, ""] : [$0]
        }
        return separated + arguments[options.endIndex...]
    }
}
