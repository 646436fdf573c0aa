internal import Glibc

/// The relay under test: the program itself, `hubrelay serve`, as a process. Its sockets are in a directory of its own,
/// and its timings are short enough for tests.
package final class RelayProcess: Sendable {
    package let socketPath: String
    package let httpPath: String
    package let prefix: String
    package let process: ChildProcess
    package let directory: TemporaryDirectory
    private let host: NetworkHost?

    /// Timings that are short, but long enough that a link does not look dead when the machine is busy with other
    /// tests.
    ///
    /// Relays that announce themselves subscribe to one more name in Redis, which all tests that count names would have
    /// to consider. So `--fleet` is off, and the tests of it turn it on.
    private static let settings = [
        "--heartbeat-interval": "200ms", "--link-timeout": "5s", "--probe": "500ms",
        "--connect-timeout": "2s",
        "--backoff-min": "10ms", "--backoff-max": "50ms", "--backoff-max-refused": "100ms",
        "--stop-timeout": "300ms", "--fleet": "off",
    ]

    /// Starts a relay and waits until it listens. It might not have reached Redis yet: `client` waits for that.
    /// - Parameters:
    ///   - redis: the URL of its Redis.
    ///   - directory: where the relay's sockets are. Their names begin with `name`.
    ///   - options: flags and their values. They replace those of the harness.
    ///   - host: where the relay runs; nil means the host of the tests.
    ///   - wrapper: a command that replaces itself with the relay, such as `prlimit --nofile=256`.
    /// - Throws: `TestFailure` with what the relay wrote to standard error, when it ends or does not listen.
    package init(
        redis: String, prefix: String = "t:", directory: TemporaryDirectory? = nil, name: String = "relay",
        options: [String] = [], on host: NetworkHost? = nil, wrapper: [String] = []
    ) throws {
        self.host = host
        self.directory = try directory ?? TemporaryDirectory()
        self.prefix = prefix
        socketPath = self.directory.path(of: name + ".sock")
        httpPath = self.directory.path(of: name + ".http")
        var flags = ["--socket", socketPath, "--redis", redis, "--prefix", prefix]
        for (flag, value) in RelayProcess.settings where !options.contains(flag) { flags += [flag, value] }
        if !options.contains("--http") { flags += ["--http", "unix:\(httpPath)"] }
        process = try RelayProcess.launch(
            ["serve"] + flags + options, log: self.directory.path(of: name), on: host, wrapper: wrapper)
        try eventually("the relay listens") {
            if let ended = process.ended { throw TestFailure("the relay: \(ended)\n\(process.errors)") }
            guard (try? TestSocket(unix: socketPath)) != nil else { return false }
            // The HTTP socket appears after the relay's own socket.
            return options.contains("--http") || fileExists(httpPath)
        }
    }

    /// Runs the relay's program with these arguments, and waits for nothing.
    package static func launch(
        _ arguments: [String], log: String, on host: NetworkHost? = nil, wrapper: [String] = []
    ) throws -> ChildProcess {
        let environment = [
            // The sanitizer finds leaks when the process ends. It keeps little of the freed memory (its quarantine), so
            // that the memory of the process says something about the relay.
            "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=8:exitcode=99",
            "SWIFT_BACKTRACE": "enable=no",
        ]
        let command = (host?.command ?? []) + wrapper + [binary] + arguments
        return try ChildProcess(
            command[0], Array(command.dropFirst()), environment: environment, log: log)
    }

    /// The path of the program: `TESTED_HUBRELAY`, or else the one that was built with the tests, in the folder of
    /// their bundle.
    package static var binary: String {
        if let path = getenv("TESTED_HUBRELAY") { return String(cString: path) }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/hubrelay"
    }

    /// A connection that has sent nothing yet.
    package func connect() throws -> TestConnection { try TestConnection(path: socketPath) }

    /// A connection that has received its Welcome, and knows that the state is UP.
    package func client(name: String = "test", line: UInt = #line) throws -> TestConnection {
        let client = try clientInAnyState(name: name, line: line)
        if client.welcome.status.state != .up { try client.collect(untilState: .up, line: line) }
        return client
    }

    /// A connection that has received its Welcome, whatever the state is.
    package func clientInAnyState(name: String = "test", line: UInt = #line) throws -> TestConnection {
        let client = try connect()
        try client.hello(name: name, line: line)
        return client
    }

    /// Sends a GET, or another method, to the relay's HTTP socket.
    package func http(_ path: String, method: String = "GET") throws -> HTTPAnswer {
        try httpRequest(path, at: TestSocket(unix: httpPath), method: method)
    }

    /// The value of one sample of /metrics. `name` includes the labels as they are printed, such as `a_total{b="c"}`.
    /// - Throws: `TestFailure` when there is no such sample.
    package func metric(_ name: String, line: UInt = #line) throws -> Double {
        let lines = try http("/metrics").body.split(separator: "\n")
        guard let sample = lines.first(where: { $0.hasPrefix(name + " ") }),
            let value = Double(sample.dropFirst(name.count + 1))
        else { throw TestFailure("line \(line): no metric \(name)") }
        return value
    }

    /// Ends the relay as a service manager does (SIGTERM) and waits.
    /// - Throws: `TestFailure` with the relay's standard error unless it exits with code 0. A leak, or whatever else a
    ///   sanitizer finds, causes another code.
    package func stop(within seconds: Double = TestDeadline.patience, line: UInt = #line) throws {
        process.signal(SIGTERM)
        try expectExit(within: seconds, line: line)
    }

    /// Waits for exit code 0, without asking the relay to end.
    package func expectExit(within seconds: Double = TestDeadline.patience, line: UInt = #line) throws {
        let exit = try process.waitForExit(within: seconds, line: line)
        guard exit == .code(0) else {
            throw TestFailure("line \(line): the relay ended with \(exit)\n\(process.errors)")
        }
    }
}
