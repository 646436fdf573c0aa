import TestSupport
import Testing

/// Payloads and passwords are in the relay's memory. It must not get into a core dump, or be read by another process of
/// the same user.
@Suite struct CoreDumpTests {
    @Test func thereIsNoCoreDumpAndNobodyReadsTheMemory() throws {
        let relay = try RelayProcess(redis: "unix:///nowhere", wrapper: Self.powerless)
        let directory = try TemporaryDirectory()
        let other = try Self.start(["sleep", "600"], log: directory.path(of: "other"))
        try eventually("the other one has begun") { textOfFile("/proc/\(other.pid)/comm") == "sleep\n" }
        let limits = textOfFile("/proc/\(relay.process.pid)/limits").split(separator: "\n")
        let core = try #require(limits.first { $0.hasPrefix("Max core file size") })
        #expect(core.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"], "\(core)")
        // What the kernel shows to a process that may attach a debugger. It shows it for any other program, but not for
        // the relay.
        #expect(try isReadable(other))
        #expect(try !isReadable(relay.process))
        // The relay can nevertheless read its own figures.
        #expect(try relay.metric("process_open_fds") > 5)
        #expect(try relay.metric("process_resident_memory_bytes") > 1_000_000)
        try relay.stop()
    }

    /// Starts the command as the same user, but without the capabilities of root, who may read everything.
    private static var powerless: [String] {
        currentUserID == 0 ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : ["env"]
    }

    private static func start(_ command: [String], log: String) throws -> ChildProcess {
        let words = powerless + command
        return try ChildProcess(words[0], Array(words.dropFirst()), log: log)
    }

    private func isReadable(_ process: ChildProcess) throws -> Bool {
        let directory = try TemporaryDirectory()
        let reader = try Self.start(["cat", "/proc/\(process.pid)/environ"], log: directory.path(of: "reader"))
        return try reader.waitForExit() == .code(0)
    }
}
