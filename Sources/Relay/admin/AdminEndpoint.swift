internal import AdminHTTP
internal import Configuration
internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore
internal import TextFormats

/// The HTTP server on the relays' own loop, so that a loop that hangs fails the health check. Connections are accepted
/// as those of apps are, libmicrohttpd's epoll descriptor is watched like any other, and a timer serves its timeouts.
///
/// Whatever clients do, HTTP does one portion of work in each turn of the loop: it accepts a limited number of
/// connections, and answers one or two requests of each. What is expensive to compute is computed once for all requests
/// of a turn.
final class AdminEndpoint {
    /// The address on which it listens, for people.
    let address: String
    private let server: AdminServer
    private unowned let daemon: Daemon
    private var listener: Listener?
    private var watcher: ReadableWatcher?
    private var timer: Timer?
    private var nextTurn: NextTurn?
    /// The Unix socket; nil with TCP.
    private var socket: WatchedPath?
    private let answers: Answers

    /// How many connections may wait in the kernel to be accepted. A flood may put that many before the next prober.
    private static let listenBacklog: Int32 = 1024

    /// - Returns: nil when HTTP is off.
    /// - Throws: why the address cannot be listened on.
    init?(daemon: Daemon) throws {
        guard daemon.configuration.http != .off else { return nil }
        self.daemon = daemon
        let loop = daemon.loop
        var bounds = AdminServer.Bounds()
        bounds.places = daemon.descriptors.httpConnections
        bounds.addsPerRun = daemon.descriptors.httpAccepts
        // No browser can reach a Unix socket, and requests to it need no host name.
        var hosts: AllowedHosts?
        if case .tcp = daemon.configuration.http { hosts = AllowedHosts(daemon.configuration.httpHosts) }
        let answers = Answers(daemon: daemon)
        server = try AdminServer(bounds: bounds, hosts: hosts, now: { loop.now }) { answers.answer($0) }
        self.answers = answers
        let descriptor: Int32
        switch daemon.configuration.http {
        case .tcp(let host, let port):
            let socket = try ListeningSocket.tcp(host: host, port: port, backlog: Self.listenBacklog)
            socket.deferAccepting()
            descriptor = socket.descriptor
            address = "\(bracketed(host)):\(socket.boundPort)"
        case .unix(let path):
            let settings = daemon.configuration.listener
            let bound = try SocketPath.bind(
                path: path, mode: settings.socketMode, group: try settings.socketGroup.map { try groupID(named: $0) },
                backlog: Self.listenBacklog)
            socket = WatchedPath(bound, logger: daemon.logger)
            descriptor = bound.descriptor
            address = "unix:\(path)"
        case .off: return nil
        }
        listener = try listen(on: descriptor)
        nextTurn = NextTurn(loop: loop) { [unowned self] in run() }
        timer = Timer(loop: loop) { [unowned self] in nextTurn?.schedule() }
        watcher = try ReadableWatcher(loop: loop, descriptor: server.pollDescriptor) { [unowned self] in
            nextTurn?.schedule()
        }
    }

    private func listen(on descriptor: Int32) throws(LoopError) -> Listener {
        try Listener(loop: daemon.loop, descriptor: descriptor, acceptsPerTurn: server.bounds.addsPerRun) {
            [unowned self] error in
            if let error {
                daemon.limitedLog.log(
                    .error, "cannot accept an HTTP connection", now: daemon.now, ["error": "\(error)"])
            } else if let listener {
                server.add(listener.take())
                // Even if the connection sends nothing: it has a deadline, and another connection may have been ended
                // for it.
                nextTurn?.schedule()
            }
        }
    }

    /// Does the portion of work of this turn. Only `nextTurn` calls this, so that there is one portion in a turn.
    private func run() {
        answers.forget()
        server.run()
        switch server.timeoutMilliseconds {
        case nil: timer?.stop()
        case 0: nextTurn?.schedule()
        case .some(let milliseconds): timer?.start(after: milliseconds * 1_000_000)
        }
    }

    /// Checks whether the path still leads here, as `Relay.lookAtPath` does for the path of the apps.
    func lookAtPath(now: UInt64) {
        guard socket?.look(now: now) == true, let descriptor = socket?.socket.descriptor else { return }
        listener?.acceptRest()
        listener?.close()
        listener = nil
        do { listener = try listen(on: descriptor) } catch { socket?.failed("\(error)") }
    }

    /// Stops listening, drops what is open, and removes the Unix socket if there is one.
    func close() {
        listener?.close()
        watcher?.close()
        timer?.close()
        nextTurn?.close()
        socket?.socket.release()
        server.close()
    }
}

/// Makes the answers of one turn. Those that are expensive to compute are kept until the next turn.
private final class Answers {
    private unowned let daemon: Daemon
    private var known: [String: AdminResponse] = [:]
    /// Whether a listing was made in this turn. Others wait for later turns, as each takes up to some milliseconds.
    private var hasListed = false

    init(daemon: Daemon) { self.daemon = daemon }

    func forget() {
        known.removeAll(keepingCapacity: true)
        hasListed = false
    }

    /// - Returns: nil when the answer has to wait for another turn.
    func answer(_ request: AdminRequest) -> AdminResponse? {
        switch request.path {
        case "/health", "/metrics", "/history": return answer(request, as: request.path)
        case "/connections", "/channels", "/fleet":
            let name = "\(request.path)?\(request.query)"
            if known[name] == nil, hasListed { return nil }
            hasListed = true
            return answer(request, as: name)
        default: return daemon.answer(request)
        }
    }

    private func answer(_ request: AdminRequest, as name: String) -> AdminResponse {
        if let answer = known[name] { return answer }
        let answer = daemon.answer(request)
        known[name] = answer
        return answer
    }
}

extension AdminEndpoint {
    /// Whether an error of `init` says that another process has the address.
    static func isInUse(_ error: any Error) -> Bool {
        switch error {
        case ListeningSocketError.inUse, SocketPathError.locked: true
        default: false
        }
    }

    /// Whether the process that holds the address answers like a relay that is shutting down: then the address is free
    /// soon. Called once, before the loop runs; waits for at most a second.
    static func isHeldByStoppingRelay(_ listen: HTTPListen) -> Bool {
        guard let answer = answer(to: "/readyz", from: listen) else { return false }
        return answer.hasPrefix("HTTP/1.1 503") && answer.contains("stopping")
    }

    /// Whether the process that holds the address is a relay that serves this socket; nil if it does not answer. Waits
    /// for at most a second.
    static func isHeldByRelay(_ listen: HTTPListen, serving socketPath: String) -> Bool? {
        guard let answer = answer(to: "/health", from: listen) else { return nil }
        var json = JSONWriter()
        json.object { $0.member("path", socketPath) }
        return answer.contains("\"socket\":" + json.text.dropLast())
    }

    /// The answer with its header; nil if it does not come within a second.
    private static func answer(to path: String, from listen: HTTPListen) -> String? {
        let timeout: UInt64 = 1_000_000_000
        let deadline = Clock.monotonicNanoseconds() + timeout
        do throws(SystemError) {
            var connection: BlockingConnection
            switch listen {
            case .off: return nil
            case .tcp(let host, let port): connection = try .tcp(host: host, port: port, timeout: timeout)
            case .unix(let path): connection = try .unix(path: path, timeout: timeout)
            }
            let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            try connection.write(Array(request.utf8), deadline: deadline)
            var answer: [UInt8] = []
            while let more = try connection.read(deadline: deadline), !more.isEmpty, answer.count < 1 << 20 {
                answer += more
            }
            return String(decoding: answer, as: UTF8.self)
        } catch {
            return nil
        }
    }
}
