internal import ArgumentParser
internal import Configuration

/// Why a command ends without success: the line for stderr, if there is anything left to say, and the exit code.
struct CommandFailure: Error, Equatable {
    var line: String?
    var code: Int32

    /// The command did not succeed.
    static func failed(_ line: String) -> CommandFailure { CommandFailure(line: line, code: 1) }
    /// The command cannot be run as it was typed: EX_USAGE of sysexits.h.
    static func usage(_ line: String) -> CommandFailure { CommandFailure(line: line, code: 64) }
    /// Everything has been said on stdout.
    static let reported = CommandFailure(line: nil, code: 1)
    /// Whoever read our stdout has read enough; nothing is wrong with that.
    static let outputClosed = CommandFailure(line: nil, code: 0)
}

extension CommandFailure {
    init(_ error: ConfigurationError) {
        self = .usage(error.description)
    }
}

/// Runs a command; a failure is one line on stderr and the end of the process with its exit code.
func runReportingFailures(_ body: () throws(CommandFailure) -> Void) {
    do throws(CommandFailure) {
        try body()
    } catch {
        if let line = error.line { StandardStreams.writeError("hubrelay: \(line)") }
        HubrelayCommand.exit(withError: ExitCode(error.code))
    }
}

/// Reads settings; what is wrong with them becomes the failure of the command.
func configured<Value>(
    _ body: () throws(ConfigurationError) -> Value
) throws(CommandFailure) -> Value {
    do throws(ConfigurationError) { return try body() } catch { throw CommandFailure(error) }
}
