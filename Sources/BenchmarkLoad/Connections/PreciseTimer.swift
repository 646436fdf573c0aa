internal import CBenchmark
internal import EventLoop
internal import Glibc

/// Ends a wait of the loop at a moment, to microseconds; the loop's own timers know milliseconds only (timerfd_create(2)).
final class PreciseTimer {
    private let descriptor: Int32
    private var watcher: ReadableWatcher?

    init(_ driver: Driver) throws(BenchmarkFailure) {
        let descriptor = hubrelay_timer()
        guard descriptor >= 0 else { throw BenchmarkFailure("no timer: errno \(-descriptor)") }
        self.descriptor = descriptor
        do throws(LoopError) {
            watcher = try ReadableWatcher(loop: driver.loop, descriptor: descriptor) {
                hubrelay_clear_timer(descriptor)
            }
        } catch {
            Glibc.close(descriptor)
            throw BenchmarkFailure("no timer: \(error)")
        }
    }

    /// - Parameter moment: monotonic nanoseconds, not 0.
    func set(_ moment: UInt64) { hubrelay_set_timer(descriptor, moment) }

    /// To be called once.
    func close() {
        watcher?.close()
        watcher = nil
        Glibc.close(descriptor)
    }
}
