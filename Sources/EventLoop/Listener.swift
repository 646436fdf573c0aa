internal import CLibuv

/// Accepts connections on a socket that is already bound and listening.
///
/// It does not use `uv_listen`. If accepting keeps failing (no descriptor left in the process or in the system, no
/// memory), libuv may try again within one callback for as long as it fails, and nothing else on the loop runs. Here
/// the peers wait in the kernel, and the listener tries again after a pause.
package final class Listener {
    /// Nanoseconds.
    private static let pauseAfterFailure: UInt64 = 100_000_000
    private static let longestBacklog = 4096

    private let box = HandleBox<uv_poll_t>()
    private let descriptor: Int32
    private let acceptsPerTurn: Int
    private let body: (LoopError?) -> Void
    private var pause: Timer?
    /// A descriptor that was accepted, and not yet given to a stream; -1: none.
    private var waiting: Int32 = -1
    private var isFailing = false
    private var isClosed = false

    /// - Parameter descriptor: owned by the listener from here on, also when this throws.
    /// - Parameter body: called when a connection waits for `accept` or `take`; and with an error when accepting has
    ///   begun to fail, once until it works again.
    package init(
        loop: Loop, descriptor: Int32, acceptsPerTurn: Int = 256, body: @escaping (LoopError?) -> Void
    ) throws(LoopError) {
        (self.descriptor, self.acceptsPerTurn, self.body) = (descriptor, acceptsPerTurn, body)
        let code = uv_poll_init(loop.handle, box.pointer, descriptor)
        guard code == 0 else {
            box.pointer.deallocate()
            hubrelay_close(descriptor)
            throw LoopError("listening", code)
        }
        box.adopt(self)
        pause = Timer(loop: loop) { [unowned self] in watch() }
        watch()
    }

    private func watch() {
        uv_poll_start(box.pointer, Int32(UV_READABLE.rawValue)) { handle, _, _ in
            owner(of: handle?.pointee.data, as: Listener.self).acceptSome()
        }
    }

    private func acceptSome() { accept(atMost: acceptsPerTurn) }

    private func accept(atMost count: Int) {
        for _ in 0..<count where !isClosed {
            waiting = hubrelay_accept(descriptor)
            if waiting >= 0 {
                isFailing = false
                body(nil)
                if waiting >= 0 { hubrelay_close(waiting) }
                continue
            }
            switch waiting {
            case Int32(UV_EAGAIN.rawValue): return
            case Int32(UV_ECONNABORTED.rawValue), Int32(UV_EINTR.rawValue): continue
            case let code: return failed(code)
            }
        }
    }

    private func failed(_ code: Int32) {
        uv_poll_stop(box.pointer)
        pause?.start(after: Self.pauseAfterFailure)
        guard !isFailing else { return }
        isFailing = true
        body(LoopError("accepting", code))
    }

    /// Gives the waiting connection to `client`, which must be a fresh Unix stream.
    package func accept(into client: Stream) throws(LoopError) {
        let descriptor = waiting
        waiting = -1
        let code = uv_pipe_open(
            UnsafeMutableRawPointer(client.handle).assumingMemoryBound(to: uv_pipe_t.self), descriptor)
        guard code == 0 else {
            hubrelay_close(descriptor)
            throw LoopError("accepting", code)
        }
    }

    /// Gives the waiting connection to the caller, who owns its descriptor from then on. It is non-blocking and
    /// close-on-exec.
    package func take() -> Int32 {
        defer { waiting = -1 }
        return waiting
    }

    /// Accepts every connection that waits now. To be called before `close`, if nobody can reach the socket any more.
    package func acceptRest() { accept(atMost: Self.longestBacklog) }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        pause?.close()
        box.close(releaseClosedHandle)
        hubrelay_close(descriptor)
    }
}
