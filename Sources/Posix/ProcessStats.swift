internal import Glibc

/// The values of `process_*` in /metrics, with the meanings of Prometheus's client libraries.
package struct ProcessStats: Sendable {
    package let residentBytes: UInt64
    package let virtualBytes: UInt64
    /// User and system time of all threads.
    package let cpuSeconds: Double
    package let openDescriptors: Int
    /// The soft limit; `Int.max` if there is none.
    package let maxDescriptors: Int
    /// Seconds since 1970, to the precision of the clock tick (10 ms).
    package let startUnixSeconds: Double

    /// Reads /proc/self (proc(5)). nil if /proc is not mounted.
    package static func read() -> ProcessStats? {
        guard
            let statistics = readWholeFile("/proc/self/stat"), let boot = bootUnixSeconds(),
            let open = countDescriptors()
        else { return nil }
        // The second field is the program's name in parentheses, which may itself contain blanks and parentheses.
        guard let end = statistics.lastIndex(of: ")") else { return nil }
        let fields = statistics[end...].dropFirst(2).split(separator: " ")
        func field(_ number: Int) -> UInt64? {
            // Fields are numbered from 1, as in proc(5). The first one here is field 3.
            fields.count > number - 3 ? UInt64(fields[number - 3]) : nil
        }
        guard let start = field(22), let virtualBytes = field(23), let residentPages = field(24) else {
            return nil
        }
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        return ProcessStats(
            residentBytes: residentPages * UInt64(sysconf(Int32(_SC_PAGESIZE))), virtualBytes: virtualBytes,
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), openDescriptors: open,
            maxDescriptors: DescriptorLimit.get(),
            startUnixSeconds: boot + Double(start) / Double(sysconf(Int32(_SC_CLK_TCK))))
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
    }

    /// When the machine booted, from /proc/stat. The start time of a process is counted from there.
    private static func bootUnixSeconds() -> Double? {
        guard let text = readWholeFile("/proc/stat") else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) }
    }

    /// Linux 6.2 and later report the number as the directory's size. On older kernels the entries must be counted.
    static func countDescriptors() -> Int? {
        var status = stat()
        guard stat("/proc/self/fd", &status) == 0 else { return nil }
        if status.st_size > 0 { return Int(status.st_size) }
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var entries = 0
        while readdir(directory) != nil { entries += 1 }
        // Not ".", not "..", and not the descriptor of this very listing.
        return entries - 3
    }
}
