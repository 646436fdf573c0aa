internal import Glibc

/// Clients of the HTTP side may send anything, in any pieces. Each complete request has exactly one answer, the right
/// one, and no client gets the answer of another. The server does not spin, and does not do more in one turn than it
/// promises. All connections end when their time is up, or when they have to make room.
///
/// The first byte of the input has bits for the settings. The rest is what clients send, except for these bytes, which
/// are steps: 1, a byte and a number: 64 times that number of the byte are sent; 2: the piece ends; 3: the client shuts
/// down its write side; 4: four seconds pass; 5: the client stops reading, or reads again; 6 and a number: another
/// client goes on; 7: the client disconnects; 8: the piece ends, and the server has only one turn.
func fuzzHTTP(_ input: UnsafeRawBufferPointer) {
    guard let settings = input.first else { return }
    let world = FuzzedAdmin(settings)
    var rest = input.dropFirst()
    var (steps, copies) = (0, 0)
    while let byte = rest.popFirst(), steps < 200 {
        guard 1...8 ~= byte else {
            world.write(byte, count: 1)
            continue
        }
        steps += 1
        switch byte {
        case 1:
            guard let copied = rest.popFirst(), let count = rest.popFirst() else { continue }
            copies += Int(count) * 64
            if copies <= 200_000 { world.write(copied, count: Int(count) * 64) }
        case 6: world.turn(to: Int(rest.popFirst() ?? 0) & 3)
        default: world.step(byte)
        }
    }
    world.end()
}

/// A server and up to four clients.
private final class FuzzedAdmin {
    private static let requestTime: UInt64 = 10_000_000_000
    private let rules: HTTPRules
    private let clock = Clock()
    private var server: AdminServer!
    private var clients: [FuzzedProber?] = [nil, nil, nil, nil]
    private var speaker = 0
    private var piece: [UInt8] = []
    /// Requests that the handler got within one run.
    private var asked = 0
    private var isStopped = false

    /// Outlives this object, since the server asks for the time until its end.
    private final class Clock { var now: UInt64 = 1_000_000_000 }

    init(_ settings: UInt8) {
        var bounds = AdminServer.Bounds()
        (bounds.requestTime, bounds.answerTime) = (Self.requestTime, Self.requestTime)
        (bounds.places, bounds.addsPerRun) = (settings & 1 == 0 ? 4 : 2, 1)
        if settings & 2 != 0 { bounds.requestsPerConnection = 3 }
        let restrictsHosts = settings & 4 != 0
        rules = HTTPRules(restrictsHosts: restrictsHosts, requestsPerConnection: bounds.requestsPerConnection)
        let server = try? AdminServer(
            bounds: bounds, hosts: restrictsHosts ? AllowedHosts(HTTPRules.names) : nil,
            now: { [clock] in clock.now }, handler: { [unowned self] in answer($0) })
        guard let server else { preconditionFailure("no server") }
        self.server = server
    }

    private func answer(_ request: AdminRequest) -> AdminResponse {
        asked += 1
        if request.path == "/stop" {
            isStopped = true
            for client in clients { client?.mayEnd = true }
            server.close()
        }
        return HTTPRules.answer(request)
    }

    // MARK: Steps

    func write(_ byte: UInt8, count: Int) { piece += repeatElement(byte, count: count) }

    func step(_ kind: UInt8) {
        let client = flush()
        switch kind {
        case 3: client.shutDown()
        case 4: return pass(4_000_000_000)
        case 5: client.isPaused.toggle()
        case 7:
            client.disconnect()
            clients[speaker] = nil
        case 8: return runOnce()
        default: break
        }
        settle()
    }

    /// Another client goes on. If there is no client at that place, a new one connects.
    func turn(to place: Int) {
        flush()
        settle()
        speaker = place
        if clients[place]?.isAtEnd ?? true { connect() }
    }

    func end() {
        flush()
        settle()
        for case let client? in clients where client.isPaused { client.isPaused = false }
        settle()
        pass(Self.requestTime)
        // The first time is for an answer that was not read, and the second for the silence after it.
        pass(Self.requestTime)
        precondition(server.connectionCount == 0 && clients.allSatisfy { $0?.isAtEnd ?? true }, "left open")
        server = nil
    }

    /// Writes the piece, and returns the client that speaks.
    @discardableResult private func flush() -> FuzzedProber {
        if clients[speaker] == nil { connect() }
        guard let client = clients[speaker] else { preconditionFailure() }
        client.write(piece)
        piece = []
        return client
    }

    private func connect() {
        var pair: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        precondition(socketpair(AF_UNIX, kind, 0, &pair) == 0)
        // A small buffer, so that a large answer does not fit into it.
        var size: Int32 = 4096
        setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        clock.now += 1_000_000
        clients[speaker] = nil
        settle()
        if server.connectionCount >= server.bounds.places { makeRoom() }
        let client = FuzzedProber(descriptor: pair[0], rules: rules, now: clock.now)
        client.mayEnd = isStopped
        clients[speaker] = client
        server.add(pair[1])
        settle()
    }

    /// If clients that are open have been answered, one of those has to go; otherwise, any. Of several, the one that
    /// has been silent for longest has to go.
    private func makeRoom() {
        let open = clients.compactMap { $0 }.filter { !$0.isAtEnd }
        let answered = open.filter { $0.answers > 0 }
        let first = (answered.isEmpty ? open : answered).sorted { $0.since < $1.since }
        let isKnown = !open.contains(where: \.isVague) && (first.count == 1 || first[0].since < first[1].since)
        if isKnown { first[0].mustEnd = true } else { for client in open { client.mayEnd = true } }
    }

    private func pass(_ time: UInt64) {
        settle()
        clock.now += time
        for case let client? in clients {
            if client.isVague { client.mayEnd = true }
            if !client.isVague, clock.now - client.since >= Self.requestTime { client.mustEnd = true }
        }
        settle()
    }

    // MARK: The loop

    private func runOnce() {
        for client in clients { client?.pump() }
        asked = 0
        server.run()
        precondition(asked <= 2 * (server.bounds.places + server.bounds.addsPerRun), "\(asked) requests in one run")
    }

    /// Drives the server as the daemon's loop does, until there is nothing to do. Then everything has to be right.
    private func settle() {
        var left = 500 + clients.reduce(0) { $0 + ($1?.unsent.count ?? 0) } / 16
        while true {
            for client in clients { client?.pump() }
            var watched = pollfd(fd: server.pollDescriptor, events: Int16(POLLIN), revents: 0)
            guard server.timeoutMilliseconds == 0 || poll(&watched, 1, 0) > 0 else { break }
            runOnce()
            left -= 1
            precondition(left > 0, "it spins")
        }
        for client in clients { client?.check(now: clock.now) }
        let count = server.connectionCount
        precondition(count <= server.bounds.places, "too many connections")
        precondition((server.timeoutMilliseconds ?? 1) <= Self.requestTime / 1_000_000)
        precondition((server.timeoutMilliseconds == nil) == (count == 0), "it wakes up for nothing, or not at all")
        let known = clients.compactMap { $0 }
        if !known.contains(where: \.isPaused) { precondition(count == known.count { !$0.isAtEnd }, "left open") }
        precondition(!isStopped || count == 0 && server.pollDescriptor < 0)
    }
}
