package import BenchmarkReport

/// Takes latencies while a run lasts, without allocating. A protocol, because the histograms are a dependency that only
/// the program itself has.
package protocol LatencyRecorder: AnyObject {
    /// Enters one latency.
    func record(nanoseconds: UInt64)

    /// The distribution; nil when nothing was recorded.
    /// - Parameter corrected: whether the latencies count from when messages were due.
    func summary(corrected: Bool) -> LatencySummary?
}
