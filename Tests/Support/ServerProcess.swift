internal import Glibc
internal import Synchronization

/// The process of a server, which a test starts, kills, stops and starts again.
final class ServerProcess: Sendable {
    private let process = Mutex<ChildProcess?>(nil)

    deinit { kill() }

    /// Starts the server on the given host, or on the host of the tests if `host` is nil, and waits until it is ready.
    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - log: the path that its outputs go to.
    ///   - isReady: called repeatedly until it returns true.
    /// - Throws: `TestFailure` with what the server wrote, if it ends or is not ready in time.
    func start(
        _ command: [String], on host: NetworkHost?, log: String, isReady: () throws -> Bool
    ) throws {
        let words = (host?.command ?? []) + command
        let started = try ChildProcess(words[0], Array(words.dropFirst()), log: log)
        process.withLock { $0 = started }
        try eventually("\(command[0]) answers") {
            if let ended = started.ended { throw TestFailure("\(command[0]): \(ended)\n\(started.output)") }
            return try isReady()
        }
    }

    /// Kills the server as a crash would (SIGKILL) and waits until it is gone. It may be frozen.
    func kill() {
        let ended = process.withLock { process in
            defer { process = nil }
            return process
        }
        ended?.signal(SIGKILL)
        _ = try? ended?.waitForExit()
    }

    /// Stops the server (SIGSTOP): its sockets stay open, and nothing answers.
    func freeze() { process.withLock { $0?.signal(SIGSTOP) } }

    /// Lets the server continue (SIGCONT).
    func thaw() { process.withLock { $0?.signal(SIGCONT) } }
}
