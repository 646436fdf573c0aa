import AdminHTTP
import Glibc
import Posix
import Testing

@Suite("Bad clients, many clients, and the end")
struct AdminServerTests {
    let request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test(
        "what is no HTTP ends its own connection and nothing else", arguments: AdminFixture.Transport.allCases
    )
    func garbage(_ transport: AdminFixture.Transport) throws {
        let fixture = try AdminFixture(transport)
        let bystander = fixture.connect()
        bystander.send("GET /bystander HTTP/1.1\r\nHost:")
        let long = String(repeating: "a", count: 100_000)
        // These get no answer: the library waits, up to its timeout, for bytes that would complete a request.
        for garbage in ["\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "\r\n\r\n\r\n"] {
            fixture.connect().send(garbage)
        }
        for (garbage, status) in [
            ("GET / HTTP/9.9\r\n\r\n", 505), ("GET /\(long) HTTP/1.1\r\n", 414),
            ("GET / HTTP/1.1\r\nA: \(long)\r\n\r\n", 431),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        ] {
            let client = fixture.connect()
            client.send(garbage)
            #expect(fixture.run { client.isAtEnd }, "\(garbage.prefix(60))")
            // If the server closed with bytes unread, the reset may have overtaken its answer.
            #expect(client.responses.allSatisfy { $0.status == status }, "\(garbage.prefix(60))")
        }
        #expect(fixture.exchange(request)?.status == 200)
        bystander.send(" x\r\n\r\n")
        #expect(fixture.run { bystander.responses.count == 1 })
        #expect(bystander.responses.first?.body == "GET /bystander ")
    }

    @Test("requests that are given up at every point leak nothing")
    func abandoned() throws {
        let fixture = try AdminFixture()
        for text in [request, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789"] {
            for length in 0..<text.utf8.count {
                let client = fixture.connect()
                client.send(String(text.prefix(length)))
                let turns = fixture.turns
                #expect(fixture.run { fixture.turns > turns })
                client.disconnect()
            }
        }
        #expect(fixture.exchange(request)?.status == 200)
        // LeakSanitizer finds the rest.
    }

    @Test("a client in the middle of its request does not hold up others, at every split")
    func slowRequest() throws {
        let fixture = try AdminFixture()
        let slow = fixture.connect()
        for character in request.utf8 {
            slow.send(String(UnicodeScalar(character)))
            #expect(fixture.exchange(request)?.status == 200)
        }
        #expect(fixture.run { slow.responses.count == 1 })
    }

    @Test("a client that does not read a large answer does not hold up others, or make the loop spin")
    func slowReader() throws {
        let fixture = try AdminFixture()
        let large = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000_000)
        fixture.answer = { AdminResponse(status: 200, body: $0.path == "/large" ? large : []) }
        let slow = fixture.connect()
        slow.isPaused = true
        slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in 0..<20 { #expect(fixture.exchange(request)?.status == 200) }
        // If there is nothing to do but wait, the loop sleeps for as long as the library says.
        fixture.server.run()
        #expect((fixture.server.timeoutMilliseconds ?? 0) > 1_000)
        slow.isPaused = false
        #expect(fixture.run { slow.responses.count == 1 })
        #expect(slow.responses.first?.body.utf8.count == large.count)
    }

    @Test("200 connections at once are all answered", arguments: AdminFixture.Transport.allCases)
    func manyConnections(_ transport: AdminFixture.Transport) throws {
        let fixture = try AdminFixture(transport)
        let clients = (0..<200).map { _ in fixture.connect() }
        for client in clients { client.send("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") }
        let start = Clock.monotonicNanoseconds()
        #expect(fixture.run { clients.allSatisfy { $0.isAtEnd } })
        #expect(clients.allSatisfy { $0.responses.map(\.status) == [200] })
        // No client waits for the timeout of another one, which is 10 s.
        #expect(Clock.monotonicNanoseconds() - start < 5_000_000_000)
    }

    @Test("an idle server has nothing to do")
    func idle() throws {
        let fixture = try AdminFixture()
        fixture.server.run()
        #expect(fixture.server.timeoutMilliseconds == nil)
        var watched = pollfd(fd: fixture.server.pollDescriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&watched, 1, 0) == 0)
    }

    @Test("closing drops connections, and may come twice")
    func closing() throws {
        let fixture = try AdminFixture(.tcp)
        let client = fixture.connect()
        client.send("GET / HTTP/1.1\r\nHos")
        let turns = fixture.turns
        #expect(fixture.run { fixture.turns > turns })
        fixture.server.close()
        fixture.server.close()
        #expect(fixture.server.pollDescriptor == -1)
        #expect(fixture.server.timeoutMilliseconds == nil)
        fixture.server.run()
        #expect(fixture.run { client.isAtEnd })
    }

    @Test("letting go of the server closes it")
    func lettingGo() throws {
        let fixture = try AdminFixture()
        let client = fixture.connect()
        client.send("GET / HTTP/1.1\r\nHos")
        let turns = fixture.turns
        #expect(fixture.run { fixture.turns > turns })
        fixture.dropServer()
        #expect(fixture.run { client.isAtEnd })
    }

    @Test("closing from within the handler answers first")
    func closingInHandler() throws {
        let fixture = try AdminFixture()
        fixture.answer = { [unowned fixture] _ in
            fixture.server.close()
            return AdminResponse(status: 200, body: Array("bye".utf8))
        }
        let client = fixture.connect()
        client.send(request)
        #expect(fixture.run { fixture.server.pollDescriptor < 0 })
        #expect(fixture.run { client.isAtEnd })
        #expect(client.responses.map(\.body) == ["bye"])
    }
}
