internal import CMicrohttpd
internal import Glibc

/// Why the HTTP server did not start.
package struct AdminServerError: Error, Equatable, CustomStringConvertible {
    /// What the library, which tells no reason, left in `errno`; 0 if nothing.
    package let code: Int32

    package var description: String {
        let reason = code == 0 ? "" : ": \(String(cString: strerror(code))) (errno \(code))"
        return "cannot start the HTTP server: libmicrohttpd could not open its epoll descriptor\(reason)"
    }
}

/// HTTP/1.1 for health checks and metrics by libmicrohttpd, on the caller's event loop and thread.
///
/// The library has an epoll descriptor of its own in which it watches its connections. The caller watches
/// that one descriptor and calls `run()` when it is readable or `timeoutMilliseconds` have passed: so a loop
/// that hangs answers nothing, which is what a health check is for. The caller accepts connections, too, and hands
/// them over by `add`: a server that is full makes room for the next prober, which the library has no way to do.
///
/// Bounds: see `Bounds`; besides, 16 KiB of memory a connection, and 64 KiB of a request's body, which is read and
/// dropped. One `run()` answers at most two requests of each connection, whatever has been sent. GET and HEAD go to the
/// handler, other methods get 405.
package final class AdminServer {
    /// Answers a request. Called within `run()`; it may call `close()`, and must not call `run()` or `add`.
    /// - Returns: nil when the answer has to wait: the next `run()` asks again, and others after it where several wait. So
    ///   what is dear is done by portions.
    package typealias Handler = (AdminRequest) -> AdminResponse?

    /// What connections can take.
    package struct Bounds {
        /// Connections that are open. When all places are taken, a new one takes that of a connection which has sent a
        /// whole request already, or else of the one that has been without for the longest time.
        package var places = 64
        /// Nanoseconds for a whole request, from the connection's beginning or the last answer on.
        package var requestTime: UInt64 = 10_000_000_000
        /// Nanoseconds for an answer to be read, but for what the kernel holds.
        package var answerTime: UInt64 = 10_000_000_000
        /// The last of this many answers closes the connection.
        package var requestsPerConnection = 100
        /// Connections that may be added between two calls of `run()`. As many that had to make room for them may still
        /// have their descriptors until the next one.
        package var addsPerRun = 16

        package init() {}
    }

    let handler: Handler
    package let bounds: Bounds
    /// Nil: any Host is allowed.
    let hosts: AllowedHosts?
    let now: () -> UInt64
    /// Nil once closed.
    private var daemon: OpaquePointer?
    private var isRunning = false
    private var closeAfterRun = false
    /// Suspended requests, whose answers have to wait, the oldest first.
    private var waiting: [OpaquePointer] = []
    /// All that the library has, those that were ended included.
    private var connections: [ObjectIdentifier: AdminConnection] = [:]

    /// - Parameters:
    ///   - hosts: what a request may have in its Host field; nil: anything.
    ///   - now: monotonic nanoseconds.
    package init(
        bounds: Bounds = Bounds(), hosts: AllowedHosts? = nil, now: @escaping () -> UInt64,
        handler: @escaping Handler
    ) throws(AdminServerError) {
        (self.bounds, self.hosts, self.now, self.handler) = (bounds, hosts, now, handler)
        errno = 0
        // Unretained: the library calls back only within MHD_run, MHD_add_connection and MHD_stop_daemon, and `deinit`
        // stops it.
        let closure = Unmanaged.passUnretained(self).toOpaque()
        daemon = hubrelay_http_start(
            UInt32(bounds.places + bounds.addsPerRun), 16 * 1024, onAccess, onURI, onCompleted, onConnection, closure)
        guard let daemon else { throw AdminServerError(code: errno) }
        guard hubrelay_http_epoll_descriptor(daemon) >= 0 else {
            stop()
            throw AdminServerError(code: ENOSYS)
        }
    }

    deinit { stop() }

    /// The library's epoll descriptor, to be watched for readability; -1 once closed. Stop watching before
    /// `close()`.
    package var pollDescriptor: Int32 { daemon.map { hubrelay_http_epoll_descriptor($0) } ?? -1 }

    /// How many connections are open.
    package var connectionCount: Int { connections.values.count { !$0.isEnded } }

    /// Takes over a connection that was accepted, TCP or Unix, non-blocking: it is closed here, also where it finds no
    /// place. To be called at most `Bounds.addsPerRun` times between two calls of `run()`.
    package func add(_ descriptor: Int32) {
        guard let daemon, !isRunning else { return _ = Glibc.close(descriptor) }
        if connectionCount >= bounds.places {
            connections.values.filter { !$0.isEnded }.min { $0.hasLessRight(than: $1) }?.end()
        }
        _ = hubrelay_http_add(daemon, descriptor)
    }

    /// Does what is ready: reads, answers, closes what timed out. Never blocks. Does nothing once closed.
    package func run() {
        guard let daemon, !isRunning else { return }
        isRunning = true
        // One a run: what it costs is what others wait for.
        if !waiting.isEmpty { MHD_resume_connection(waiting.removeFirst()) }
        _ = MHD_run(daemon)
        isRunning = false
        if closeAfterRun { return stop() }
        // After what has come in time, and perhaps had to wait for us.
        let now = now()
        for connection in connections.values where !connection.isEnded && deadline(of: connection) <= now {
            connection.end()
        }
    }

    /// How long the caller may wait for the descriptor before it calls `run()` all the same. Nil: forever.
    /// To be asked after each `run()` and `add`; 0 means that there is more to do, once the caller has done what else
    /// it has.
    package var timeoutMilliseconds: UInt64? {
        guard let daemon else { return nil }
        if !waiting.isEmpty { return 0 }
        var timeout: CUnsignedLongLong = 0
        if MHD_get_timeout(daemon, &timeout) == hubrelay_http_yes, timeout == 0 { return 0 }
        guard let next = connections.values.lazy.filter({ !$0.isEnded }).map(deadline).min() else { return nil }
        let now = now()
        return next > now ? (next - now + 999_999) / 1_000_000 : 0
    }

    private func deadline(of connection: AdminConnection) -> UInt64 {
        connection.since + (connection.phase == .requesting ? bounds.requestTime : bounds.answerTime)
    }

    /// Drops every connection. Idempotent. Within the handler it waits for the end of `run()`.
    package func close() {
        if isRunning { closeAfterRun = true } else { stop() }
    }

    private func stop() {
        guard let daemon else { return }
        self.daemon = nil
        // The library must not be stopped with suspended requests.
        for connection in waiting { MHD_resume_connection(connection) }
        waiting.removeAll()
        MHD_stop_daemon(daemon)
    }

    /// The answer to a request has to wait. The library does nothing with its connection until it is resumed.
    func suspend(_ connection: OpaquePointer) {
        MHD_suspend_connection(connection)
        waiting.append(connection)
    }

    // MARK: What the library tells

    func connectionStarted(_ descriptor: Int32) -> AdminConnection {
        let connection = AdminConnection(descriptor: descriptor, now: now())
        connections[ObjectIdentifier(connection)] = connection
        return connection
    }

    func connectionClosed(_ connection: AdminConnection) { connections[ObjectIdentifier(connection)] = nil }
}
