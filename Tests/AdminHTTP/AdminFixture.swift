import AdminHTTP
import Glibc
import Posix

/// A server on a private socket, and the event loop that drives it: everything happens on the test's thread,
/// in `run(until:)`.
final class AdminFixture {
    enum Transport: CaseIterable { case tcp, unix }

    private(set) var server: AdminServer!
    /// The requests that the handler got, in order.
    private(set) var requests: [AdminRequest] = []
    /// Answers in place of the default answer, which repeats the method, path and query.
    var answer: ((AdminRequest) -> AdminResponse?)?
    /// Turns of the loop so far.
    private(set) var turns = 0
    /// The most requests that the handler got within one run of the server.
    private(set) var mostRequestsInARun = 0
    /// Added to the clock, in nanoseconds: a test need not wait for a deadline.
    var elapsed: UInt64 {
        get { time.elapsed }
        set { time.elapsed = newValue }
    }

    /// From now on only `elapsed` moves the clock, so that a slow machine brings no deadline nearer.
    func stopClock() {
        time.stopped = Clock.monotonicNanoseconds()
    }

    /// Outlives the fixture, since the server asks for the time until its end.
    private final class Time {
        var elapsed: UInt64 = 0
        var stopped: UInt64?
        var now: UInt64 { (stopped ?? Clock.monotonicNanoseconds()) + elapsed }
    }
    private let time = Time()

    private var clients: [HTTPClient] = []
    /// The TCP port, 0 on a Unix socket.
    private(set) var port: UInt16 = 0
    private var socketPath: SocketPath?
    private let directory: String
    private var listening: Int32 = -1

    init(
        _ transport: Transport = .unix, bounds: AdminServer.Bounds = AdminServer.Bounds(), hosts: AllowedHosts? = nil
    ) throws {
        var template = Array("/tmp/hubrelay-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch transport {
        case .tcp:
            let socket = try ListeningSocket.tcp(host: "127.0.0.1", port: 0, backlog: 1024)
            (listening, port) = (socket.descriptor, socket.boundPort)
        case .unix:
            let path = try SocketPath.bind(path: "\(directory)/s", mode: 0o600, group: nil, backlog: 1024)
            (listening, socketPath) = (path.descriptor, path)
        }
        server = try AdminServer(
            bounds: bounds, hosts: hosts, now: { [time] in time.now }
        ) { [unowned self] request in
            requests.append(request)
            if let answer { return answer(request) }
            let text = "\(request.method) \(request.path) \(request.query)"
            return AdminResponse(status: 200, body: Array(text.utf8))
        }
    }

    deinit {
        server?.close()
        if listening >= 0 { close(listening) }
        socketPath?.release()
        unlink("\(directory)/s.lock")
        rmdir(directory)
    }

    /// Ends the server by releasing it.
    func dropServer() { server = nil }

    /// Runs the server once.
    func runServer() {
        let before = requests.count
        server?.run()
        mostRequestsInARun = max(mostRequestsInARun, requests.count - before)
    }

    /// Accepts as many connections as may be added before the next run.
    private func accept() {
        for _ in 0..<(server?.bounds.addsPerRun ?? 0) {
            let descriptor = Glibc.accept(listening, nil, nil)
            guard descriptor >= 0 else { return }
            precondition(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0)
            server.add(descriptor)
        }
    }

    /// A new connection to the server.
    func connect() -> HTTPClient {
        let client = socketPath == nil ? HTTPClient(port: port) : HTTPClient(path: "\(directory)/s")
        clients.append(client)
        return client
    }

    /// Drives the server and reads what comes for the clients until `condition` holds.
    /// - Returns: false after 20 s, which no working test needs.
    func run(until condition: () -> Bool) -> Bool {
        let end = Clock.monotonicNanoseconds() + 20_000_000_000
        while !condition() {
            let now = Clock.monotonicNanoseconds()
            if now > end { return false }
            turns += 1
            // Once the server is gone, its descriptor is -1, which poll(2) skips.
            var watched = [server?.pollDescriptor ?? -1, server == nil ? -1 : listening].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            watched += clients.filter { !$0.isAtEnd && !$0.isPaused }.map {
                pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
            }
            // The daemon runs the server in the same cases: its descriptor is readable, or its own timeout has passed.
            let timeout = server?.timeoutMilliseconds.map { Int32(clamping: $0) } ?? .max
            let patience = Int32((end - now) / 1_000_000 + 1)
            let ready = poll(&watched, nfds_t(watched.count), min(timeout, patience))
            if watched[0].revents != 0 || ready == 0 && timeout <= patience || timeout == 0 { runServer() }
            if watched[1].revents != 0 { accept() }
            for client in clients { client.receive() }
        }
        return true
    }

    /// Sends a request on a connection of its own, and returns the answer.
    func exchange(_ request: String) -> HTTPResponse? {
        let client = connect()
        client.send(request)
        _ = run { !client.responses.isEmpty || client.isAtEnd }
        return client.responses.first
    }
}
