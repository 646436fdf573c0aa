import TestSupport

/// Waits for some seconds, while other tests run.
func lookOn(for seconds: Double) async throws { try await Task.sleep(for: .seconds(seconds)) }

/// Like `eventually`, but for what takes seconds by its nature: other tests run in the meantime.
func inTheEnd(
    _ what: String, within seconds: Double = TestDeadline.patience, line: UInt = #line, _ condition: () throws -> Bool
) async throws {
    let deadline = TestDeadline(within: seconds)
    while try !condition() {
        if deadline.isOver { throw TestFailure("line \(line): not within \(seconds) s: \(what)") }
        try await lookOn(for: 0.05)
    }
}

extension TestConnection {
    /// Waits for some seconds, and returns the first frame that came in this time; nil if none came.
    func nextIfAny(inTheCourseOf seconds: Double, line: UInt = #line) async throws -> HubrelayRelayFrame? {
        try await lookOn(for: seconds)
        return try nextIfAny(within: 0, line: line)
    }
}

/// How fast a count grows, per second. It measures the time, because a waiting test may be resumed late.
func rate(over seconds: Double, of count: () throws -> Int) async throws -> Double {
    let (start, before) = (TestDeadline.now, try count())
    try await lookOn(for: seconds)
    return Double(try count() - before) * 1e9 / Double(TestDeadline.now - start)
}
