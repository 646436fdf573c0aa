internal import CLibuv

/// Calls back while a descriptor that somebody else owns is readable.
package final class ReadableWatcher {
    private let box = HandleBox<uv_poll_t>()
    private let body: () -> Void

    /// - Throws: `LoopError` when the descriptor cannot be polled.
    package init(loop: Loop, descriptor: Int32, body: @escaping () -> Void) throws(LoopError) {
        self.body = body
        let code = uv_poll_init(loop.handle, box.pointer, descriptor)
        guard code == 0 else {
            box.pointer.deallocate()
            throw LoopError("watching descriptor \(descriptor)", code)
        }
        box.adopt(self)
        uv_poll_start(box.pointer, Int32(UV_READABLE.rawValue)) { handle, _, _ in
            owner(of: handle?.pointee.data, as: ReadableWatcher.self).body()
        }
    }

    /// To be called before the descriptor is closed.
    package func close() { box.close(releaseClosedHandle) }
}

/// Calls back on the loop when the process gets a signal.
package final class SignalWatcher {
    private let box = HandleBox<uv_signal_t>()
    private let body: () -> Void

    package init(loop: Loop, signal: Int32, body: @escaping () -> Void) {
        self.body = body
        uv_signal_init(loop.handle, box.pointer)
        box.adopt(self)
        uv_signal_start(
            box.pointer, { handle, _ in owner(of: handle?.pointee.data, as: SignalWatcher.self).body() }, signal)
        uv_unref(box.base)
    }

    package func close() { box.close(releaseClosedHandle) }
}

/// Calls back once in the loop's next turn. The loop does not wait before that turn. For work that is done in portions,
/// so that everything else on the loop runs in between.
package final class NextTurn {
    private let box = HandleBox<uv_idle_t>()
    private let body: () -> Void

    package init(loop: Loop, body: @escaping () -> Void) {
        self.body = body
        uv_idle_init(loop.handle, box.pointer)
        box.adopt(self)
    }

    /// Does nothing if it is scheduled already.
    package func schedule() {
        uv_idle_start(box.pointer) { handle in
            uv_idle_stop(handle)
            owner(of: handle?.pointee.data, as: NextTurn.self).body()
        }
    }

    package func close() { box.close(releaseClosedHandle) }
}
