internal import Glibc
internal import Synchronization

/// A proxy between a relay and its servers, such as a load balancer. The relay knows one address, and the proxy decides
/// for each of its two links which server a connection goes to. The proxy can also behave like a faulty one, which
/// loses replies and makes up others.
package final class RedisProxy: Sendable {
    /// The relay's two links. They name themselves with CLIENT SETNAME.
    package enum Link: CaseIterable, Sendable { case publish, subscribe }

    private let directory: TemporaryDirectory
    private let routes: Routes
    private let background: Background

    /// - Parameter server: the server that both links are led to at first.
    /// - Throws: `TestFailure` when no socket or thread can be made.
    package init(to server: RedisServer) throws {
        directory = try TemporaryDirectory()
        let listener = try UnixListener(directory.path(of: "proxy"))
        let routes = Routes()
        self.routes = routes
        routes.state.withLock { state in
            for link in Link.allCases { state.servers[link] = server.address }
        }
        background = try Background {
            let pump = Pump(listener, routes)
            return { pump.step() }
        }
    }

    deinit { try? background.stop() }

    /// What `--redis` takes.
    package var url: String { "unix://" + directory.path(of: "proxy") }

    /// Leads the connections of a link that are made from now on to this server. Existing connections stay where they
    /// are.
    package func lead(_ link: Link, to server: RedisServer) {
        routes.state.withLock { $0.servers[link] = server.address }
    }

    /// Whether the proxy loses messages on their way to the subscribe link, while all else works: the link is
    /// subscribed, its heartbeats are answered, and no message arrives.
    package func loseMessages(_ lose: Bool) { routes.state.withLock { $0.losesMessages = lose } }

    /// Loses the next reply on its way to this link for which `isMeant` is true, once.
    package func swallow(on link: Link, _ isMeant: @escaping @Sendable (RedisValue) -> Bool) {
        routes.state.withLock { $0.swallows[link] = isMeant }
    }

    /// Whether the reply that `swallow` asked for on this link has been lost.
    package func hasSwallowed(on link: Link) -> Bool { routes.state.withLock { $0.swallows[link] == nil } }

    /// Inserts bytes between two replies on their way to this link, on its newest connection, soon and once.
    package func inject(_ text: String, into link: Link) {
        routes.state.withLock { $0.injections[link] = Array(text.utf8) }
    }

    /// How many connections of a link have been led to a server.
    package func connections(of link: Link) -> Int { routes.state.withLock { $0.connections[link] ?? 0 } }
}

private final class Routes: Sendable {
    struct State {
        var servers: [RedisProxy.Link: RedisServer.Address] = [:]
        var connections: [RedisProxy.Link: Int] = [:]
        var losesMessages = false
        var swallows: [RedisProxy.Link: @Sendable (RedisValue) -> Bool] = [:]
        var injections: [RedisProxy.Link: [UInt8]] = [:]

        /// Whether a reply is lost on its way to a link.
        mutating func loses(_ value: RedisValue, to link: RedisProxy.Link) -> Bool {
            if link == .subscribe, losesMessages, value.isMessage { return true }
            guard let isMeant = swallows[link], isMeant(value) else { return false }
            swallows[link] = nil
            return true
        }
    }

    let state = Mutex(State())
}

/// All connections, whose bytes are moved on one thread.
private final class Pump {
    private let listener: UnixListener
    private let routes: Routes
    private var flows: [Flow] = []

    init(_ listener: UnixListener, _ routes: Routes) { (self.listener, self.routes) = (listener, routes) }

    func step() {
        let descriptors = [listener.descriptor] + flows.flatMap(\.descriptors)
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&entries, nfds_t(entries.count), 20)
        while let client = listener.accept() { flows.append(Flow(client, routes)) }
        // When one side of a connection breaks, the other side ends as well, with the last reference to its sockets.
        flows.removeAll { (try? $0.move()) != true }
    }
}

/// One connection from the relay, and its continuation to a server.
private final class Flow {
    private let client: TestSocket
    private let routes: Routes
    private var server: TestSocket?
    private var link: RedisProxy.Link?
    /// The number of this connection among those of its link.
    private var number = 0
    /// What the relay has sent so far, while it is not known which link this is.
    private var introduction: [UInt8] = []
    private var replies = RedisReplyParser()

    init(_ client: TestSocket, _ routes: Routes) { (self.client, self.routes) = (client, routes) }

    var descriptors: [Int32] { [client.descriptor] + (server.map { [$0.descriptor] } ?? []) }

    /// Moves the bytes that have arrived.
    /// - Returns: false if one of the sides has closed.
    func move() throws -> Bool {
        if let bytes = try client.read(within: 0) {
            if bytes.isEmpty { return false }
            if let server { try server.write(bytes) } else { try introduce(bytes) }
        }
        guard let server, let link else { return true }
        let injection = routes.state.withLock { state in
            state.connections[link] == number ? state.injections.removeValue(forKey: link) : nil
        }
        if let injection { try client.write(injection) }
        guard let bytes = try server.read(within: 0) else { return true }
        if bytes.isEmpty { return false }
        replies.feed(bytes)
        // Only whole replies are passed on, so that an injection comes between two of them.
        var passed: [UInt8] = []
        while let value = replies.next() {
            if !routes.state.withLock({ $0.loses(value, to: link) }) { passed += value.encoded }
        }
        if !passed.isEmpty { try client.write(passed) }
        return true
    }

    private func introduce(_ bytes: [UInt8]) throws {
        introduction += bytes
        let text = String(decoding: introduction, as: UTF8.self)
        guard let name = text.firstRange(of: "hubrelay-") else { return }
        let link: RedisProxy.Link = text[name.upperBound...].hasPrefix("subscribe") ? .subscribe : .publish
        let (address, number) = routes.state.withLock { state in
            state.connections[link, default: 0] += 1
            return (state.servers[link], state.connections[link, default: 0])
        }
        (self.link, self.number) = (link, number)
        let server: TestSocket? =
            switch address {
            case .unix(let path): try TestSocket(unix: path)
            case .port(let port): try TestSocket(port: port)
            case nil: nil
            }
        self.server = server
        try server?.write(introduction)
    }
}

extension RedisValue {
    /// Whether it is a message that came by its channel or by a pattern.
    package var isMessage: Bool { ["message", "pmessage"].contains(array?.first?.text) }
    /// Whether it is an answer to PING on a connection that has subscriptions.
    package var isPong: Bool { array?.first?.text == "pong" }
    /// Whether it is an answer to SUBSCRIBE.
    package var isSubscription: Bool { array?.first?.text == "subscribe" }

    /// The bytes of the value on the wire (RESP2).
    fileprivate var encoded: [UInt8] {
        switch self {
        case .status(let text): Array("+\(text)\r\n".utf8)
        case .error(let text): Array("-\(text)\r\n".utf8)
        case .integer(let value): Array(":\(value)\r\n".utf8)
        case .bulk(let bytes): Array("$\(bytes.count)\r\n".utf8) + bytes + [13, 10]
        case .null: Array("$-1\r\n".utf8)
        case .array(let values): Array("*\(values.count)\r\n".utf8) + values.flatMap(\.encoded)
        }
    }
}
