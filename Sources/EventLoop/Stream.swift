internal import CLibuv

/// A connected socket on the loop: a Unix domain socket or TCP. Subclasses say what becomes of its events.
///
/// Writing never waits for writability first: bytes are offered to the kernel at once, and what it does not take is
/// copied into chunks that belong to the stream. `unsent` says how much that is; keeping it in bounds is the business
/// of whoever writes.
///
/// `open`, and what it mentions public, only because Swift lets no other module inherit from a `package` class.
open class Stream {
    public enum Kind { case unix, tcp }

    let loop: Loop
    private let kind: Kind
    /// A `uv_pipe_t` or a `uv_tcp_t`, both of which begin with a `uv_stream_t`, and that with a `uv_handle_t`. Freed
    /// right after `didClose`: nobody asks a stream for anything from then on.
    private let storage: UnsafeMutableRawPointer
    var handle: UnsafeMutablePointer<uv_stream_t> { storage.assumingMemoryBound(to: uv_stream_t.self) }
    /// The handle's descriptor, looked up at the first write; -1 before. Invariant: a handle has one for its whole life, and
    /// whatever closes it sets `isClosing` first, after which nothing is written.
    private var socket: Int32 = -1
    private var backlog: WriteBacklog?
    private var wantsShutdown = false
    /// A write has failed: nothing more can be sent, though there may be something to read.
    package private(set) var isWriteBroken = false
    package private(set) var isClosing = false
    private var lastReadTurn: UInt64 = .max
    /// libuv is asking for a buffer just now.
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

    /// Nothing more will come: the peer has shut its writing side (`error` nil), or reading has failed.
    open func didEnd(_ error: LoopError?) {}

    /// The kernel has taken some of what it had refused; `unsent` is smaller now.
    open func didSendBacklog() {}

    /// Nothing can be sent any more; what was unsent is gone.
    open func didFailToSend(_ error: LoopError) {}

    /// The handle is closed and about to go.
    open func didClose() {}

    /// How many bytes may be read, asked before every read; with 0 they stay in the kernel. The subclass calls `stopReading`
    /// as well then, or it is asked again in the next turn, and in every one after that.
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
        // One read a turn: a socket that is always full must not keep the others waiting.
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
        } else if count < 0, count != Int(UV_ENOBUFS.rawValue) {  // which is our own refusal to read now
            didEnd(LoopError("reading", Int32(count)))
        } else if stopsAfterAsking {
            uv_read_stop(handle)
        }
        stopsAfterAsking = false
    }

    package func stopReading() {
        // libuv calls back once more after it was refused a buffer, and it must find its callback then.
        if isAsking { stopsAfterAsking = true } else { uv_read_stop(handle) }
    }

    // MARK: Writing

    /// Bytes that the kernel has not taken yet.
    package var unsent: Int {
        guard let backlog else { return 0 }
        return backlog.queued + Int(uv_stream_get_write_queue_size(handle))
    }

    /// Offers bytes to the kernel and keeps a copy of what it does not take. Only once the socket is connected, and not after
    /// `shutdownWriting`.
    package func write(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        var range = uv_buf_t(base: base.assumingMemoryBound(to: CChar.self), len: bytes.count)
        withUnsafeMutablePointer(to: &range) { write(buffers: $0, count: 1) }
    }

    /// Offers ranges to the kernel in one call and keeps a copy of what it does not take. Only once the socket is connected,
    /// and not after `shutdownWriting`.
    /// - Parameters:
    ///   - ranges: each laid out like `struct iovec` (a pointer and a length). What they say is changed, and the memory is
    ///     bound to libuv's type for it; the caller does not look at it again.
    ///   - count: how many there are.
    package func write(ranges: UnsafeMutableRawPointer, count: Int) {
        write(buffers: ranges.bindMemory(to: uv_buf_t.self, capacity: count), count: count)
    }

    private func write(buffers: UnsafeMutablePointer<uv_buf_t>, count: Int) {
        guard !isClosing, !isWriteBroken else { return }
        assert(!wantsShutdown, "nothing is written behind the end of what was written")
        if socket < 0 { socket = descriptor ?? -1 }
        var (next, left) = (buffers, count)
        // What libuv writes is the backlog alone, so without one nothing is overtaken.
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
        didFailToSend(LoopError("writing", code))  // may ask for `unsent`
        backlog?.discard()
    }

    /// Shuts the writing side once everything has been sent.
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

    /// Whether something has come that has not been read, or the end of it.
    package var hasInput: Bool { descriptor.map { hubrelay_has_input($0) != 0 } ?? false }

    // MARK: Opening and closing

    var base: UnsafeMutablePointer<uv_handle_t> { storage.assumingMemoryBound(to: uv_handle_t.self) }

    /// The socket's descriptor; nil when it has none.
    package var descriptor: Int32? {
        var descriptor: Int32 = -1
        return uv_fileno(base, &descriptor) == 0 ? descriptor : nil
    }

    /// Closes the socket; nothing is called after this but `didClose`. May be called more than once. What the kernel has
    /// taken still goes out, unless the socket is TCP and holds bytes that nobody has read.
    package func close() {
        guard !isClosing else { return }
        isClosing = true
        uv_close(base, streamClosed)
    }

    /// The same, but what the peer's kernel has not received by now never arrives: TCP resets the connection (RST, RFC
    /// 9293, 3.10.5). For a Unix socket there is no difference, as the kernel has nothing of its own to send.
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
