internal import BenchmarkReport
internal import CBenchmark
internal import Posix

/// The processor time that a process has used up to now, in all threads.
struct ProcessUsage {
    /// Seconds, to the nanosecond.
    var total: Double
    /// Ticks of the clock, usually 10 ms. They only determine how `total` is divided.
    var userTicks: UInt64
    var systemTicks: UInt64

    /// Reads the process's CPU clock and /proc/PID/stat (proc(5)). Nil if there is no such process in this pid
    /// namespace.
    static func read(of pid: Int32) -> ProcessUsage? {
        let nanoseconds = hubrelay_processor_time(pid)
        guard nanoseconds >= 0, let statistics = readWholeFile("/proc/\(pid)/stat") else { return nil }
        return ProcessUsage(nanoseconds: nanoseconds, statistics: statistics)
    }

    /// - Parameter statistics: the text of /proc/PID/stat.
    init?(nanoseconds: Int64, statistics: String) {
        // The second field is the program's name in parentheses, and may have anything in it.
        guard let end = statistics.lastIndex(of: ")") else { return nil }
        let fields = statistics[end...].dropFirst(2).split(separator: " ")
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        (total, userTicks, systemTicks) = (Double(nanoseconds) / 1e9, user, system)
    }

    /// What was used since an earlier reading.
    func since(_ earlier: ProcessUsage) -> ProcessorTime {
        let seconds = max(0, total - earlier.total)
        let (user, system) = (userTicks &- earlier.userTicks, systemTicks &- earlier.systemTicks)
        // If the time is too short for ticks, it is divided as the process's whole time up to now.
        let (part, all) =
            user + system > 0
            ? (Double(user), Double(user + system)) : (Double(userTicks), Double(userTicks + systemTicks))
        let share = all > 0 ? part / all : 0
        return ProcessorTime(user: seconds * share, system: seconds * (1 - share))
    }

    /// The resident bytes of a process: exact (smaps_rollup) or, if that cannot be read, the kernel's running count.
    static func residentBytes(of pid: Int32) -> Int? {
        if let text = readWholeFile("/proc/\(pid)/smaps_rollup"), let kilobytes = ProcFile.number("Rss:", in: text) {
            return kilobytes * 1024
        }
        return readWholeFile("/proc/\(pid)/status").flatMap { ProcFile.number("VmRSS:", in: $0) }.map { $0 * 1024 }
    }
}

/// The texts of files in /proc.
enum ProcFile {
    /// The first number after a key at the beginning of a line.
    static func number(_ key: String, in text: String) -> Int? {
        text.split(separator: "\n").first { $0.hasPrefix(key) }
            .flatMap { $0.dropFirst(key.count).split(whereSeparator: { $0 == " " || $0 == "\t" }).first }
            .flatMap { Int($0) }
    }
}
