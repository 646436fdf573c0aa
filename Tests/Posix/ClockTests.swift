import Glibc
import Posix
import Testing

@Suite("Clocks, random bytes")
struct ClockTests {
    @Test(
        "moments as text",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (1_795_224_960_123, "2026-11-21T01:36:00.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "10000-01-01T00:00:00.000Z"),
        ] as [(UInt64, String)])
    func timestamps(_ moment: UInt64, _ text: String) {
        #expect(Clock.iso8601(unixMilliseconds: moment) == text)
    }

    @Test("the largest number is no trap")
    func largest() {
        #expect(Clock.iso8601(unixMilliseconds: .max).hasSuffix("Z"))
    }

    @Test("the same dates as the C library, on every 13th day of four centuries")
    func againstTheCLibrary() {
        for day in stride(from: 0, through: 146_097, by: 13) {
            let seconds = day * 86_400 + day % 86_400
            var time = time_t(seconds)
            var parts = tm()
            gmtime_r(&time, &parts)
            var buffer = [CChar](repeating: 0, count: 64)
            let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S.000Z", &parts)
            let expected = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            #expect(Clock.iso8601(unixMilliseconds: UInt64(seconds) * 1_000) == expected)
        }
    }

    @Test("the wall clock is the system's, in milliseconds")
    func wallClock() {
        let before = UInt64(time(nil)) * 1_000
        let now = Clock.unixMilliseconds()
        let after = UInt64(time(nil) + 1) * 1_000
        #expect(before <= now && now <= after)
    }

    @Test("the monotonic clock is in nanoseconds, and never goes back")
    func monotonic() {
        var last = Clock.monotonicNanoseconds()
        for _ in 0..<10_000 {
            let now = Clock.monotonicNanoseconds()
            #expect(now >= last)
            last = now
        }
        // A wait of 20 ms that poll(2) measures.
        let start = Clock.monotonicNanoseconds()
        poll(nil, 0, 20)
        let waited = Clock.monotonicNanoseconds() - start
        #expect(waited >= 20_000_000)
    }

    @Test("ids have 32 hex digits and differ")
    func ids() {
        let ids = (0..<1_000).map { _ in Array(SystemRandom.hexID()) }
        #expect(Set(ids).count == 1_000)
        #expect(ids.allSatisfy { $0.count == 32 })
        // Every hexadecimal digit occurs in every place.
        for place in 0..<32 { #expect(Set(ids.map { $0[place] }) == Set("0123456789abcdef")) }
    }

    @Test(
        "as many random bytes as were asked for, random up to the last", arguments: [0, 1, 256, 1_000_000])
    func randomBytes(_ count: Int) {
        let bytes = SystemRandom.bytes(count)
        #expect(bytes.count == count)
        if count > 10_000 { #expect(Set(bytes.suffix(10_000)).count == 256) }
    }
}
