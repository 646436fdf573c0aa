internal import Glibc

/// A time on the monotonic clock. Something has to happen before it.
///
/// Every wait of the harness has a deadline, so that a test that waits for something that never comes fails with a
/// message, and does not hang.
package struct TestDeadline {
    /// The time of a wait that gives no time of its own. It is far more than anything that works needs, even with the
    /// sanitizers on a busy machine: only a failing test ever waits that long.
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

    /// The time that is left, rounded up to whole milliseconds, the unit of `poll`; 0 once the deadline has passed.
    package var remainingMilliseconds: Int32 {
        let now = TestDeadline.now
        return now >= end ? 0 : Int32(clamping: (end - now + 999_999) / 1_000_000)
    }
}

/// Waits until `condition` holds, and checks it every 5 ms. For what causes no event of its own, such as a counter in
/// Redis or a file that is removed.
/// - Throws: `TestFailure` with `what` when `seconds` have passed, or whatever `condition` throws.
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

/// The seconds that `body` takes, on the monotonic clock.
package func secondsTaken(by body: () throws -> Void) rethrows -> Double {
    let start = TestDeadline.now
    try body()
    return Double(TestDeadline.now - start) / 1e9
}
