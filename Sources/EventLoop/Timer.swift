internal import CLibuv

/// Calls back after a time, once or again and again.
package final class Timer {
    private let box = HandleBox<uv_timer_t>()
    private let body: () -> Void

    /// - Parameter body: called on the loop; may close the timer.
    package init(loop: Loop, body: @escaping () -> Void) {
        self.body = body
        uv_timer_init(loop.handle, box.pointer)
        box.adopt(self)
    }

    /// Starts it, or starts it anew. Times are in nanoseconds and are rounded up to milliseconds.
    package func start(after delay: UInt64, every interval: UInt64 = 0) {
        uv_timer_start(
            box.pointer, { handle in owner(of: handle?.pointee.data, as: Timer.self).body() },
            Self.milliseconds(delay), Self.milliseconds(interval))
    }

    package func stop() { uv_timer_stop(box.pointer) }

    /// The loop ends although this timer runs.
    package func unreference() { uv_unref(box.base) }

    /// It is not called any more.
    package func close() { box.close(releaseClosedHandle) }

    private static func milliseconds(_ nanoseconds: UInt64) -> UInt64 { (nanoseconds + 999_999) / 1_000_000 }
}
