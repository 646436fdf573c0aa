/// Latencies by percentile, as HdrHistogram plots them: a picture for each workload that is about latencies.
enum LatencyCurves {
    static func pictures(of workloads: [WorkloadFigures]) -> [Picture] {
        let timed = workloads.filter { row in
            row.group == .latency && Target.allCases.contains { !curves(row, $0).isEmpty }
        }
        return timed.enumerated().map { picture($1, id: "latency-\($0 + 1)") }
    }

    private typealias Curve = [LatencySummary.Point]

    private static func picture(_ row: WorkloadFigures, id: String) -> Picture {
        let shown = Target.allCases.map { (Ink($0), curves(row, $0)) }.filter { !$0.1.isEmpty }
        let points = shown.flatMap(\.1).flatMap { $0 }
        var panel = Panel(
            id: id, title: row.name, description: description(of: row),
            x: .percentiles(to: points.map(\.percentile).max() ?? 99, from: Panel.left, length: Panel.innerWidth),
            y: .logarithmic(
                around: points.map(\.microseconds), from: Panel.bottom, length: -Panel.innerHeight, label: axisCount),
            xName: "percentile, counted from when a message was \(row.countedFrom)", yName: "latency, us",
            inks: shown.map(\.0))
        for (ink, curves) in shown {
            for (index, curve) in curves.enumerated() {
                let points = curve.map { (x: Axis.nines($0.percentile), y: $0.microseconds) }
                panel.drawCurve(points, ink, faint: index < curves.count - 1)
            }
        }
        return panel.picture
    }

    private static func description(of row: WorkloadFigures) -> String {
        let texts = Target.allCases.compactMap { target -> String? in
            guard let half = row.latency(target, \.p50) else { return nil }
            let name = target == .relay ? "through hubrelay" : "direct"
            return "\(name) 50 % within \(brief(half.median)), 99 % within "
                + "\(brief(row.latency(target, \.p99)?.median)), 99.9 % within "
                + brief(row.latency(target, \.p999)?.median)
        }
        return "Microseconds, medians of the rounds: " + texts.joined(separator: "; ") + "."
    }

    /// One curve for each round. The last one is the curve whose 99th percentile is the middle one.
    private static func curves(_ row: WorkloadFigures, _ target: Target) -> [Curve] {
        var sorted = row.runs(target).compactMap(\.latencies).filter { $0.count > 0 }.sorted { $0.p99 < $1.p99 }
        guard !sorted.isEmpty else { return [] }
        let middle = sorted.remove(at: (sorted.count - 1) / 2)
        return (sorted + [middle]).map(points)
    }

    /// The greatest of n latencies stands at the percentile 100 (1 - 1/n), because only 1/n of them are as great. A
    /// summary without a curve still has five points.
    private static func points(of summary: LatencySummary) -> Curve {
        let figures = [
            (50, summary.p50), (90, summary.p90), (99, summary.p99), (99.9, summary.p999), (100, summary.max),
        ]
        let coarse = figures.map { Curve.Element(percentile: $0.0, microseconds: $0.1) }
        let curve = summary.curve.isEmpty ? coarse : summary.curve
        let last = 100 * (1 - 1 / Double(max(summary.count, 2)))
        return curve.filter { $0.microseconds > 0 && $0.microseconds.isFinite }
            .map { .init(percentile: min($0.percentile, last), microseconds: $0.microseconds) }
    }
}
