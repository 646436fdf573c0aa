import TestSupport

/// The result of a run of the program.
struct Run: Equatable {
    var exit: ChildProcess.Exit
    var output: String
    var errors: String
}

/// The program under test, as a process.
enum Program {
    /// Runs the program to its end, with nothing on stdin.
    static func run(
        _ arguments: String..., environment: [String: String] = [:], line: UInt = #line
    ) throws -> Run {
        try run(arguments, environment: environment, line: line)
    }

    /// Runs the program to its end, with a list of arguments.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], line: UInt = #line
    ) throws -> Run {
        let directory = try TemporaryDirectory()
        let process = try start(arguments, environment: environment, in: directory)
        let exit = try process.waitForExit(line: line)
        return Run(exit: exit, output: process.output, errors: process.errors)
    }

    /// Starts the program, and waits for nothing.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], in directory: TemporaryDirectory
    ) throws -> ChildProcess {
        try ChildProcess(
            RelayProcess.binary, arguments, environment: environment,
            log: directory.path(of: "program"))
    }

    /// Runs a shell script to its end. In the script, `$HUBRELAY` is the program.
    static func shell(
        _ script: String, environment: [String: String] = [:], line: UInt = #line
    ) throws -> Run {
        let directory = try TemporaryDirectory()
        let all = environment.merging(["HUBRELAY": RelayProcess.binary]) { $1 }
        let process = try ChildProcess(
            "/bin/sh", ["-c", script], environment: all, log: directory.path(of: "shell"))
        let exit = try process.waitForExit(line: line)
        return Run(exit: exit, output: process.output, errors: process.errors)
    }
}
