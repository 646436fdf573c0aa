internal import ArgumentParser
internal import Configuration
internal import Posix

/// The options of every command that speaks to a relay's socket.
struct ClientOptions: ParsableArguments {
    @Option(name: .of(.socket), help: .of(.socket)) var socket: String?
    @Option(name: .of(.timeout), help: .of(.timeout)) var timeout: String?
    @Flag(help: "Print JSON, one object per line.") var json = false

    struct Settings {
        var socketPath: String
        /// Nanoseconds.
        var timeout: UInt64
        /// nil: no limit.
        var count: Int?
    }

    func settings(count: String? = nil) throws(CommandFailure) -> Settings {
        try configured { () throws(ConfigurationError) in
            let settings = ClientSettings(
                flags: [(.socket, socket), (.timeout, timeout), (.count, count)],
                environment: environmentVariable)
            return Settings(
                socketPath: try settings.socketPath(), timeout: try settings.timeout(),
                count: try settings.count())
        }
    }
}
