import TestSupport

extension TestConnection {
    /// The Statuses that have come so far.
    /// - Throws: `TestFailure` when any other frame has come.
    func collectStatuses(line: UInt = #line) throws -> [HubrelayStatus] {
        var statuses: [HubrelayStatus] = []
        while let frame = try nextIfAny(within: 0, line: line) {
            guard case .status(let status) = frame.frame else {
                throw TestFailure("line \(line): expected a Status, got \(frame.summary)")
            }
            statuses.append(status)
        }
        return statuses
    }
}
