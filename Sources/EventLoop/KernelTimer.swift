internal import CLibuv

/// A timer that the kernel keeps (timerfd_create(2)), on CLOCK_MONOTONIC, as precise as the kernel's own.
///
/// While a `Timer` runs, the loop waits with a timeout, which the kernel has to set and to cancel in every turn. A
/// kernel timer is one more descriptor, which costs nothing but its callbacks. It is for timers that always run.
package final class KernelTimer {
    private let descriptor: Int32
    private var watcher: ReadableWatcher?

    /// - Parameter body: called on the loop, in no particular order with the reads of the same turn. Called only once
    ///   for several moments that have passed.
    /// - Throws: `LoopError` when there is no descriptor left.
    package init(loop: Loop, body: @escaping () -> Void) throws(LoopError) {
        let descriptor = hubrelay_timer()
        guard descriptor >= 0 else { throw LoopError("timer", descriptor) }
        self.descriptor = descriptor
        do throws(LoopError) {
            watcher = try ReadableWatcher(loop: loop, descriptor: descriptor) {
                hubrelay_clear_timer(descriptor)
                body()
            }
        } catch {
            hubrelay_close(descriptor)
            throw error
        }
    }

    /// Sets the timer, in place of what was set before. Does nothing once it is closed.
    /// - Parameters:
    ///   - moment: monotonic nanoseconds, not 0. If it has passed, the timer calls at once.
    ///   - interval: nanoseconds from each call to the next one; 0: it calls only once.
    package func set(_ moment: UInt64, every interval: UInt64 = 0) {
        guard watcher != nil else { return }
        hubrelay_set_timer(descriptor, moment, interval)
    }

    /// Ends the calls. May be called more than once.
    package func close() {
        guard let watcher else { return }
        watcher.close()
        self.watcher = nil
        hubrelay_close(descriptor)
    }
}
