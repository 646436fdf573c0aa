internal import ArgumentParser
internal import Configuration

/// Why a command ends without success: the lines for stderr, if there is anything left to say, and the exit code.
struct CommandFailure: Error, Equatable {
    var lines: [String]
    var code: Int32

    /// The command did not succeed.
    static func failed(_ line: String) -> CommandFailure { CommandFailure(lines: [line], code: 1) }
    /// The command cannot be run as it was typed: EX_USAGE of sysexits.h.
    static func usage(_ line: String) -> CommandFailure { .usage([line]) }
    /// The command cannot be run as it was typed, for several reasons.
    static func usage(_ lines: [String]) -> CommandFailure { CommandFailure(lines: lines, code: 64) }
    /// The command did not succeed, and the reasons have been written already.
    static func reported(_ code: Int32 = 1) -> CommandFailure { CommandFailure(lines: [], code: code) }
    /// The reader of our stdout has closed it, which is not an error.
    static let outputClosed = CommandFailure(lines: [], code: 0)
}

/// Runs a command. On failure, writes its lines to stderr and ends the process with its exit code.
func runReportingFailures(_ body: () throws(CommandFailure) -> Void) {
    do throws(CommandFailure) {
        try body()
    } catch {
        for line in error.lines { StandardStreams.writeError("hubrelay: \(line)") }
        HubrelayCommand.exit(withError: ExitCode(error.code))
    }
}

/// Reads settings. A fault in them becomes the failure of the command.
func configured<Value>(
    _ body: () throws(ConfigurationError) -> Value
) throws(CommandFailure) -> Value {
    do throws(ConfigurationError) { return try body() } catch { throw .usage(error.description) }
}
