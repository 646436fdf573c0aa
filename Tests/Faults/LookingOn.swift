import TestSupport

/// Lets a time pass in which a test looks on; other tests run meanwhile.
func lookOn(for seconds: Double) async throws { try await Task.sleep(for: .seconds(seconds)) }

/// As `eventually`, for what takes seconds by its nature: other tests run meanwhile.
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
    /// Looks on for a while; gives the first frame that came in it.
    func nextIfAny(inTheCourseOf seconds: Double, line: UInt = #line) async throws -> HubrelayRelayFrame? {
        try await lookOn(for: seconds)
        return try nextIfAny(within: 0, line: line)
    }
}

/// How fast a count grows, in a second: a test that looks on may be called back late.
func rate(over seconds: Double, of count: () throws -> Int) async throws -> Double {
    let (start, before) = (TestDeadline.now, try count())
    try await lookOn(for: seconds)
    return Double(try count() - before) * 1e9 / Double(TestDeadline.now - start)
}
