internal import Glibc

/// A point on the monotonic clock until which something has to happen.
///
/// Every wait of the harness has one, so that a test which waits for something that never comes fails with a
/// sentence instead of hanging.
package struct TestDeadline {
    /// What a wait gets that names no time of its own: far more than anything needs that works, even with the
    /// sanitizers on a busy machine, because only a failing test ever waits for so long.
    package static let patience = 60.0

    private let end: UInt64

    /// - Parameter seconds: how far away the deadline is.
    package init(within seconds: Double = TestDeadline.patience) {
        end = TestDeadline.now + UInt64(seconds * 1e9)
    }

    /// The monotonic clock in nanoseconds.
    package static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    package var isOver: Bool { TestDeadline.now >= end }

    /// What is left, rounded up to whole milliseconds as `poll` takes them; 0 once the deadline has passed.
    package var remainingMilliseconds: Int32 {
        let now = TestDeadline.now
        return now >= end ? 0 : Int32(clamping: (end - now + 999_999) / 1_000_000)
    }
}

/// Waits until `condition` holds, looking every 5 ms: for what gives no event of its own, such as a counter in Redis
/// or a file that goes away.
/// - Throws: `TestFailure` naming `what` when `seconds` have passed, or whatever `condition` throws.
package func eventually(
    _ what: String, within seconds: Double = TestDeadline.patience, line: UInt = #line,
    _ condition: () throws -> Bool
) throws {
    let deadline = TestDeadline(within: seconds)
    while try !condition() {
        if deadline.isOver { throw TestFailure("line \(line): not within \(seconds) s: \(what)") }
        usleep(5000)
    }
}

/// The seconds that `body` took, on the monotonic clock.
package func secondsTaken(by body: () throws -> Void) rethrows -> Double {
    let start = TestDeadline.now
    try body()
    return Double(TestDeadline.now - start) / 1e9
}
