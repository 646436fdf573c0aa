import Testing

@testable import BenchmarkReport

@Suite("Axes of plots")
struct AxisTests {
    @Test("a linear one goes from 0 to the next round number")
    func linear() {
        let axis = Axis.linear(to: 37, from: 100, length: 200, label: axisCount)
        #expect(axis.ticks.map(\.label) == ["0", "10", "20", "30", "40"])
        #expect(axis.place(0) == 100 && axis.place(20) == 200 && axis.place(40) == 300)
        #expect(axis.place(1000) == 300, "beyond its end")
        let exact = Axis.linear(to: 5, from: 0, length: 1, label: axisCount)
        #expect(exact.ticks.map(\.label) == ["0", "1", "2", "3", "4", "5"])
    }

    @Test("a logarithmic one has round numbers around all values, and powers of ten where it is long")
    func logarithmic() {
        let short = Axis.logarithmic(around: [0.7, 9, 0], from: 200, length: -100, label: axisCount)
        #expect(short.ticks.map(\.label) == ["0.5", "1", "2", "5", "10"])
        #expect(short.place(10) == 100 && short.place(0.5) == 200 && short.place(0) == 200)
        let long = Axis.logarithmic(around: [1, 100_000], from: 0, length: 100, label: axisCount)
        #expect(long.ticks.map(\.label) == ["1", "10", "100", "1k", "10k", "100k"])
        #expect(abs(long.place(1000) - 60) < 1e-9)
        let wide = Axis.logarithmic(around: [50, 600_000], from: 0, length: 100, label: axisCount)
        #expect(wide.ticks.map(\.label) == ["10", "100", "1k", "10k", "100k", "1M"])
        #expect(wide.place(10) == 0 && wide.place(1_000_000) == 100)
        let dozen = Axis.logarithmic(around: [5, 9000], from: 0, length: 100, label: axisCount)
        #expect(dozen.ticks.map(\.label) == ["5", "10", "20", "50", "100", "200", "500", "1k", "2k", "5k", "10k"])
        let single = Axis.logarithmic(around: [5], from: 0, length: 100, label: axisCount)
        #expect(single.place(5).isFinite)
    }

    @Test("one that is labelled at its values leaves out a label that would meet the last one")
    func values() {
        let axis = Axis.logarithmic(at: [1000, 1, 10, 10, 1200], from: 0, length: 300, label: axisCount)
        #expect(axis.ticks.map(\.label) == ["1", "10", "1k"])
        #expect(axis.place(1200) == 300)
    }

    @Test("percentiles: each further nine takes the same room")
    func percentiles() {
        let axis = Axis.percentiles(to: 99.9, from: 0, length: 300)
        #expect(axis.ticks.map(\.label) == ["0 %", "90 %", "99 %", "99.9 %"])
        for (tick, place) in zip(axis.ticks, [0.0, 100, 200, 300]) {
            #expect(abs(axis.place(tick.value) - place) < 1e-6)
        }
        #expect(Axis.nines(100).isFinite)
    }
}
