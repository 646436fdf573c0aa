package import BenchmarkReport

/// Records latencies during a run, without allocating. It is a protocol, because the histograms are a dependency that
/// only the program itself has.
package protocol LatencyRecorder: AnyObject {
    /// Records one latency.
    func record(nanoseconds: UInt64)

    /// The distribution; nil if nothing was recorded.
    /// - Parameter corrected: whether the latencies count from when messages were due.
    func summary(corrected: Bool) -> LatencySummary?
}
