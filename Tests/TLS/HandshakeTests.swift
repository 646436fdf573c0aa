import TLS
import TestSupport
import Testing

/// Handshakes with a real Redis, and what can be wrong with its certificate.
@Suite struct HandshakeTests {
    private let ca: TestCA

    init() throws { ca = try TestCA() }

    @Test(arguments: [TLSContext.Version.v12, .v13])
    func aPingIsAnsweredByEitherVersion(_ version: TLSContext.Version) throws {
        let server = try RedisServer(tls: ca.server())
        let client = try TLSClient.connected(server, .trusting(ca, version: version))
        #expect(try client.ping())
        #expect(client.session.version == (version == .v12 ? "TLSv1.2" : "TLSv1.3"))
    }

    @Test(arguments: [TLSContext.Version.v12, .v13], [1, 2, 3, 5, 6, 7, 64, 1_000])
    func aHandshakeMayComeInPiecesOfAnySize(_ version: TLSContext.Version, _ piece: Int) throws {
        let server = try RedisServer(tls: ca.server())
        let client = try TLSClient.connected(server, .trusting(ca, version: version), piece: piece)
        #expect(try client.ping())
    }

    @Test func anAddressIsTakenForOneAndNotForAName() throws {
        let server = try RedisServer(tls: ca.server())
        #expect(try TLSClient.connected(server, .trusting(ca), name: "127.0.0.1").ping())
        let wrong = try tlsError { _ = try TLSClient.connected(server, .trusting(ca), name: "127.0.0.2") }
        #expect(wrong.kind == .wrongName)
        #expect(wrong.description.contains("is for localhost and 127.0.0.1, not for 127.0.0.2"))
    }

    @Test func aCertificateForAnotherNameIsRefused() throws {
        let certificate = try ca.certificate(names: ["DNS:a.example", "DNS:*.b.example", "IP:::1", "DNS:c.example"])
        let server = try RedisServer(tls: ServerTLS(certificate: certificate, caFile: ca.caFile))
        let error = try tlsError { _ = try TLSClient.connected(server, .trusting(ca), name: "localhost") }
        #expect(error.kind == .wrongName)
        #expect(
            error.description
                == "the server's certificate is for a.example, *.b.example, ::1 and 1 more, not for localhost "
                + "(--redis-tls-name says which name it must have)")
        #expect(try TLSClient.connected(server, .trusting(ca), name: "a.example").ping())
        #expect(try TLSClient.connected(server, .trusting(ca), name: "A.Example.").ping())
        #expect(try TLSClient.connected(server, .trusting(ca), name: "x.b.example").ping())
        #expect(
            try tlsError { _ = try TLSClient.connected(server, .trusting(ca), name: "b.example") }.kind == .wrongName)
    }

    /// RFC 6125, 6.4.3: an asterisk stands for a whole label.
    @Test func anAsteriskWithinALabelStandsForNothing() throws {
        let certificate = try ca.certificate(names: ["DNS:r*.b.example"])
        let server = try RedisServer(tls: ServerTLS(certificate: certificate, caFile: ca.caFile))
        let error = try tlsError { _ = try TLSClient.connected(server, .trusting(ca), name: "redis.b.example") }
        #expect(error.kind == .wrongName)
    }

    /// The certificate reads as if it were for the address. The error says what is wrong, and what helps.
    @Test(
        arguments: [
            ("127.0.0.1", ["DNS:127.0.0.1"], "127.0.0.1", "as a DNS name", nil),
            ("redis", ["DNS:127.0.0.1", "DNS:redis.example"], "127.0.0.1", "as a DNS name", "redis.example"),
            ("127.0.0.1", [], "127.0.0.1", "as its common name", nil),
            ("127.0.0.1", ["DNS:redis.example", "IP:127.0.0.2"], "127.0.0.1", "as its common name", "redis.example"),
            ("redis", ["DNS:0:0:0:0:0:0:0:1"], "::1", "as a DNS name", nil),
        ] as [(String, [String], String, String, String?)])
    func anAddressThatStandsInTheWrongPlaceIsRefusedWithTheReason(
        commonName: String, names: [String], address: String, place: String, host: String?
    ) throws {
        let certificate = try ca.certificate(commonName, names: names)
        let server = try RedisServer(tls: ServerTLS(certificate: certificate, caFile: ca.caFile))
        let error = try tlsError { _ = try TLSClient.connected(server, .trusting(ca), name: address) }
        #expect(error.kind == .wrongName)
        let advice = host.map { "; or --redis-tls-name says which of its host names is meant: \($0)" } ?? ""
        #expect(
            error.description
                == "the server's certificate has \(address) \(place), which does not count: an IP address must be in a "
                + "certificate as one, so this needs another certificate (with subjectAltName=IP:\(address))\(advice)")
        if let host { #expect(try TLSClient.connected(server, .trusting(ca), name: host).ping()) }
    }

    @Test func anExpiredCertificateIsRefusedWithItsDay() throws {
        let certificate = try ca.certificate(from: "20200101000000Z", to: "20210203040506Z")
        let server = try RedisServer(tls: ServerTLS(certificate: certificate, caFile: ca.caFile))
        let error = try tlsError { _ = try TLSClient.connected(server, .trusting(ca)) }
        #expect(error.kind == .expired)
        #expect(error.description == "the server's certificate has expired (on 2021-02-03)")
    }

    @Test func aCertificateOfTheFutureIsRefusedWithItsDay() throws {
        let certificate = try ca.certificate(from: "20910101000000Z", to: "20920101000000Z")
        let server = try RedisServer(tls: ServerTLS(certificate: certificate, caFile: ca.caFile))
        let error = try tlsError { _ = try TLSClient.connected(server, .trusting(ca)) }
        #expect(error.kind == .notYetValid)
        #expect(error.description.contains("not valid yet (from 2091-01-01 on)"))
    }

    @Test func aCertificateOfAnotherAuthorityIsRefused() throws {
        let server = try RedisServer(tls: ca.server())
        let other = try TestCA("another CA")
        for settings in [TLSContext.Settings.trusting(other), TLSContext.Settings()] {
            let error = try tlsError { _ = try TLSClient.connected(server, settings) }
            #expect(error.kind == .untrusted)
            #expect(error.description.contains("--redis-ca names the CA"))
        }
    }

    @Test func aSelfSignedCertificateIsRefusedUnlessItIsTrustedItself() throws {
        let certificate = try TestCertificate(selfSigned: "server")
        let server = try RedisServer(tls: ServerTLS(certificate: certificate, caFile: ca.caFile))
        #expect(try tlsError { _ = try TLSClient.connected(server, .trusting(ca)) }.kind == .selfSigned)
        let trusting = TLSContext.Settings(caFile: certificate.certificateFile)
        #expect(try TLSClient.connected(server, trusting).ping())
    }

    @Test func whoeverIsInTheFileIsTrustedEvenBelowARoot() throws {
        let intermediate = try TestCA("intermediate", signedBy: ca)
        let server = try RedisServer(tls: ServerTLS(certificate: intermediate.certificate(), caFile: ca.caFile))
        #expect(try TLSClient.connected(server, .trusting(intermediate)).ping())
        // The server does not send the intermediate certificate, so the root alone is not enough.
        #expect(try tlsError { _ = try TLSClient.connected(server, .trusting(ca)) }.kind == .untrusted)
    }

    @Test func aNameIsAskedForAndAnAddressIsNot() throws {
        let context = try TLSContext(.trusting(ca))
        for (name, isSent) in [("redis.example", true), ("redis.example.", true), ("::1", false)] {
            let session = try TLSSession(context: context, serverName: name)
            try session.startHandshake()
            var hello = ""
            session.takeOutput {
                hello = String(decoding: $0, as: UTF8.self)
                return 0
            }
            #expect(hello.contains("redis.example") == isSent)
            #expect(!hello.contains("redis.example."))
            #expect(!hello.contains("::1"))
        }
    }

    @Test func aWeakKeyIsRefusedAsSuch() throws {
        let certificate = try ca.certificate(weak: true)
        // redis-server itself refuses such a key.
        let server = try OpenSSLServer(certificate, ["-cipher", "ALL@SECLEVEL=0"])
        let client = try TLSClient(port: server.port, .trusting(ca))
        let error = try tlsError { try client.handshake() }
        #expect(error.kind == .weakCertificate)
        #expect(error.description.contains("RSA needs 2048 bits"))
    }

    @Test func anyCertificateWillDoWhereNobodyVerifies() throws {
        let certificate = try TestCertificate(selfSigned: "server", names: ["DNS:elsewhere.example"])
        let server = try RedisServer(tls: ServerTLS(certificate: certificate, caFile: ca.caFile))
        #expect(try TLSClient.connected(server, TLSContext.Settings(isInsecure: true)).ping())
    }

    @Test func versionsThatDoNotMeetAreSaidToBeThat() throws {
        let old = try RedisServer(tls: ca.server(versions: "TLSv1.2"))
        #expect(try tlsError { _ = try TLSClient.connected(old, .trusting(ca, version: .v13)) }.kind == .version)
        let new = try RedisServer(tls: ca.server(versions: "TLSv1.3"))
        #expect(try tlsError { _ = try TLSClient.connected(new, .trusting(ca, version: .v12)) }.kind == .version)
    }

    @Test(arguments: ["-ERR unknown command", "-", "HTTP/1.1 400 Bad Request", "\0\0\0\0\0"])
    func whoSpeaksNoTLSIsSaidToDoSo(_ answer: String) throws {
        let session = try TLSSession(context: TLSContext(.trusting(ca)), serverName: "localhost")
        try session.startHandshake()
        let error = try tlsError {
            try Array(answer.utf8).withUnsafeBytes { try session.receive($0) { _ in Issue.record("plaintext") } }
        }
        #expect(error.kind == .plaintext)
        #expect(error.description == "the server does not speak TLS there (redis, not rediss, in the URL)")
        #expect(try tlsError { try session.startHandshake() } == error)
        #expect(session.end() == error)
    }

    /// Redis waits for the end of a line, which a ClientHello of OpenSSL 3.0 lacks, and a longer one of 3.5 may have.
    @Test func aRedisWithoutTLSSaysNothingAtAllOrNothingOfTLS() throws {
        let server = try RedisServer(onPort: true)
        guard case .port(let port) = server.address else { return }
        let client = try TLSClient(port: port, .trusting(ca))
        try client.session.startHandshake()
        try client.flush()
        // Redis has the ClientHello once it counts its bytes. If it were to answer, it would have done so by then.
        let other = try server.client()
        try eventually("Redis has the ClientHello") {
            guard case .bulk(let list) = try other.run("CLIENT", "LIST") else { return false }
            return String(decoding: list, as: UTF8.self).split(separator: "\n").contains {
                !$0.contains(" qbuf=0 ") && !$0.contains("cmd=client")
            }
        }
        if let answer = try client.socket.read(within: 0) {
            let error = try tlsError { try answer.withUnsafeBytes { try client.session.receive($0) { _ in } } }
            #expect(error.kind == .plaintext)
        } else {
            #expect(client.session.timeOut().kind == .silent)
        }
    }

    @Test func aNameThatNoCertificateCanHaveIsRefused() throws {
        let context = try TLSContext(.trusting(ca))
        for name in ["", ".", "a\0b", String(repeating: "a", count: 300)] {
            #expect(try tlsError { _ = try TLSSession(context: context, serverName: name) }.kind == .settings)
        }
    }
}
