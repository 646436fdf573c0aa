internal import Glibc
internal import Synchronization

/// A process that a test started. It is signalled by its id, and only until it has been waited for, so that no other
/// process can be hit. When the last reference goes, the process is killed.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum Exit: Equatable, Sendable {
        case code(Int32)
        case signal(Int32)
    }

    package let name: String
    package let pid: Int32
    /// The file that has its standard output.
    package let outputPath: String
    /// The file that has its standard error.
    package let errorsPath: String
    private let exit = Mutex<Exit?>(nil)

    /// - Parameters:
    ///   - executable: a path, or a name that is looked up in PATH.
    ///   - environment: added to the environment of the test process.
    ///   - log: the path that its outputs go to, with `.out` and `.err` added.
    /// - Throws: `TestFailure` when it cannot be started.
    package init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], log: String
    ) throws {
        name = executable.split(separator: "/").last.map(String.init) ?? executable
        outputPath = log + ".out"
        errorsPath = log + ".err"
        // Set up before the first child starts: it ignores a signal, and the child would inherit that.
        let leftovers = Leftovers.shared
        pid = try Spawn.start(
            executable, arguments, environment: environment, output: outputPath, errors: errorsPath)
        leftovers.add(.process, String(pid))
    }

    deinit {
        signal(SIGKILL)
        _ = try? waitForExit()
    }

    /// The process's standard output so far.
    package var output: String { textOfFile(outputPath) }

    /// The process's standard error so far.
    package var errors: String { textOfFile(errorsPath) }

    /// How the process ended; nil while it runs.
    package var ended: Exit? {
        exit.withLock { exit in
            if exit == nil {
                var status: Int32 = 0
                guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
                let signal = status & 0x7f
                exit = signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
                Leftovers.shared.remove(.process, String(pid))
            }
            return exit
        }
    }

    /// Sends a signal. Does nothing once the process has ended.
    package func signal(_ number: Int32) {
        exit.withLock { exit in
            if exit == nil { kill(pid, number) }
        }
    }

    /// - Throws: `TestFailure` with the process's standard error if it still runs after `seconds`.
    @discardableResult
    package func waitForExit(within seconds: Double = TestDeadline.patience, line: UInt = #line) throws
        -> Exit
    {
        let deadline = TestDeadline(within: seconds)
        while true {
            if let ended { return ended }
            if deadline.isOver {
                throw TestFailure("line \(line): \(name) still runs after \(seconds) s\n\(errors)")
            }
            usleep(2000)
        }
    }

    /// The memory that the process occupies now, in bytes (VmRSS of proc(5)).
    package var residentBytes: Int {
        let lines = textOfFile("/proc/\(pid)/status").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("VmRSS:") }) else { return 0 }
        return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
    }
}
