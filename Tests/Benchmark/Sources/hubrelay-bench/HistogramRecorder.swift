internal import BenchmarkLoad
internal import BenchmarkReport
internal import Histogram

/// Latencies in an HdrHistogram: nanoseconds, to three digits.
final class HistogramRecorder: LatencyRecorder {
    /// Longer than any wait of a run. A longer latency counts as this long.
    private static let longest: UInt64 = 100_000_000_000

    private var histogram = Histogram<UInt64>(
        highestTrackableValue: longest, numberOfSignificantValueDigits: .three)

    func record(nanoseconds: UInt64) { histogram.record(min(nanoseconds, Self.longest)) }

    func summary(corrected: Bool) -> LatencySummary? {
        guard histogram.totalCount > 0 else { return nil }
        func microseconds(_ percentile: Double) -> Double {
            Double(histogram.valueAtPercentile(percentile)) / 1_000
        }
        let most = Double(histogram.maxRecorded) / 1_000
        let curve = histogram.percentiles(ticksPerHalfDistance: 4).map {
            LatencySummary.Point(percentile: $0.percentile, microseconds: Double($0.value) / 1_000)
        }
        return LatencySummary(
            count: Int(histogram.totalCount), p50: microseconds(50), p90: microseconds(90), p99: microseconds(99),
            p999: microseconds(99.9), max: most, curve: curve, corrected: corrected)
    }
}
