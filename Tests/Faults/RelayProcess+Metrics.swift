import TestSupport

extension RelayProcess {
    /// The sum of all samples of a metric of /metrics, whatever their labels.
    func sum(of metric: String) throws -> Double {
        let lines = try http("/metrics").body.split(separator: "\n")
        return lines.filter { $0.hasPrefix(metric + "{") || $0.hasPrefix(metric + " ") }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
            .reduce(0, +)
    }
}
