package import BenchmarkReport
internal import Glibc
internal import Posix

extension Machine {
    /// The machine that this process runs on.
    package static func here() -> Machine {
        let release = readWholeFile("/proc/sys/kernel/osrelease")?.filter { !$0.isNewline }
        let processor = readWholeFile("/proc/cpuinfo").flatMap(Machine.model(inCPUInfo:))
        let kilobytes = readWholeFile("/proc/meminfo").flatMap { ProcFile.number("MemTotal:", in: $0) }
        return Machine(
            processor: processor, cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)), kernel: release.map { "Linux \($0)" },
            memoryBytes: kilobytes.map { $0 * 1024 })
    }

    /// The model of the first processor; ARM's kernels don't name it.
    static func model(inCPUInfo text: String) -> String? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        guard let line, let colon = line.firstIndex(of: ":") else { return nil }
        let name = line[line.index(after: colon)...].drop { $0 == " " }
        return name.isEmpty ? nil : String(name)
    }
}
