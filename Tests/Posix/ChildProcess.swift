import Glibc

/// A program that a test starts, with pipes as its stdin and stdout. It is killed when the value ends.
final class ChildProcess {
    let pid: pid_t
    private let input: RawSocket
    private let output: RawSocket
    private var isReaped = false

    /// Starts `arguments[0]`, found in PATH.
    init(_ arguments: [String]) {
        let (childInput, input) = RawSocket.pipe()
        let (output, childOutput) = RawSocket.pipe()
        (self.input, self.output) = (input, output)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, childInput.number, 0)
        posix_spawn_file_actions_adddup2(&actions, childOutput.number, 1)
        var pid: pid_t = 0
        let pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        let result = posix_spawnp(&pid, arguments[0], &actions, nil, pointers, environ)
        precondition(result == 0, "cannot start \(arguments[0]): errno \(result)")
        self.pid = pid
    }

    deinit { end(by: SIGKILL) }

    /// Waits for output, at most 10 s, and returns what has come; "" at the end of the output.
    func readOutput() -> String {
        var watched = pollfd(fd: output.number, events: Int16(POLLIN), revents: 0)
        precondition(poll(&watched, 1, 10_000) == 1, "the program says nothing")
        var buffer = [UInt8](repeating: 0, count: 4096)
        return String(decoding: buffer[..<max(0, read(output.number, &buffer, buffer.count))], as: UTF8.self)
    }

    /// Ends the process, and any child of it that waits for input. Returns once the process is gone.
    func end(by signal: Int32) {
        guard !isReaped else { return }
        isReaped = true
        kill(pid, signal)
        input.close()
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }
}
