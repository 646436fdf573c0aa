import TestSupport
import Testing

/// HTTP clients that do what no prober does, for as long as the test wants. Meanwhile apps and other HTTP clients get
/// their answers: this is checked many times while the abuse goes on.
@Suite(.serialized) struct HTTPAbuseTests {
    private static let burst = Array(
        String(repeating: "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 500).utf8)

    @Test func requestsWithoutEndOnOneConnection() throws {
        try expectService { port in
            let client = AbusiveClient(port)
            return { try client.send(Self.burst) }
        }
    }

    @Test func answersThatNobodyReads() throws {
        try expectService { port in
            let clients = (0..<64).map { _ in AbusiveClient(port, reads: false) }
            return { for client in clients { try client.send(Self.burst) } }
        }
    }

    /// Three times as many connections as there are places, none of them idle for long.
    @Test func requestsThatTrickleIn() throws {
        try expectService { port in
            let clients = (0..<193).map { _ in AbusiveClient(port) }
            return { for client in clients { try client.send(Array("GET /livez?".utf8)) } }
        }
    }

    @Test(arguments: ["/metrics", "/health"]) func whatIsDearToAnswer(path: String) throws {
        let request = Array(String(repeating: "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 100).utf8)
        try expectService { port in
            let clients = (0..<64).map { _ in AbusiveClient(port) }
            return { for client in clients { try client.send(request) } }
        }
    }

    @Test func connectionsThatComeAndGo() throws {
        try expectService { port in
            var clients: [AbusiveClient] = []
            return {
                clients.append(AbusiveClient(port))
                try clients.last?.send([0x47])
                if clients.count > 300 { clients.removeFirst(100) }
            }
        }
    }

    /// The request of a browser for a page whose name was made to point to the relay.
    @Test(arguments: [[], ["--http-host", "relay.example,.internal"]])
    func anotherHost(_ options: [String]) throws {
        let port = try freePort()
        let relay = try RelayProcess(
            redis: "unix:///nowhere", options: ["--http", "127.0.0.1:\(port)"] + options)
        try eventually("HTTP listens") { (try? TestSocket(port: port)) != nil }
        func status(_ host: String) throws -> Int {
            try httpRequest("/livez", at: TestSocket(port: port), host: host).status
        }
        for host in ["localhost:\(port)", "127.0.0.1:\(port)", "[::1]", "10.1.2.3"] { #expect(try status(host) == 200) }
        #expect(try status("evil.example:\(port)") == 421)
        #expect(try status("relay.example:\(port)") == (options.isEmpty ? 421 : 200))
        #expect(try status("host7.internal") == (options.isEmpty ? 421 : 200))
        try relay.stop()
    }

    @Test func aUnixSocketHasNoName() throws {
        let relay = try RelayProcess(redis: "unix:///nowhere")
        #expect(try httpRequest("/livez", at: TestSocket(unix: relay.httpPath), host: "any.example").status == 200)
        try relay.stop()
    }

    /// A round counts only if the abuse has continued since the previous one.
    private func expectService(under abuse: @escaping @Sendable (UInt16) throws -> () throws -> Void) throws {
        let port = try freePort()
        let stage = try Stage(options: ["--http", "127.0.0.1:\(port)"])
        let client = try stage.relay.client()
        try eventually("HTTP listens") { (try? TestSocket(port: port)) != nil }
        let background = try Background { try abuse(port) }
        for round in 0..<10 {
            let before = try background.steps()
            try eventually("the abuse goes on") { try background.steps() > before }
            for _ in 0..<10 { try client.ping() }
            if round % 2 == 0 {
                #expect(try httpRequest("/livez", at: TestSocket(port: port)).status == 200)
            }
        }
        // The relay also handles a signal.
        stage.relay.process.signal(15)
        try client.collect(untilState: .stopping)
        client.socket.close()
        try stage.relay.expectExit()
        try? background.stop()
    }
}

/// A connection that is made again whenever the relay has ended it. Only one thread uses it.
private final class AbusiveClient {
    private let port: UInt16
    private let reads: Bool
    private var socket: TestSocket?

    init(_ port: UInt16, reads: Bool = true) { (self.port, self.reads) = (port, reads) }

    /// Writes what the kernel takes, and reads what has arrived.
    func send(_ bytes: [UInt8]) throws {
        do {
            let socket = try self.socket ?? TestSocket(port: port)
            self.socket = socket
            _ = try socket.writeSome(bytes[...])
            if reads, let read = try socket.read(within: 0), read.isEmpty { self.socket = nil }
        } catch {
            socket = nil
        }
    }
}
