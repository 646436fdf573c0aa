internal import CLibuv

/// A timer that the kernel keeps (timerfd_create(2)), on CLOCK_MONOTONIC, as precise as the kernel's own.
///
/// While a `Timer` runs, the loop waits with a timeout, which the kernel has to set and to cancel in every turn. This
/// one is a descriptor among the others, so it costs nothing but its callbacks: for what always runs.
package final class KernelTimer {
    private let descriptor: Int32
    private var watcher: ReadableWatcher?

    /// - Parameter body: called on the loop, in no particular order with what is read in the same turn; once for
    ///   moments that have passed together.
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

    /// Sets it, in place of what it was set to. Does nothing once it is closed.
    /// - Parameters:
    ///   - moment: monotonic nanoseconds, not 0. One that has passed: at once.
    ///   - interval: nanoseconds from then on until it calls again, and again; 0: never.
    package func set(_ moment: UInt64, every interval: UInt64 = 0) {
        guard watcher != nil else { return }
        hubrelay_set_timer(descriptor, moment, interval)
    }

    /// It is not called any more. May be called more than once.
    package func close() {
        guard let watcher else { return }
        watcher.close()
        self.watcher = nil
        hubrelay_close(descriptor)
    }
}
