internal import CLibuv

/// A connected socket on the loop: a Unix domain socket or TCP. Subclasses handle its events.
///
/// Writing never waits for writability first. Bytes are offered to the kernel at once, and those that it does not take
/// are copied into chunks that belong to the stream. `unsent` says how many these are. The code that writes must keep
/// them in bounds.
///
/// It is `open`, and what it mentions is public, only because Swift lets no other module inherit from a `package`
/// class.
open class Stream {
    public enum Kind { case unix, tcp }

    let loop: Loop
    private let kind: Kind
    /// A `uv_pipe_t` or a `uv_tcp_t`. Both begin with a `uv_stream_t`, which begins with a `uv_handle_t`. Freed right
    /// after `didClose`: nothing uses the stream from then on.
    private let storage: UnsafeMutableRawPointer
    var handle: UnsafeMutablePointer<uv_stream_t> { storage.assumingMemoryBound(to: uv_stream_t.self) }
    /// The handle's descriptor, looked up at the first write; -1 before that. Invariant: a handle keeps its descriptor
    /// for its whole life, and the code that closes it sets `isClosing` first, after which nothing is written.
    private var socket: Int32 = -1
    private var backlog: WriteBacklog?
    private var wantsShutdown = false
    /// A write has failed: nothing more can be sent, though there may be something to read.
    package private(set) var isWriteBroken = false
    package private(set) var isClosing = false
    private var lastReadTurn: UInt64 = .max
    /// libuv is asking for a buffer at this moment.
    private var isAsking = false
    private var stopsAfterAsking = false

    public init(loop: Loop, kind: Kind) {
        (self.loop, self.kind) = (loop, kind)
        let size = kind == .unix ? MemoryLayout<uv_pipe_t>.size : MemoryLayout<uv_tcp_t>.size
        storage = .allocate(byteCount: size, alignment: 16)
        switch kind {
        case .unix: uv_pipe_init(loop.handle, storage.assumingMemoryBound(to: uv_pipe_t.self), 0)
        case .tcp: uv_tcp_init(loop.handle, storage.assumingMemoryBound(to: uv_tcp_t.self))
        }
        handle.pointee.data = Unmanaged.passRetained(self).toOpaque()  // released in the close callback
    }

    // MARK: For subclasses

    /// Bytes have come. They are valid during the call. The stream may be closed in it.
    open func didRead(_ bytes: UnsafeRawBufferPointer) {}

    /// Nothing more will come: the peer has shut down its write side (`error` is nil), or reading has failed.
    open func didEnd(_ error: LoopError?) {}

    /// The kernel has taken some of the bytes that it had refused. `unsent` is smaller now.
    open func didSendBacklog() {}

    /// Nothing can be sent any more, and the unsent bytes are lost.
    open func didFailToSend(_ error: LoopError) {}

    /// The handle is closed, and will be freed after this call.
    open func didClose() {}

    /// How many bytes may be read, asked before every read. With 0 they stay in the kernel. The subclass then also
    /// calls `stopReading`, or it is asked again in the next turn, and in every one after that.
    open func readLimit() -> Int { .max }

    // MARK: Reading

    /// - Throws: `LoopError` when the socket is not connected.
    package func startReading() throws(LoopError) {
        let code = uv_read_start(handle) { handle, _, buffer in
            guard let buffer else { return }
            withOwner(of: handle?.pointee.data, as: Stream.self) { $0.offerBuffer(&buffer.pointee) }
        } _: { handle, count, buffer in
            let base = buffer?.pointee.base
            withOwner(of: handle?.pointee.data, as: Stream.self) { $0.finishRead(count, base) }
        }
        guard code == 0 else { throw LoopError("reading", code) }
    }

    /// Lends libuv the buffer that all streams share, or none if this is not the time to read.
    private func offerBuffer(_ buffer: inout uv_buf_t) {
        // One read per turn: a socket that is always full must not keep the others waiting.
        isAsking = true
        let limit = lastReadTurn != loop.turn ? readLimit() : 0
        isAsking = false
        guard limit > 0 else {
            buffer = uv_buf_init(nil, 0)
            return
        }
        lastReadTurn = loop.turn
        let shared = loop.readBuffer
        buffer = uv_buf_init(shared.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(min(limit, shared.count)))
    }

    private func finishRead(_ count: Int, _ base: UnsafeMutablePointer<CChar>?) {
        if count > 0 {
            didRead(UnsafeRawBufferPointer(start: base, count: count))
        } else if count == Int(UV_EOF.rawValue) {
            didEnd(nil)
        } else if count < 0, count != Int(UV_ENOBUFS.rawValue) {  // ENOBUFS is our own refusal to read now
            didEnd(LoopError("reading", Int32(count)))
        } else if stopsAfterAsking {
            uv_read_stop(handle)
        }
        stopsAfterAsking = false
    }

    package func stopReading() {
        // libuv calls back once more after it was refused a buffer, and its callback must still be set then.
        if isAsking { stopsAfterAsking = true } else { uv_read_stop(handle) }
    }

    // MARK: Writing

    /// Bytes that the kernel has not taken yet.
    package var unsent: Int {
        guard let backlog else { return 0 }
        return backlog.queued + Int(uv_stream_get_write_queue_size(handle))
    }

    /// Offers bytes to the kernel, and keeps a copy of those that it does not take. To be called only once the socket
    /// is connected, and not after `shutdownWriting`.
    package func write(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        var range = uv_buf_t(base: base.assumingMemoryBound(to: CChar.self), len: bytes.count)
        withUnsafeMutablePointer(to: &range) { write(buffers: $0, count: 1) }
    }

    /// Offers ranges to the kernel in one call, and keeps a copy of the bytes that it does not take. To be called only
    /// once the socket is connected, and not after `shutdownWriting`.
    /// - Parameters:
    ///   - ranges: each laid out like `struct iovec` (a pointer and a length). Their contents are changed, and the
    ///     memory is bound to libuv's type for them, so the caller must not read them again.
    ///   - count: how many there are.
    package func write(ranges: UnsafeMutableRawPointer, count: Int) {
        write(buffers: ranges.bindMemory(to: uv_buf_t.self, capacity: count), count: count)
    }

    private func write(buffers: UnsafeMutablePointer<uv_buf_t>, count: Int) {
        guard !isClosing, !isWriteBroken else { return }
        assert(!wantsShutdown, "nothing is written behind the end of what was written")
        if socket < 0 { socket = descriptor ?? -1 }
        var (next, left) = (buffers, count)
        // libuv writes only the backlog. So if there is no backlog, these bytes overtake nothing.
        while left > 0, backlog == nil {
            let taken = hubrelay_send(socket, next, UInt32(min(left, 1024)))
            if taken == Int(UV_EAGAIN.rawValue) { break }
            guard taken >= 0 else { return sendingFailed(Int32(taken)) }
            var rest = taken
            while left > 0, rest >= next.pointee.len {
                rest -= next.pointee.len
                next += 1
                left -= 1
            }
            guard rest == 0 || left == 0 else {
                next.pointee.base += rest
                next.pointee.len -= rest
                break
            }
            if taken == 0 { break }
        }
        guard left > 0 else { return }
        let backlog = self.backlog ?? WriteBacklog()
        self.backlog = backlog
        for index in 0..<left {
            backlog.append(UnsafeRawBufferPointer(start: next[index].base, count: next[index].len))
        }
        sendBacklog()
    }

    private func sendBacklog() {
        guard let backlog, !backlog.isSending, var range = backlog.beginSending() else { return }
        let code = uv_write(backlog.request, handle, &range, 1) { request, status in
            owner(of: request?.pointee.handle.pointee.data, as: Stream.self).didWriteChunk(status)
        }
        if code != 0 { sendingFailed(code) }
    }

    private func didWriteChunk(_ status: Int32) {
        backlog?.endSending()
        guard status == 0, !isClosing else {
            if status != 0, !isClosing { sendingFailed(status) }
            return
        }
        sendBacklog()
        if backlog?.isEmpty == true {
            backlog = nil
            if wantsShutdown { shutDown() }
        }
        didSendBacklog()
    }

    private func sendingFailed(_ code: Int32) {
        guard !isWriteBroken else { return }
        isWriteBroken = true
        didFailToSend(LoopError("writing", code))  // the subclass may read `unsent`
        backlog?.discard()
    }

    /// Shuts down the write side once everything has been sent.
    package func shutdownWriting() {
        guard !wantsShutdown, !isClosing else { return }
        wantsShutdown = true
        if backlog == nil { shutDown() }
    }

    private func shutDown() {
        guard !isClosing, !isWriteBroken else { return }
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let code = uv_shutdown(request, handle) { request, _ in request?.deallocate() }
        if code != 0 { request.deallocate() }
    }

    /// Whether the peer has closed both directions, so that nothing written can arrive.
    package var isHungUp: Bool {
        var descriptor: Int32 = -1
        guard uv_fileno(base, &descriptor) == 0 else { return true }
        return hubrelay_is_hung_up(descriptor) != 0
    }

    /// Whether there is something to read: bytes, or the end of the stream.
    package var hasInput: Bool { descriptor.map { hubrelay_has_input($0) != 0 } ?? false }

    // MARK: Opening and closing

    var base: UnsafeMutablePointer<uv_handle_t> { storage.assumingMemoryBound(to: uv_handle_t.self) }

    /// The socket's descriptor; nil if it has none.
    package var descriptor: Int32? {
        var descriptor: Int32 = -1
        return uv_fileno(base, &descriptor) == 0 ? descriptor : nil
    }

    /// Closes the socket. After this only `didClose` is called. May be called more than once. What the kernel has taken
    /// is still sent, unless the socket is TCP and holds bytes that nobody has read.
    package func close() {
        guard !isClosing else { return }
        isClosing = true
        uv_close(base, streamClosed)
    }

    /// Closes the socket, but what the peer's kernel has not received by now never arrives: TCP resets the connection
    /// (RST, RFC 9293, 3.10.5). For a Unix socket this is the same as `close`, as the kernel has nothing left to send.
    package func reset() {
        guard !isClosing else { return }
        isClosing = true
        let tcp = storage.assumingMemoryBound(to: uv_tcp_t.self)
        guard kind == .tcp, uv_tcp_close_reset(tcp, streamClosed) == 0 else { return uv_close(base, streamClosed) }
    }
}

private func streamClosed(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
    let stream = owner(of: handle?.pointee.data, as: Stream.self)
    stream.didClose()
    releaseClosedHandle(handle)
}
