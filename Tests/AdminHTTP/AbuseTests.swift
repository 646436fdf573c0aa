import AdminHTTP
import Testing

/// How one client, or many, might keep others from an answer, or the loop from its other work. The tests count, because
/// one run of the server does everything that the loop does for HTTP in one turn.
@Suite("Abuse")
struct AbuseTests {
    let request = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    let pipelined = String(repeating: "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", count: 300)

    @Test(
        "requests without end on one connection get two answers a run, and an end",
        arguments: AdminFixture.Transport.allCases)
    func pipelining(_ transport: AdminFixture.Transport) throws {
        let fixture = try AdminFixture(transport)
        let client = fixture.connect()
        #expect(
            fixture.run {
                client.send(pipelined)
                return client.isAtEnd
            })
        #expect(fixture.requests.count == fixture.server.bounds.requestsPerConnection)
        #expect(fixture.mostRequestsInARun <= 2, "\(fixture.mostRequestsInARun)")
    }

    @Test("the last answer says that it is the last")
    func lastAnswer() throws {
        var bounds = AdminServer.Bounds()
        bounds.requestsPerConnection = 3
        let fixture = try AdminFixture(bounds: bounds)
        let client = fixture.connect()
        for _ in 0..<3 { client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n") }
        #expect(fixture.run { client.isAtEnd })
        #expect(client.responses.map { $0.headers["connection"]?.lowercased() == "close" } == [false, false, true])
    }

    @Test("many connections that pipeline and read nothing get two answers a run each, and others are answered")
    func unreadBursts() throws {
        let fixture = try AdminFixture()
        let places = fixture.server.bounds.places
        let clients = (0..<places).map { _ in fixture.connect() }
        for client in clients {
            client.isPaused = true
            client.send(pipelined)
        }
        for _ in 0..<20 { #expect(fixture.exchange(request)?.status == 200) }
        #expect(fixture.mostRequestsInARun <= 2 * places, "\(fixture.mostRequestsInARun)")
    }

    @Test("hundreds of half requests keep nobody from an answer", arguments: AdminFixture.Transport.allCases)
    func halfRequests(_ transport: AdminFixture.Transport) throws {
        let fixture = try AdminFixture(transport)
        let clients = (0..<300).map { _ in fixture.connect() }
        for client in clients { client.send("GET /livez HTTP/1.1\r\nHos") }
        for _ in 0..<20 { #expect(fixture.exchange(request)?.status == 200) }
        #expect(fixture.server.connectionCount <= fixture.server.bounds.places)
        // The connections that came first had to make room.
        #expect(fixture.run { clients[..<200].allSatisfy(\.isAtEnd) })
        #expect(fixture.elapsed == 0)
    }

    @Test("connections on which requests trickle in keep nobody from an answer, and are ended in time")
    func trickle() throws {
        let fixture = try AdminFixture()
        let bounds = fixture.server.bounds
        fixture.stopClock()
        let clients = (0..<bounds.places).map { _ in fixture.connect() }
        for (index, byte) in "GET /livez HTTP/1.1".utf8.enumerated() {
            for client in clients where !client.isAtEnd { client.send(String(UnicodeScalar(byte))) }
            #expect(fixture.exchange(request)?.status == 200)
            // Each byte comes long before an idle connection would be ended.
            if index < 9 { fixture.elapsed += bounds.requestTime / 10 }
        }
        #expect(fixture.run { fixture.server.connectionCount > 0 })
        fixture.elapsed += bounds.requestTime / 10
        #expect(fixture.run { clients.allSatisfy(\.isAtEnd) })
        #expect(fixture.server.connectionCount == 0)
    }

    @Test("an answer that is not read is given up in time, and the loop sleeps until then")
    func unreadAnswer() throws {
        let fixture = try AdminFixture()
        fixture.answer = { _ in AdminResponse(status: 200, body: [UInt8](repeating: 0x78, count: 10_000_000)) }
        let client = fixture.connect()
        client.isPaused = true
        client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(fixture.run { !fixture.requests.isEmpty })
        fixture.runServer()
        let wait = try #require(fixture.server.timeoutMilliseconds)
        #expect(wait > 1_000 && wait * 1_000_000 <= fixture.server.bounds.answerTime)
        fixture.elapsed = fixture.server.bounds.answerTime
        #expect(fixture.run { fixture.server.connectionCount == 0 })
        client.isPaused = false
        #expect(fixture.run { client.isAtEnd })
        #expect(client.responses.isEmpty)
    }

    @Test("with all places taken, who was heard already makes room for who was not")
    func whoMakesRoom() throws {
        var bounds = AdminServer.Bounds()
        (bounds.places, bounds.addsPerRun) = (4, 2)
        let fixture = try AdminFixture(bounds: bounds)
        let heard = fixture.connect()
        heard.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(fixture.run { heard.responses.count == 1 })
        var waiting: [HTTPClient] = []
        for _ in 0..<3 {
            waiting.append(fixture.connect())
            #expect(fixture.run { fixture.server.connectionCount == waiting.count + 1 })
        }
        // This client counts as the youngest, by its last request.
        heard.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(fixture.run { heard.responses.count == 2 })
        waiting.append(fixture.connect())
        #expect(fixture.run { heard.isAtEnd })
        #expect(fixture.server.connectionCount == 4 && waiting.allSatisfy { !$0.isAtEnd })
        // Of the clients that were not answered, the one that has waited longest has to go.
        let last = fixture.connect()
        #expect(fixture.run { waiting[0].isAtEnd })
        #expect(waiting[1...].allSatisfy { !$0.isAtEnd } && !last.isAtEnd)
        for client in waiting[1...] + [last] { client.send(request) }
        #expect(fixture.run { (waiting[1...] + [last]).allSatisfy { $0.responses.map(\.status) == [200] } })
    }

    @Test("a flood of connections keeps nobody from an answer")
    func flood() throws {
        let fixture = try AdminFixture()
        for _ in 0..<10 {
            let flood = (0..<100).map { _ in fixture.connect() }
            #expect(fixture.exchange(request)?.status == 200)
            for client in flood { client.disconnect() }
        }
        #expect(fixture.run { fixture.server.connectionCount == 0 })
    }
}
