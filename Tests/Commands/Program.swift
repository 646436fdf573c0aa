import TestSupport

/// What a run of the program left behind.
struct Run: Equatable {
    var exit: ChildProcess.Exit
    var output: String
    var errors: String
}

/// The program under test, as a process.
enum Program {
    /// Every variable that the program reads, empty, which counts as absent: the tests must not depend on the
    /// environment they are started in.
    private static let cleanEnvironment = [
        "HUBRELAY_SOCKET": "", "HUBRELAY_HTTP": "", "HUBRELAY_TIMEOUT": "",
    ]

    /// Runs it to its end with nothing on stdin.
    static func run(
        _ arguments: String..., environment: [String: String] = [:], line: UInt = #line
    ) throws -> Run {
        let directory = try TemporaryDirectory()
        let process = try start(arguments, environment: environment, in: directory)
        let exit = try process.waitForExit(line: line)
        return Run(exit: exit, output: process.output, errors: process.errors)
    }

    /// Starts it and waits for nothing.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], in directory: TemporaryDirectory
    ) throws -> ChildProcess {
        try ChildProcess(
            RelayProcess.binary, arguments, environment: cleanEnvironment.merging(environment) { $1 },
            log: directory.path(of: "program"))
    }

    /// Runs a line of shell in which `$HUBRELAY` is the program, to its end.
    static func shell(
        _ script: String, environment: [String: String] = [:], line: UInt = #line
    ) throws -> Run {
        let directory = try TemporaryDirectory()
        let all = cleanEnvironment.merging(environment) { $1 }.merging(["HUBRELAY": RelayProcess.binary]) {
            $1
        }
        let process = try ChildProcess(
            "/bin/sh", ["-c", script], environment: all, log: directory.path(of: "shell"))
        let exit = try process.waitForExit(line: line)
        return Run(exit: exit, output: process.output, errors: process.errors)
    }
}
