import TLS
import TestSupport
import Testing

/// A server that asks for a client certificate. With TLS 1.3 it accepts or rejects it only after our handshake is over.
@Suite struct ClientCertificateTests {
    private let ca: TestCA

    init() throws { ca = try TestCA() }

    /// Connects, and waits for the answer to a PING: by then the server has accepted or rejected the certificate.
    private func pinging(_ server: RedisServer, _ settings: TLSContext.Settings) throws -> Bool {
        try TLSClient.connected(server, settings).ping()
    }

    @Test(arguments: [TLSContext.Version.v12, .v13])
    func aGoodCertificateIsTaken(_ version: TLSContext.Version) throws {
        let server = try RedisServer(tls: ca.server(clients: .required))
        #expect(try pinging(server, .trusting(ca, showing: ca.certificate("relay"), version: version)))
    }

    @Test func aChainAndItsKeyMayBeInOneFile() throws {
        let intermediate = try TestCA("intermediate", signedBy: ca)
        let certificate = try intermediate.certificate("relay")
        let directory = try TemporaryDirectory()
        let file = directory.path(of: "all.pem")
        let parts = [certificate.keyFile, certificate.certificateFile, intermediate.caFile]
        try writeFile(file, parts.map(textOfFile).joined())
        let server = try RedisServer(tls: ca.server(clients: .required))
        #expect(try pinging(server, TLSContext.Settings(caFile: ca.caFile, certificateFile: file)))
        // Without the intermediate certificate, Redis does not know who signed the client's.
        try writeFile(file, parts.dropLast().map(textOfFile).joined())
        let error = try tlsError {
            _ = try pinging(server, TLSContext.Settings(caFile: ca.caFile, certificateFile: file))
        }
        #expect(error.kind == .certificateRefused)
    }

    @Test(arguments: [TLSContext.Version.v12, .v13])
    func aServerThatWantsOneSaysSo(_ version: TLSContext.Version) throws {
        let server = try RedisServer(tls: ca.server(clients: .required))
        let error = try tlsError { _ = try pinging(server, .trusting(ca, version: version)) }
        #expect(error.kind == .certificateRequired)
        #expect(error.description.hasPrefix("the server wants a client certificate (--redis-cert)"))
    }

    @Test(arguments: [TLSContext.Version.v12, .v13], [ServerTLS.Clients.required, .optional])
    func aServerThatDoesNotTakeOursSaysSo(_ version: TLSContext.Version, _ clients: ServerTLS.Clients) throws {
        let server = try RedisServer(tls: ca.server(clients: clients))
        let other = try TestCA("another CA")
        let settings = try TLSContext.Settings.trusting(ca, showing: other.certificate("relay"), version: version)
        let error = try tlsError { _ = try pinging(server, settings) }
        #expect(error.kind == .certificateRefused)
        #expect(error.description == "the server refused our certificate (--redis-cert): unknown CA")
    }

    @Test(arguments: [TLSContext.Version.v12, .v13])
    func anExpiredOneIsRefusedAsExpired(_ version: TLSContext.Version) throws {
        let server = try RedisServer(tls: ca.server(clients: .required))
        let expired = try ca.certificate("relay", from: "20200101000000Z", to: "20210101000000Z")
        let error = try tlsError { _ = try pinging(server, .trusting(ca, showing: expired, version: version)) }
        #expect(error.kind == .certificateRefused)
        #expect(error.description.hasSuffix("certificate expired"))
    }

    @Test func aServerThatDoesNotAskGetsNone() throws {
        let server = try RedisServer(tls: ca.server())
        let other = try TestCA("another CA")
        #expect(try pinging(server, .trusting(ca, showing: other.certificate("relay"))))
    }
}
