internal import CMicrohttpd
internal import Glibc

/// Why the HTTP server did not start.
package struct AdminServerError: Error, Equatable, CustomStringConvertible {
    /// What the library left in `errno`, since it reports no reason; 0 if it left nothing.
    package let code: Int32

    package var description: String {
        let reason = code == 0 ? "" : ": \(String(cString: strerror(code))) (errno \(code))"
        return "cannot start the HTTP server: libmicrohttpd could not open its epoll descriptor\(reason)"
    }
}

/// An HTTP/1.1 server for health checks and metrics, by libmicrohttpd, on the caller's event loop and thread.
///
/// The library watches its connections with an epoll descriptor of its own. The caller watches that descriptor, and
/// calls `run()` when it is readable or `timeoutMilliseconds` have passed. So a loop that hangs answers nothing, which
/// is what a health check is for. The caller also accepts connections, and passes them to `add`: a full server can then
/// make room for the next prober, which the library cannot do.
///
/// Limits: see `Bounds`. There are also 16 KiB of memory for a connection, and 64 KiB for the body of a request, which
/// is read and dropped. One `run()` answers at most two requests of each connection, however many were sent. GET and
/// HEAD go to the handler; other methods get 405.
package final class AdminServer {
    /// Answers a request. Called within `run()`. It may call `close()`, and must not call `run()` or `add`.
    /// - Returns: nil if the answer has to wait. Each `run()` asks again for one of the waiting requests, the oldest
    ///   first. So expensive work is done in portions.
    package typealias Handler = (AdminRequest) -> AdminResponse?

    /// The limits of connections.
    package struct Bounds {
        /// The most connections that may be open. If all places are taken, a new connection replaces one that has
        /// already sent a complete request or, if there is none, the one that has waited for its first request for the
        /// longest time.
        package var places = 64
        /// Nanoseconds for a complete request, from the beginning of the connection or from the last answer.
        package var requestTime: UInt64 = 10_000_000_000
        /// Nanoseconds for the client to read an answer, except for what the kernel buffers.
        package var answerTime: UInt64 = 10_000_000_000
        /// Answers on one connection. The last of them closes it.
        package var requestsPerConnection = 100
        /// Connections that may be added between two calls of `run()`. Up to this many connections that had to make
        /// room may keep their descriptors until the next `run()`.
        package var addsPerRun = 16

        package init() {}
    }

    let handler: Handler
    package let bounds: Bounds
    /// The allowed hosts; nil if any Host is allowed.
    let hosts: AllowedHosts?
    let now: () -> UInt64
    /// The library's server; nil once closed.
    private var daemon: OpaquePointer?
    private var isRunning = false
    private var closeAfterRun = false
    /// Suspended requests, whose answers have to wait, the oldest first.
    private var waiting: [OpaquePointer] = []
    /// All connections that the library has, including those that we have ended.
    private var connections: [ObjectIdentifier: AdminConnection] = [:]

    /// - Parameters:
    ///   - hosts: what the Host field of a request may have; nil if anything is allowed.
    ///   - now: monotonic nanoseconds.
    package init(
        bounds: Bounds = Bounds(), hosts: AllowedHosts? = nil, now: @escaping () -> UInt64,
        handler: @escaping Handler
    ) throws(AdminServerError) {
        (self.bounds, self.hosts, self.now, self.handler) = (bounds, hosts, now, handler)
        errno = 0
        // Unretained: the library calls back only within MHD_run, MHD_add_connection and MHD_stop_daemon, and `deinit`
        // stops the library's server.
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

    /// Takes ownership of an accepted connection, TCP or Unix and non-blocking, and closes it if there is no place for
    /// it. Call this at most `Bounds.addsPerRun` times between two calls of `run()`.
    package func add(_ descriptor: Int32) {
        guard let daemon, !isRunning else { return _ = Glibc.close(descriptor) }
        if connectionCount >= bounds.places {
            connections.values.filter { !$0.isEnded }.min { $0.hasLessRight(than: $1) }?.end()
        }
        _ = hubrelay_http_add(daemon, descriptor)
    }

    /// Does what is ready: reads, answers, and ends connections that have timed out. Never blocks. Does nothing once
    /// closed.
    package func run() {
        guard let daemon, !isRunning else { return }
        isRunning = true
        // Only one for each run: other connections wait while its answer is made.
        if !waiting.isEmpty { MHD_resume_connection(waiting.removeFirst()) }
        _ = MHD_run(daemon)
        isRunning = false
        if closeAfterRun { return stop() }
        // Deadlines are checked after reading: a request may have come in time and waited for our loop.
        let now = now()
        for connection in connections.values where !connection.isEnded && deadline(of: connection) <= now {
            connection.end()
        }
    }

    /// How long the caller may wait for the descriptor before it calls `run()` anyway; nil if it may wait forever. Ask
    /// after each `run()` and `add`. 0 means that there is more to do, once the caller has done its other work.
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

    /// Drops every connection. Idempotent. If the handler calls it, it takes effect at the end of `run()`.
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

    /// Suspends a connection, since the answer to its request has to wait. The library ignores the connection until it
    /// is resumed.
    func suspend(_ connection: OpaquePointer) {
        MHD_suspend_connection(connection)
        waiting.append(connection)
    }

    // MARK: What the library reports

    func connectionStarted(_ descriptor: Int32) -> AdminConnection {
        let connection = AdminConnection(descriptor: descriptor, now: now())
        connections[ObjectIdentifier(connection)] = connection
        return connection
    }

    func connectionClosed(_ connection: AdminConnection) { connections[ObjectIdentifier(connection)] = nil }
}
