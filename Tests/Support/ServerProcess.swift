internal import Glibc
internal import Synchronization

/// The process of a server, which a test starts, kills, stops and starts again.
final class ServerProcess: Sendable {
    private let process = Mutex<ChildProcess?>(nil)

    deinit { kill() }

    /// Starts it on a host of its own, or here where that is nil, and waits until it is ready.
    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - log: the path that its outputs go to.
    ///   - isReady: asked again and again.
    /// - Throws: `TestFailure` with what it wrote when it ends, or is not ready in time.
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

    /// Kills it as a crash would (SIGKILL) and waits until it is gone. A stopped one can be killed as well.
    func kill() {
        let ended = process.withLock { process in
            defer { process = nil }
            return process
        }
        ended?.signal(SIGKILL)
        _ = try? ended?.waitForExit()
    }

    /// Stops it from doing anything (SIGSTOP): its sockets stay open, and nothing answers.
    func freeze() { process.withLock { $0?.signal(SIGSTOP) } }

    /// Lets it go on (SIGCONT).
    func thaw() { process.withLock { $0?.signal(SIGCONT) } }
}
