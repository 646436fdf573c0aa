internal import Glibc

/// Where values lie on a line of the picture, and which of them have labels.
struct Axis {
    struct Tick: Equatable {
        let value: Double
        let label: String
    }

    let ticks: [Tick]
    private let range: ClosedRange<Double>
    private let isLogarithmic: Bool
    private let start: Double
    private let length: Double

    /// An axis from 0 to a round number that is at least `most`.
    static func linear(to most: Double, from start: Double, length: Double, label: (Double) -> String) -> Axis {
        let step = roundStep(atLeast: max(most, 1e-9) / 5)
        let count = max(1, Int((most / step - 1e-9).rounded(.up)))
        let ticks = (0...count).map { Tick(value: step * Double($0), label: label(step * Double($0))) }
        return Axis(
            ticks: ticks, range: 0...(step * Double(count)), isLogarithmic: false, start: start, length: length)
    }

    /// A logarithmic axis between round numbers around all `values`, at least one of which must be above 0.
    static func logarithmic(
        around values: [Double], from start: Double, length: Double, label: (Double) -> String
    ) -> Axis {
        let positive = values.filter { $0 > 0 }
        let fine = roundNumbers(from: positive.min() ?? 1, to: positive.max() ?? 1)
        // More than a dozen labels would overlap.
        let steps = fine.count > 12 ? powersOfTen(around: fine) : fine
        let low = steps.first ?? 1
        return Axis(
            ticks: steps.map { Tick(value: $0, label: label($0)) }, range: low...max(steps.last ?? 1, low * 2),
            isLogarithmic: true, start: start, length: length)
    }

    /// A logarithmic axis with labels at the `values` themselves, as far as the labels do not overlap.
    static func logarithmic(
        at values: [Double], from start: Double, length: Double, label: (Double) -> String
    ) -> Axis {
        let sorted = Set(values.filter { $0 > 0 }).sorted()
        let low = sorted.first ?? 1
        let high = max(sorted.last ?? 1, low * 1.01)
        let bare = Axis(ticks: [], range: low...high, isLogarithmic: true, start: start, length: length)
        var ticks: [Tick] = []
        var end = -Double.infinity
        for value in sorted {
            let text = label(value)
            let half = Double(text.count) * 3.4
            let place = bare.place(value)
            guard place - half >= end else { continue }
            ticks.append(Tick(value: value, label: text))
            end = place + half + 6
        }
        return Axis(ticks: ticks, range: low...high, isLogarithmic: true, start: start, length: length)
    }

    /// An axis for percentiles as HdrHistogram plots them: each further nine takes the same room.
    static func percentiles(to most: Double, from start: Double, length: Double) -> Axis {
        let nines = max(2, nines(most))
        let labels = [0, 90, 99, 99.9, 99.99, 99.999, 99.9999]
        let ticks = labels.filter { self.nines($0) <= nines + 1e-6 }
            .map { Tick(value: self.nines($0), label: trimmedPercentile($0)) }
        return Axis(ticks: ticks, range: 0...nines, isLogarithmic: false, start: start, length: length)
    }

    /// How many nines a percentile begins with: 0 for 0, 1 for 90, 2 for 99 and so on.
    static func nines(_ percentile: Double) -> Double { -log10(max(1 - percentile / 100, 1e-7)) }

    /// The place of a value in the picture's units. Values outside are put at the edge.
    func place(_ value: Double) -> Double {
        let inside = min(max(value, range.lowerBound), range.upperBound)
        let part =
            isLogarithmic
            ? (log10(inside) - log10(range.lowerBound)) / (log10(range.upperBound) - log10(range.lowerBound))
            : (inside - range.lowerBound) / (range.upperBound - range.lowerBound)
        return start + part * length
    }

    /// A number that is 1, 2 or 5 times a power of ten.
    private static func roundStep(atLeast least: Double) -> Double {
        roundNumbers(from: least, to: least).last ?? 1
    }

    /// All 1, 2 and 5 times powers of ten from the last one not above `low` to the first one not below `high`.
    private static func roundNumbers(from low: Double, to high: Double) -> [Double] {
        let exponents = Int(log10(low).rounded(.down)) - 1...Int(log10(high).rounded(.up)) + 1
        let all = exponents.flatMap { exponent in [1, 2, 5].map { $0 * power(of: 10, exponent) } }
        let first = all.lastIndex { $0 <= low * (1 + 1e-9) } ?? 0
        let last = all.firstIndex { $0 >= high * (1 - 1e-9) } ?? all.count - 1
        return Array(all[first...max(first, last)])
    }

    /// The powers of ten from the last one not above the first of `values` to the first one not below the last.
    private static func powersOfTen(around values: [Double]) -> [Double] {
        let low = Int((log10(values.first ?? 1) + 1e-9).rounded(.down))
        let high = Int((log10(values.last ?? 1) - 1e-9).rounded(.up))
        return (low...max(low, high)).map { power(of: 10, $0) }
    }

    private static func trimmedPercentile(_ value: Double) -> String {
        value.rounded() == value ? "\(Int(value)) %" : "\(value) %"
    }
}
