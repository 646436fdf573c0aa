internal import CBenchmark
internal import Glibc
internal import Posix

/// A server that the benchmark has started. It ends with the benchmark, whatever ends the benchmark.
final class ChildProcess {
    let pid: Int32
    private let name: String
    private let log: String
    private var isReaped = false

    /// - Parameter log: the path of the file that its outputs go to.
    /// - Throws: `BenchmarkFailure` if no process can be created. Whether the program could be run shows later.
    init(_ command: [String], log: String) throws(BenchmarkFailure) {
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw BenchmarkFailure("cannot write \(log): \(errorText(errno))") }
        defer { close(output) }
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        pid = hubrelay_start(&words, output)
        guard pid > 0 else { throw BenchmarkFailure("cannot start \(command[0]): \(errorText(-pid))") }
        (name, self.log) = (command[0], log)
    }

    deinit { stop() }

    /// Throws the reason if the process has ended.
    func checkRunning() throws(BenchmarkFailure) {
        if let status = reap(WNOHANG) { throw failure(status) }
    }

    private func failure(_ status: Int32) -> BenchmarkFailure {
        guard status >> 8 & 0xFF != 127 else {
            return BenchmarkFailure("\(name) cannot be run: deploy/install-packages bench installs what is missing")
        }
        let lines = (readWholeFile(log) ?? "").split(separator: "\n").suffix(5).map { "\n  \($0)" }
        let words = lines.isEmpty ? " nothing" : ":" + lines.joined()
        return BenchmarkFailure("\(name) has ended too early or failed, saying\(words)")
    }

    /// Waits until the process has done its work.
    /// - Throws: `BenchmarkFailure` with the process's output, unless its exit code is 0.
    func finish(_ driver: Driver) throws(BenchmarkFailure) {
        while true {
            if let status = reap(WNOHANG) {
                if status != 0 { throw failure(status) }
                return
            }
            try driver.wait(seconds: 0.005)
        }
    }

    /// Ends the process within ten seconds, and waits for its end.
    func stop() {
        guard !isReaped else { return }
        kill(pid, SIGTERM)
        for _ in 0..<2_000 {
            if reap(WNOHANG) != nil { return }
            usleep(5_000)
        }
        kill(pid, SIGKILL)
        _ = reap(0)
    }

    /// The exit status; nil while the process runs, and 0 if it was read before.
    private func reap(_ options: Int32) -> Int32? {
        guard !isReaped else { return 0 }
        var status: Int32 = 0
        guard waitpid(pid, &status, options) == pid else { return nil }
        isReaped = true
        return status
    }
}
