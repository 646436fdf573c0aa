internal import CMicrohttpd
internal import Glibc

/// Why the HTTP server did not start.
package struct AdminServerError: Error, Equatable, CustomStringConvertible {
    /// What the library, which tells no reason, left in `errno`; 0 if nothing.
    package let code: Int32

    package var description: String {
        let reason = code == 0 ? "" : ": \(String(cString: strerror(code))) (errno \(code))"
        return "cannot start the HTTP server: libmicrohttpd refused the listening socket or epoll\(reason)"
    }
}

/// HTTP/1.1 for health checks and metrics by libmicrohttpd, on the caller's event loop and thread.
///
/// The library has an epoll descriptor of its own in which it watches its connections. The caller watches
/// that one descriptor and calls `run()` when it is readable or `timeoutMilliseconds` have passed: so a loop
/// that hangs answers nothing, which is what a health check is for.
///
/// Bounds: 64 connections (more wait in the kernel's backlog), 10 s without a byte, 16 KiB of memory a
/// connection, 64 KiB of a request's body, which is read and dropped. GET and HEAD go to the handler, other
/// methods get 405.
package final class AdminServer {
    /// Answers a request. Called within `run()`; it may call `close()`, and must not call `run()`.
    package typealias Handler = (AdminRequest) -> AdminResponse

    let handler: Handler
    /// Nil once closed.
    private var daemon: OpaquePointer?
    private var isRunning = false
    private var closeAfterRun = false

    /// Serves a socket that listens already: TCP or Unix, non-blocking. The server owns it from here on and
    /// closes it; on a thrown error it remains the caller's.
    package init(
        listeningDescriptor: Int32, handler: @escaping Handler
    ) throws(AdminServerError) {
        self.handler = handler
        // A failed start may or may not close what it was given: it gets a copy, so that ours is ours.
        let copy = fcntl(listeningDescriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw AdminServerError(code: errno) }
        errno = 0
        // Unretained: the library calls back only within MHD_run and MHD_stop_daemon, and `deinit` stops it.
        let closure = Unmanaged.passUnretained(self).toOpaque()
        daemon = hubrelay_http_start(
            copy, 64, 10, 16 * 1024, onAccess, onURI, onCompleted, closure)
        guard let daemon else { throw AdminServerError(code: errno) }
        guard hubrelay_http_epoll_descriptor(daemon) >= 0 else {
            MHD_stop_daemon(daemon)
            self.daemon = nil
            throw AdminServerError(code: ENOSYS)
        }
        Glibc.close(listeningDescriptor)
    }

    deinit { stop() }

    /// The library's epoll descriptor, to be watched for readability; -1 once closed. Stop watching before
    /// `close()`.
    package var pollDescriptor: Int32 { daemon.map { hubrelay_http_epoll_descriptor($0) } ?? -1 }

    /// Does what is ready: accepts, reads, answers, closes what timed out. Never blocks. Does nothing once
    /// closed.
    package func run() {
        guard let daemon, !isRunning else { return }
        isRunning = true
        let connections = hubrelay_http_connections(daemon)
        _ = MHD_run(daemon)
        // At its limit the library stops watching the listening socket, and takes it up again only at the
        // start of a run: without this one, a connection that waits for a free slot would wait for another
        // one's timeout.
        if hubrelay_http_connections(daemon) < connections { _ = MHD_run(daemon) }
        isRunning = false
        if closeAfterRun { stop() }
    }

    /// How long the caller may wait for the descriptor before it calls `run()` all the same. Nil: forever.
    /// To be asked after each `run()`; 0 means that there is more to do at once.
    package var timeoutMilliseconds: UInt64? {
        guard let daemon else { return nil }
        var timeout: CUnsignedLongLong = 0
        return MHD_get_timeout(daemon, &timeout) == hubrelay_http_yes ? timeout : nil
    }

    /// Stops listening and drops every connection. Idempotent. Within the handler it waits for the end of
    /// `run()`.
    package func close() {
        if isRunning { closeAfterRun = true } else { stop() }
    }

    private func stop() {
        guard let daemon else { return }
        self.daemon = nil
        MHD_stop_daemon(daemon)
    }
}
