import AdminHTTP
import Testing

/// Answers that have to wait for a later run.
@Suite("Waiting")
struct WaitingTests {
    let request = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test("the answer comes when the handler has it, and the connection goes on")
    func later() throws {
        let fixture = try AdminFixture()
        var asked = 0
        fixture.answer = { _ in
            asked += 1
            return asked % 3 == 0 ? AdminResponse(status: 200, body: Array("\(asked)".utf8)) : nil
        }
        let client = fixture.connect()
        for count in 1...3 {
            client.send(request)
            #expect(fixture.run { client.responses.count == count })
        }
        #expect(client.responses.map(\.body) == ["3", "6", "9"])
    }

    @Test("of many one is asked again in each run, and all are answered", arguments: AdminFixture.Transport.allCases)
    func oneARun(_ transport: AdminFixture.Transport) throws {
        let fixture = try AdminFixture(transport)
        var dear = 0
        var mayAnswer = true
        var mostDear = 0
        fixture.answer = { _ in
            guard mayAnswer else { return nil }
            (mayAnswer, dear) = (false, dear + 1)
            return AdminResponse(status: 200, body: [])
        }
        let clients = (0..<fixture.server.bounds.places).map { _ in fixture.connect() }
        for client in clients { client.send(request) }
        #expect(
            fixture.run {
                (mostDear, dear, mayAnswer) = (max(mostDear, dear), 0, true)
                return clients.allSatisfy { $0.responses.count == 1 }
            })
        #expect(mostDear == 1)
        #expect(clients.allSatisfy { $0.responses[0].status == 200 })
    }

    @Test("a server that is closed, or let go, while answers wait ends in order", arguments: [false, true])
    func end(isDropped: Bool) throws {
        let fixture = try AdminFixture()
        var asked = 0
        fixture.answer = { _ in
            asked += 1
            return nil
        }
        let clients = (0..<3).map { _ in fixture.connect() }
        for client in clients { client.send(request) }
        #expect(fixture.run { asked >= 3 })
        if isDropped { fixture.dropServer() } else { fixture.server.close() }
        #expect(fixture.run { clients.allSatisfy(\.isAtEnd) })
    }

    @Test("who goes away while the answer waits costs nothing, and others are answered")
    func gone() throws {
        let fixture = try AdminFixture()
        var answers = false
        var asked = 0
        fixture.answer = { _ in
            asked += 1
            return answers ? AdminResponse(status: 200, body: []) : nil
        }
        let (leaves, stays) = (fixture.connect(), fixture.connect())
        leaves.send(request)
        stays.send(request)
        #expect(fixture.run { asked >= 2 })
        leaves.disconnect()
        answers = true
        #expect(fixture.run { stays.responses.count == 1 })
        #expect(fixture.run { fixture.server.connectionCount == 1 })
    }
}
