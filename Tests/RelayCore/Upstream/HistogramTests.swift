import Testing

@testable import RelayCore

@Suite struct HistogramTests {
    @Test(arguments: Histogram.bounds.indices) func aBucketIncludesItsUpperBoundAndNothingAbove(index: Int) {
        var histogram = Histogram()
        histogram.record(Histogram.bounds[index])
        #expect(histogram.counts[index] == 1)
        histogram.record(Histogram.bounds[index] + 1)
        #expect(histogram.counts[index] == 1 && histogram.counts[index + 1] == 1)
        #expect(histogram.sum == 2 * Histogram.bounds[index] + 1)
    }

    @Test func theLastBucketHasNoBound() {
        var histogram = Histogram()
        histogram.record(1 << 60)
        #expect(histogram.counts.last == 1)
    }
}
