/// Publishes without an id that were not taken, by cause, until a Loss frame reports them.
final class PublishLosses {
    private(set) var reports: [LossReport] = []
    /// The earliest time of the next Loss for publishes.
    var notBefore: UInt64 = 0

    /// - Parameter reason: called for the first publish of a report.
    func add(_ cause: Cause, isUnknown: Bool, reason: () -> String) {
        let place = reports.firstIndex { $0.cause == cause && ($0.publishesUnknown > 0) == isUnknown }
        let index = place ?? reports.count
        if place == nil { reports.append(LossReport(cause: cause, reason: reason())) }
        if isUnknown { reports[index].publishesUnknown += 1 } else { reports[index].publishes += 1 }
    }

    var isEmpty: Bool { reports.isEmpty }

    /// Removes and returns the oldest report.
    func takeFirst() -> LossReport { reports.removeFirst() }
}
