import Testing

@testable import BenchmarkReport

@Suite("Numbers as people read them")
struct NumberTests {
    @Test(
        "three digits count, or all before the point",
        arguments: [
            (0, "0.000"), (0.0706, "0.071"), (0.84, "0.840"), (0.9996, "1.00"), (9.994, "9.99"), (9.996, "10.0"),
            (52.63, "52.6"), (99.96, "100"), (999.6, "1,000"), (1_234_567.4, "1,234,567"), (-3.25, "-3.25"),
            (-0.0001, "0.000"), (.infinity, "–"), (.nan, "–"),
        ])
    func brief(value: Double, text: String) {
        #expect(BenchmarkReport.brief(value) == text)
    }

    @Test("a multiple goes from the least to the most, unless they read the same")
    func multiple() {
        #expect(BenchmarkReport.multiple(Spread([2.5, 2.446, 2.516])) == "2.50 (2.45–2.52)")
        #expect(BenchmarkReport.multiple(Spread([0.3401, 0.3402])) == "0.34")
        #expect(BenchmarkReport.multiple(nil) == "–")
    }

    @Test("labels of axes are short")
    func labels() {
        #expect(
            [0.6000000000000001, 1, 2500, 20_000, 1_500_000].map(axisCount) == ["0.6", "1", "2.5k", "20k", "1.5M"])
        #expect([200.0, 1024, 16_384, 1_048_576].map(axisBytes) == ["200 B", "1 KiB", "16 KiB", "1 MiB"])
    }
}
