internal import ArgumentParser
internal import Configuration
internal import Posix

/// The options of every command that asks a relay's HTTP side.
struct HTTPOptions: ParsableArguments {
    @Option(name: .of(.http), help: .of(.http)) var http: String?
    @Option(
        name: .of(.socket),
        help: ArgumentHelp(
            "The socket of the relay that must answer: the command fails if another relay does. Not checked unless it "
                + "is given here or as HUBRELAY_SOCKET.", valueName: "PATH"))
    var socket: String?
    @Option(name: .of(.timeout), help: .of(.timeout)) var timeout: String?

    struct Settings {
        var listen: HTTPListen
        /// nil: any relay may answer.
        var socketPath: String?
        /// Nanoseconds for each answer.
        var timeout: UInt64
        /// Nanoseconds to wait in all.
        var longestWait: UInt64
    }

    func settings(longestWait: String? = nil) throws(CommandFailure) -> Settings {
        try configured { () throws(ConfigurationError) in
            let settings = ClientSettings(
                flags: [(.http, http), (.socket, socket), (.timeout, timeout), (.longestWait, longestWait)],
                environment: environmentVariable)
            return Settings(
                listen: try settings.http(), socketPath: try settings.givenSocketPath(),
                timeout: try settings.timeout(), longestWait: try settings.longestWait())
        }
    }
}

extension HTTPOptions.Settings {
    /// One GET, answered by the intended relay.
    ///
    /// - Throws: ``CommandFailure`` as `HTTPClient.get`, and when another relay answers.
    func get(_ path: String) throws(CommandFailure) -> HTTPResponse {
        guard let socketPath else { return try HTTPClient.get(path, from: listen, timeout: timeout) }
        let health = try HTTPClient.get("/health", from: listen, timeout: timeout)
        try AnsweringRelay(health, at: listen).expectSocket(socketPath, timeout: timeout)
        return path == "/health" ? health : try HTTPClient.get(path, from: listen, timeout: timeout)
    }
}
