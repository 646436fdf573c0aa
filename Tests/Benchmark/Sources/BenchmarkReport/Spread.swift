/// The median of several figures, and how far they lie apart.
struct Spread: Equatable {
    let median: Double
    let min: Double
    let max: Double

    /// Nil if there is no figure. Infinities and NaN do not count as figures.
    init?(_ figures: [Double]) {
        let sorted = figures.filter(\.isFinite).sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        min = first
        max = last
    }
}
