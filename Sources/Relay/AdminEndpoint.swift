internal import AdminHTTP
internal import Configuration
internal import EventLoop
internal import Posix
internal import RelayCore

/// The HTTP side on the relay's own loop, so that a loop that hangs fails the health check: libmicrohttpd's epoll
/// descriptor is watched like any other, and a timer stands for its time-outs.
final class AdminEndpoint {
    /// Where it listens, for people.
    let address: String
    private let server: AdminServer
    private var watcher: ReadableWatcher?
    private var timer: Timer?
    private var socketPath: SocketPath?

    /// - Returns: nil when HTTP is off.
    /// - Throws: why the address cannot be listened on.
    init?(relay: Relay) throws {
        let descriptor: Int32
        switch relay.configuration.http {
        case .off: return nil
        case .tcp(let host, let port):
            let socket = try ListeningSocket.tcp(host: host, port: port)
            descriptor = socket.descriptor
            address = "\(bracketed(host)):\(socket.boundPort)"
        case .unix(let path):
            let listener = relay.configuration.listener
            let bound = try SocketPath.bind(
                path: path, mode: listener.socketMode, group: try listener.socketGroup.map { try groupID(named: $0) },
                backlog: 128)
            socketPath = bound
            descriptor = bound.descriptor
            address = "unix:\(path)"
        }
        server = try AdminServer(listeningDescriptor: descriptor) { [unowned relay] in relay.answer($0) }
        timer = Timer(loop: relay.loop) { [unowned self] in run() }
        watcher = try ReadableWatcher(loop: relay.loop, descriptor: server.pollDescriptor) { [unowned self] in run() }
    }

    /// Whether an error of `init` says that another process has the address.
    static func isInUse(_ error: any Error) -> Bool {
        switch error {
        case ListeningSocketError.inUse, SocketPathError.locked: true
        default: false
        }
    }

    /// Whether whoever holds the address answers like a relay that is shutting down: then it is free soon. Asked once,
    /// before the loop runs; waits for at most a second.
    static func isHeldByStoppingRelay(_ listen: HTTPListen) -> Bool {
        let timeout: UInt64 = 1_000_000_000
        let deadline = Clock.monotonicNanoseconds() + timeout
        do throws(SystemError) {
            var connection: BlockingConnection
            switch listen {
            case .off: return false
            case .tcp(let host, let port): connection = try .tcp(host: host, port: port, timeout: timeout)
            case .unix(let path): connection = try .unix(path: path, timeout: timeout)
            }
            let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            try connection.write(Array(request.utf8), deadline: deadline)
            var answer: [UInt8] = []
            while let more = try connection.read(deadline: deadline), !more.isEmpty, answer.count < 4096 {
                answer += more
            }
            let text = String(decoding: answer, as: UTF8.self)
            return text.hasPrefix("HTTP/1.1 503") && text.contains("stopping")
        } catch {
            return false
        }
    }

    private func run() {
        server.run()
        if let timeout = server.timeoutMilliseconds {
            timer?.start(after: timeout * 1_000_000)
        } else {
            timer?.stop()
        }
    }

    /// Stops listening, drops what is open, and removes the Unix socket if there is one.
    func close() {
        watcher?.close()
        timer?.close()
        socketPath?.release()
        server.close()
    }
}

extension Relay {
    /// The answer to one request, by its path.
    func answer(_ request: AdminRequest) -> AdminResponse {
        switch request.path {
        case "/health": health()
        case "/livez": plain(isLive: true, text: "live")
        case "/readyz" where request.query == "redis":
            plain(
                isLive: !isStopping && path.status.state == .up, text: isStopping ? "stopping" : path.status.state.label
            )
        case "/readyz": plain(isLive: !isStopping, text: isStopping ? "stopping" : "ready")
        case "/metrics":
            AdminResponse(
                status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(metrics().utf8))
        default: AdminResponse(status: 404, body: Array("not found\n".utf8))
        }
    }

    private func plain(isLive: Bool, text: String) -> AdminResponse {
        AdminResponse(status: isLive ? 200 : 503, body: Array("\(text)\n".utf8))
    }
}
