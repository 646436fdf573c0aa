internal import AdminHTTP
internal import Configuration
internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore
internal import TextFormats

/// The HTTP side on the relays' own loop, so that a loop that hangs fails the health check: connections are accepted as
/// those of apps are, libmicrohttpd's epoll descriptor is watched like any other, and a timer stands for its time-outs.
///
/// Whatever clients do, it has one portion of work in each turn of the loop: so many connections are accepted, and each
/// one gets an answer or two. What is dear to compute is computed once for all who ask in one turn.
final class AdminEndpoint {
    /// Where it listens, for people.
    let address: String
    private let server: AdminServer
    private unowned let daemon: Daemon
    private var listener: Listener?
    private var watcher: ReadableWatcher?
    private var timer: Timer?
    private var nextTurn: NextTurn?
    /// Nil with TCP.
    private var socket: WatchedPath?
    private let answers: Answers

    /// How many connections the kernel lets wait to be accepted: as many as a flood may put before the next prober.
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
        // No browser reaches a Unix socket, and it has no name to be asked by.
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
                // Even if nothing comes of it: it has a deadline, and another one may have been ended for it.
                nextTurn?.schedule()
            }
        }
    }

    /// The one portion of work of this turn. From here alone, so that there is no second one.
    private func run() {
        answers.forget()
        server.run()
        switch server.timeoutMilliseconds {
        case nil: timer?.stop()
        case 0: nextTurn?.schedule()
        case .some(let milliseconds): timer?.start(after: milliseconds * 1_000_000)
        }
    }

    /// Looks whether the path still leads here, as `Relay.lookAtPath` does for that of the apps.
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

/// What is answered in one turn. What is dear to compute is kept until the next one.
private final class Answers {
    private unowned let daemon: Daemon
    private var known: [String: AdminResponse] = [:]
    /// A listing has been made in this turn; others wait for the next ones, as each takes up to some milliseconds.
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

    /// Whether whoever holds the address answers like a relay that is shutting down: then it is free soon. Asked once,
    /// before the loop runs; waits for at most a second.
    static func isHeldByStoppingRelay(_ listen: HTTPListen) -> Bool {
        guard let answer = answer(to: "/readyz", from: listen) else { return false }
        return answer.hasPrefix("HTTP/1.1 503") && answer.contains("stopping")
    }

    /// Whether whoever holds the address is a relay that serves this socket; nil when there is no answer. Waits for at most a
    /// second.
    static func isHeldByRelay(_ listen: HTTPListen, serving socketPath: String) -> Bool? {
        guard let answer = answer(to: "/health", from: listen) else { return nil }
        var json = JSONWriter()
        json.object { $0.member("path", socketPath) }
        return answer.contains("\"socket\":" + json.text.dropLast())
    }

    /// The answer, with its header; nil when none comes in a second.
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
