internal import ArgumentParser
internal import BenchmarkLoad
internal import BenchmarkReport
internal import Configuration
internal import Glibc
internal import Posix

/// The program: measures what the relay costs, compared with what the same messages cost without it.
@main
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hubrelay-bench",
        abstract: "Measures what hubrelay costs, side by side with direct connections to Redis.",
        discussion: """
            Starts a Redis and relays of its own, runs every workload through the relay and on Redis directly, round \
            by round, and prints a table. Exit code 1 when messages were missing, came twice or were refused.
            """,
        version: "hubrelay-bench \(hubrelayVersion)")

    @OptionGroup(title: "What to run") var selection: SelectionOptions
    @OptionGroup(title: "Against what") var target: TargetOptions
    @OptionGroup(title: "What to print") var output: OutputOptions

    func run() throws {
        ignoreSIGPIPE()
        do {
            let workloads = try selection.workloads()
            if selection.list { return try Output.standard(workloads.map(\.name).joined(separator: "\n") + "\n") }
            try output.check()
            let servers = try target.check()
            let session = BenchSession(workloads, selection, servers, newRecorder: { HistogramRecorder() })
            let report = try session.run()
            try output.write(report)
            if let wrong = report.wrong { throw Failure(wrong, code: 1) }
        } catch let failure as Failure {
            Output.say(failure.description)
            throw ExitCode(failure.code)
        } catch let failure as BenchmarkFailure {
            Output.say(failure.description)
            throw ExitCode(failure.signal.map { 128 + $0 } ?? 1)
        }
    }
}

extension Report {
    /// What makes the figures worthless; nil if nothing does.
    var wrong: String? {
        let wrong = measurements.filter { $0.counts.missing + $0.counts.duplicates + $0.counts.refused > 0 }
        guard let first = wrong.first else { return nil }
        let counts = first.counts
        return "\(wrong.count) of \(measurements.count) runs went wrong; the first is \(first.workload), "
            + "\(first.target.rawValue), round \(first.round): \(counts.missing) missing, "
            + "\(counts.duplicates) twice, \(counts.refused) refused"
    }
}
