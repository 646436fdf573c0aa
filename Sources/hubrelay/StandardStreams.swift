internal import Glibc
internal import Posix

/// The three descriptors that a process is started with.
enum StandardStreams {
    /// Opens those of the three that this process was started without. Otherwise the next socket would get the number
    /// of one of them, and its peer would receive what is meant for stdout or the log.
    ///
    /// They are opened for the wrong direction, so that using one fails with EBADF, as if it were closed.
    static func fillGaps() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
            // open(2) returns the lowest free number. It is this one, because those below are open.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// The number of stderr.
    static let error = STDERR_FILENO

    /// Whether stdin is a terminal, so that a person would have to type the input.
    static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Whether stdout is a pipe or socket whose other end is closed.
    static var outputHasNoReader: Bool {
        var entry = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return poll(&entry, 1, 0) > 0 && Int32(entry.revents) & (POLLERR | POLLHUP) != 0
    }

    /// Everything up to the end of stdin, but no more than `limit` bytes.
    ///
    /// - Throws: ``CommandFailure`` when stdin is closed or cannot be read.
    static func readInput(atMost limit: Int) throws(CommandFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count < limit {
            let count = read(STDIN_FILENO, &chunk, min(chunk.count, limit - bytes.count))
            if count == 0 { break }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .failed("\(SystemError(operation: "read stdin", code: errno))") }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Writes a line to stdout at once.
    ///
    /// - Throws: ``CommandFailure`` when stdout takes no more. It has no lines if the reader of stdout has gone.
    static func writeOutput(_ line: String) throws(CommandFailure) {
        do throws(SystemError) {
            try writeAll(STDOUT_FILENO, Array(line.utf8) + [UInt8(ascii: "\n")])
        } catch {
            throw error.code == EPIPE
                ? .outputClosed : .failed("cannot write to stdout: \(errorText(error.code))")
        }
    }

    /// Writes a line to stderr, with a single write(2) if stderr takes all of it. The line is lost if stderr is closed.
    static func writeError(_ line: String) {
        try? writeAll(STDERR_FILENO, Array(line.utf8) + [UInt8(ascii: "\n")])
    }
}
