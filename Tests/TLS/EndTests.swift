import TLS
import TestSupport
import Testing

/// How sessions end, properly and otherwise.
@Suite struct EndTests {
    private let ca: TestCA
    private let server: RedisServer

    init() throws {
        ca = try TestCA()
        server = try RedisServer(tls: ca.server())
    }

    @Test(arguments: [TLSContext.Version.v12, .v13])
    func aServerThatClosesInOrderIsSaidToHaveClosed(_ version: TLSContext.Version) throws {
        let client = try TLSClient.connected(server, .trusting(ca, version: version))
        try client.send("QUIT\r\n")
        let error = try tlsError { while true { try client.receive() } }
        #expect(error.kind == .closed)
        // The data before the end was delivered first, and the error stays.
        #expect(client.received == Array("+OK\r\n".utf8))
        #expect(try tlsError { try client.send("PING\r\n") } == error)
        #expect(client.session.end() == error)
    }

    @Test func aServerThatIsKilledIsSaidToHaveBeenCutOff() throws {
        let client = try TLSClient.connected(server, .trusting(ca))
        #expect(try client.ping())
        server.stop()
        #expect(try tlsError { while true { try client.receive() } }.kind == .truncated)
        #expect(try tlsError { try client.send("PING\r\n") }.kind == .truncated)
    }

    @Test func anEndDuringTheHandshakeIsSaidToBeThat() throws {
        let session = try TLSSession(context: TLSContext(.trusting(ca)), serverName: "localhost")
        try session.startHandshake()
        #expect(session.end().kind == .closedDuringHandshake)
        // Here a close_notify in plaintext ends the session.
        let other = try TLSSession(context: TLSContext(.trusting(ca)), serverName: "localhost")
        try other.startHandshake()
        let error = try tlsError { try feed([21, 3, 3, 0, 2, 1, 0], to: other) }
        #expect(error.kind == .closedDuringHandshake)
    }

    @Test(arguments: [TLSContext.Version.v12, .v13])
    func garbageEndsTheSessionForGood(_ version: TLSContext.Version) throws {
        for garbage in [Array("+PONG\r\n".utf8), [23, 3, 3, 0, 20] + [UInt8](repeating: 7, count: 20)] {
            let client = try TLSClient.connected(server, .trusting(ca, version: version))
            #expect(try client.ping())
            let error = try tlsError { try client.feed(garbage) }
            #expect(error.kind == .malformed)
            #expect(error.description.hasPrefix("the server sent invalid TLS: "))
            #expect(try tlsError { try client.feed([23]) } == error)
            #expect(try tlsError { try client.send("PING\r\n") } == error)
            #expect(client.received.isEmpty)
        }
    }

    @Test func anAlertIsToldByItsName() throws {
        let session = try TLSSession(context: TLSContext(.trusting(ca)), serverName: "localhost")
        try session.startHandshake()
        let error = try tlsError { try feed([21, 3, 3, 0, 2, 2, 112], to: session) }
        #expect(error.kind == .refused)
        #expect(
            error.description == "the server does not know the name localhost (--redis-tls-name): unrecognized name")
        let other = try TLSSession(context: TLSContext(.trusting(ca)), serverName: "localhost")
        try other.startHandshake()
        #expect(
            try tlsError { try feed([21, 3, 3, 0, 2, 2, 80], to: other) }.description
                == "the server ended the TLS connection: internal error")
    }

    @Test func closingSaysGoodbyeOnce() throws {
        let client = try TLSClient.connected(server, .trusting(ca))
        client.session.close()
        client.session.close()
        var output: [UInt8] = []
        client.session.takeOutput {
            output += $0
            return 0
        }
        #expect(appRecords(in: output).count == 1)
        try client.send("PING\r\n")
        #expect(!client.session.hasOutput)
        // Redis recognises the close_notify, and closes.
        try client.socket.write(output)
        while case let bytes? = try client.socket.read(within: 20), !bytes.isEmpty { try client.feed(bytes) }
        #expect(client.received.isEmpty)
    }

    @Test func whoeverIsHandedBytesMayCloseAndLetGo() throws {
        let client = try TLSClient.connected(server, .trusting(ca, version: .v12))
        try client.send("PING\r\n")
        var bytes = try client.nextRecords()
        // Garbage follows. It would be an error if it were read.
        bytes += Array("garbage".utf8)
        var (session, calls): (TLSSession?, Int) = (client.session, 0)
        try bytes.withUnsafeBytes {
            try session?.receive($0) { _ in
                calls += 1
                session?.close()
                session = nil
            }
        }
        #expect(calls == 1)
    }

    @Test func whoeverTakesOutputMayClose() throws {
        let client = try TLSClient.connected(server, .trusting(ca))
        try [1, 2, 3].withUnsafeBytes { try client.session.send($0) }
        client.session.takeOutput {
            let before = Array($0)
            client.session.close()
            #expect(Array($0) == before)
            return $0.count
        }
        #expect(client.session.hasOutput)
        #expect(client.session.recordsUnsent == 2)
    }

    private func feed(_ bytes: [UInt8], to session: TLSSession) throws {
        try bytes.withUnsafeBytes { try session.receive($0) { _ in Issue.record("nothing was encrypted") } }
    }
}
