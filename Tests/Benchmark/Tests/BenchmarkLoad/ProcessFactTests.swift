internal import BenchmarkReport
internal import Glibc
internal import Testing

@testable internal import BenchmarkLoad

@Suite("What processes and the machine say of themselves")
struct ProcessFactTests {
    /// `utime` and `stime` are fields 14 and 15 of proc(5).
    private func statistics(user: Int, system: Int) -> String {
        "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 \(user) \(system) 0 0 20 0 1 0 5 6 7"
    }

    @Test("the time is that of the clock, divided as the ticks say")
    func division() throws {
        let before = try #require(
            ProcessUsage(nanoseconds: 1_000_000_000, statistics: statistics(user: 80, system: 20)))
        let after = try #require(
            ProcessUsage(nanoseconds: 3_000_000_000, statistics: statistics(user: 130, system: 170)))
        #expect(after.since(before) == ProcessorTime(user: 0.5, system: 1.5))
    }

    @Test("a time without a tick is divided as all of it was up to now")
    func noTick() throws {
        let before = try #require(ProcessUsage(nanoseconds: 0, statistics: statistics(user: 30, system: 10)))
        let after = try #require(ProcessUsage(nanoseconds: 4_000_000, statistics: statistics(user: 30, system: 10)))
        #expect(after.since(before) == ProcessorTime(user: 0.003, system: 0.001))
    }

    @Test("a process uses time and has memory; one that is not there has none")
    func real() throws {
        let usage = try #require(ProcessUsage.read(of: getpid()))
        #expect(usage.total > 0)
        #expect(try #require(ProcessUsage.residentBytes(of: getpid())) > 1 << 20)
        #expect(ProcessUsage.read(of: .max) == nil)
        #expect(ProcessUsage.residentBytes(of: .max) == nil)
    }

    @Test("Redis tells its version and process; Valkey its own version")
    func redisInfo() {
        let redis = RedisInfo(reply: "$80\r\n# Server\r\nredis_version:7.0.15\r\nprocess_id:42\r\n\r\n")
        #expect((redis.version, redis.pid) == ("7.0.15", 42))
        let valkey = RedisInfo(reply: "$80\r\n# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.1.1\r\n")
        #expect((valkey.version, valkey.pid) == ("8.1.1 (Valkey)", nil))
        let refused = RedisInfo(reply: "-NOAUTH Authentication required.\r\n")
        #expect((refused.version, refused.pid) == (nil, nil))
    }

    @Test("a server's address is numeric, with a port")
    func address() {
        #expect(RedisServerAddress("127.0.0.1:6379")?.description == "127.0.0.1:6379")
        #expect(RedisServerAddress("localhost:6379")?.description == "127.0.0.1:6379")
        #expect(RedisServerAddress("[::1]:6379")?.description == "[::1]:6379")
        #expect(RedisServerAddress("[::1]:6379")?.isLoopback == true)
        #expect(RedisServerAddress("10.0.0.1:6379")?.isLoopback == false)
        for wrong in ["", "6379", "redis.example:6379", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x"] {
            #expect(RedisServerAddress(wrong) == nil, "\(wrong)")
        }
    }

    @Test("the last processor is one, and the last")
    func affinity() {
        let processors = Affinity(mask: [0b1011, 0b110, 0])
        #expect(processors.count == 5)
        #expect(processors.last == Affinity(mask: [0, 0b100, 0]))
        #expect(Affinity(mask: [1 << 63]).last == Affinity(mask: [1 << 63]))
    }

    @Test("the processor's model; where the kernel does not name it there is none")
    func processorModel() {
        #expect(Machine.model(inCPUInfo: "processor\t: 0\nmodel name\t: EPYC 9\nmodel name\t: other\n") == "EPYC 9")
        #expect(Machine.model(inCPUInfo: "processor\t: 0\nBogoMIPS\t: 50\n") == nil)
    }
}
