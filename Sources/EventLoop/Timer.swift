internal import CLibuv

/// Calls back after a time, once or repeatedly.
package final class Timer {
    private let box = HandleBox<uv_timer_t>()
    /// Unowned: a loop outlives its timers.
    private unowned let loop: Loop
    private let body: () -> Void

    /// - Parameter body: called on the loop; may close the timer.
    package init(loop: Loop, body: @escaping () -> Void) {
        (self.loop, self.body) = (loop, body)
        uv_timer_init(loop.handle, box.pointer)
        box.adopt(self)
    }

    /// Starts or restarts the timer. Times are in nanoseconds and are rounded up to milliseconds.
    ///
    /// Without a delay it is called in the next turn. If it is started within a timer's callback, the delay is at least
    /// a millisecond: libuv calls timers as long as one is due, so timers that start one another at once would stop
    /// everything else.
    package func start(after delay: UInt64, every interval: UInt64 = 0) {
        uv_timer_start(
            box.pointer, { handle in owner(of: handle?.pointee.data, as: Timer.self).called() },
            max(Self.milliseconds(delay), loop.isCallingTimers ? 1 : 0), Self.milliseconds(interval))
    }

    private func called() {
        loop.isCallingTimers = true
        body()
        loop.isCallingTimers = false
    }

    package func stop() { uv_timer_stop(box.pointer) }

    /// Lets the loop end although this timer runs.
    package func unreference() { uv_unref(box.base) }

    /// Ends the calls.
    package func close() { box.close(releaseClosedHandle) }

    private static func milliseconds(_ nanoseconds: UInt64) -> UInt64 { (nanoseconds + 999_999) / 1_000_000 }
}
