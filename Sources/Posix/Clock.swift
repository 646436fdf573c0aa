internal import Glibc

/// The two clocks of the process, and the text form of a moment for logs.
package enum Clock {
    /// Nanoseconds of CLOCK_MONOTONIC, for intervals and deadlines. This clock never goes back, and it stands still
    /// while the machine is suspended.
    package static func monotonicNanoseconds() -> UInt64 {
        let time = read(CLOCK_MONOTONIC)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Blocks this thread for at least this time. For the small commands. A signal does not cut it short.
    package static func sleep(nanoseconds: UInt64) {
        var left = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        var rest = timespec()
        while nanosleep(&left, &rest) == -1 && errno == EINTR { left = rest }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, for people and other hosts. This clock may jump when it is set.
    package static func unixMilliseconds() -> UInt64 {
        let time = read(CLOCK_REALTIME)
        // A clock set to before 1970 counts as 1970.
        return time.tv_sec < 0 ? 0 : UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }

    /// A moment as `2026-11-21T01:36:00.123Z` (RFC 3339, UTC, milliseconds). Years after 9999 get more digits.
    package static func iso8601(unixMilliseconds: UInt64) -> String {
        var bytes: [UInt8] = []
        appendISO8601(unixMilliseconds: unixMilliseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the same text as `iso8601(unixMilliseconds:)`, which has 24 bytes up to the year 9999. For a log line
    /// that is being built.
    package static func appendISO8601(unixMilliseconds: UInt64, to bytes: inout [UInt8]) {
        let (days, milliseconds) = unixMilliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        let date = civilDate(daysSince1970: days)
        append(date.year, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(date.month, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(date.day, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        append(milliseconds / 3_600_000, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(milliseconds / 60_000 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(milliseconds / 1_000 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        append(milliseconds % 1_000, digits: 3, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// The proleptic Gregorian date of a day number. Years are counted from 1 March, so that the leap day is
    /// a year's last day, in eras of 400 years (Howard Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms").
    private static func civilDate(daysSince1970: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let day = daysSince1970 + 719_468  // days from 0000-03-01 to 1970-01-01
        let (era, dayOfEra) = day.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        )
    }

    private static func append(_ value: UInt64, digits: Int, to bytes: inout [UInt8]) {
        let text = String(value)
        for _ in 0..<max(0, digits - text.utf8.count) { bytes.append(UInt8(ascii: "0")) }
        bytes.append(contentsOf: text.utf8)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        let result = clock_gettime(clock, &time)
        // Both clocks exist on every Linux, so a failure is a broken system.
        precondition(result == 0, "clock_gettime failed")
        return time
    }
}
