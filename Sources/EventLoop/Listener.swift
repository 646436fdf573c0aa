internal import CLibuv

/// Accepts connections on a Unix socket that is bound and listening already.
package final class Listener {
    private let box = HandleBox<uv_pipe_t>()
    private let loop: Loop
    private let body: (LoopError?) -> Void
    private var stream: UnsafeMutablePointer<uv_stream_t> {
        UnsafeMutableRawPointer(box.pointer).assumingMemoryBound(to: uv_stream_t.self)
    }

    /// - Parameter descriptor: owned by the listener from here on, also when this throws.
    /// - Parameter body: a connection waits for `accept`, or accepting has failed (out of descriptors; libuv has then
    ///   closed the connections that waited, so that the loop does not spin on them).
    package init(
        loop: Loop, descriptor: Int32, backlog: Int32, body: @escaping (LoopError?) -> Void
    ) throws(LoopError) {
        (self.loop, self.body) = (loop, body)
        uv_pipe_init(loop.handle, box.pointer, 0)
        box.adopt(self)
        var code = uv_pipe_open(box.pointer, descriptor)
        if code == 0 {
            code = uv_listen(stream, backlog) { handle, status in
                let listener = owner(of: handle?.pointee.data, as: Listener.self)
                listener.body(status == 0 ? nil : LoopError("accepting", status))
            }
        }
        guard code == 0 else {
            close()
            throw LoopError("listening", code)
        }
    }

    /// Gives the connection that waits to `client`, which must be a fresh Unix stream.
    package func accept(into client: Stream) throws(LoopError) {
        let code = uv_accept(stream, client.handle)
        guard code == 0 else { throw LoopError("accepting", code) }
    }

    package func close() { box.close(releaseClosedHandle) }
}
