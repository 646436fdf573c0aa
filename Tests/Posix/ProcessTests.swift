import Glibc
import Posix
import Testing

@Suite("The process: limits, figures, environment, groups, output")
struct ProcessTests {
    @Test("the descriptor limit is raised to the hard one")
    func descriptorLimit() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limits = rlimit()
        getrlimit(resource, &limits)
        // Only one less than the maximum, so that other code that runs at the same time does not notice.
        limits.rlim_cur = limits.rlim_max - 1
        #expect(setrlimit(resource, &limits) == 0)
        #expect(DescriptorLimit.get() == Int(clamping: limits.rlim_max - 1))
        #expect(DescriptorLimit.raiseAndGet() == Int(clamping: limits.rlim_max))
        #expect(DescriptorLimit.get() == Int(clamping: limits.rlim_max))
    }

    @Test("memory, time and start are this process's")
    func figures() throws {
        let before = try #require(ProcessStats.read())
        #expect(before.residentBytes > 1 << 20)
        #expect(before.residentBytes < before.virtualBytes)
        #expect(before.maxDescriptors == DescriptorLimit.get())
        let now = Double(Clock.unixMilliseconds()) / 1_000
        #expect(before.startUnixSeconds <= now + 1)
        #expect(before.startUnixSeconds > now - 86_400)
        // 50 ms of work take 50 ms of CPU time of this thread.
        let end = clock() + 50_000
        while clock() < end {}
        let after = try #require(ProcessStats.read())
        #expect(after.cpuSeconds >= before.cpuSeconds + 0.049)
        #expect(after.startUnixSeconds == before.startUnixSeconds)
    }

    @Test("open descriptors are counted")
    func openDescriptors() throws {
        let before = try #require(ProcessStats.read()).openDescriptors
        // Many descriptors, because other tests open and close some at the same time.
        let opened = (0..<500).map { _ in RawSocket(owning: open("/dev/null", O_RDONLY)) }
        let after = try #require(ProcessStats.read()).openDescriptors
        #expect((400...600).contains(after - before))
        #expect(opened.count == 500)
    }

    @Test("environment variables, and those that are not set")
    func environment() {
        #expect(environmentVariable("PATH") == String(cString: getenv("PATH")))
        #expect(environmentVariable("HUBRELAY_TEST_NOT_SET") == nil)
    }

    @Test("groups by name and by number")
    func groups() throws {
        #expect(try groupID(named: "root") == 0)
        #expect(try groupID(named: "12345") == 12345)
        #expect(try groupID(named: "0") == 0)
    }

    @Test(
        "what is no group", arguments: ["hubrelay-no-such-group", "", "-1", "4294967295", "4294967296", "1x"])
    func noGroup(_ name: String) {
        #expect(throws: GroupError.unknown(name: name)) { try groupID(named: name) }
    }

    @Test("all is written, also where the pipe is full and does not block", arguments: [false, true])
    func writing(_ isBlocking: Bool) throws {
        let (reader, writer) = RawSocket.pipe()
        if !isBlocking { writer.setNonBlocking() }
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let receiving = ReadingThread(reader)
        try writeAll(writer.number, bytes)
        writer.close()
        #expect(receiving.result() == bytes)
    }

    @Test("writing to a pipe without a reader is the error EPIPE, once SIGPIPE is ignored")
    func brokenPipe() {
        ignoreSIGPIPE()
        let (reader, writer) = RawSocket.pipe()
        reader.close()
        let error = #expect(throws: SystemError.self) { try writeAll(writer.number, [1, 2, 3]) }
        #expect(error?.code == EPIPE)
        #expect(error?.description.contains("Broken pipe (errno 32)") == true)
    }
}

/// A thread that reads a pipe to its end. It is not a task, because tasks share a few threads, and tests that block may
/// occupy all of them.
private final class ReadingThread {
    private var bytes: [UInt8] = []
    private let pipe: RawSocket
    private var thread = pthread_t()

    init(_ pipe: RawSocket) {
        self.pipe = pipe
        let this = Unmanaged.passUnretained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { this in
                let this = Unmanaged<ReadingThread>.fromOpaque(this!).takeUnretainedValue()
                var buffer = [UInt8](repeating: 0, count: 10_000)
                while true {
                    let count = read(this.pipe.number, &buffer, buffer.count)
                    if count <= 0 { return nil }
                    this.bytes += buffer[..<count]
                }
            }, this)
    }

    /// Waits for the end of the pipe.
    func result() -> [UInt8] {
        pthread_join(thread, nil)
        return bytes
    }
}
