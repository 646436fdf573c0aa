import TLS
import TestSupport
import Testing

/// Files that cannot be used, and the error for each.
@Suite struct ContextTests {
    private let ca: TestCA
    private let certificate: TestCertificate
    private let directory: TemporaryDirectory

    init() throws {
        ca = try TestCA()
        certificate = try ca.certificate("relay")
        directory = try TemporaryDirectory()
    }

    private func error(_ settings: TLSContext.Settings) throws -> TLSError {
        try tlsError { _ = try TLSContext(settings) }
    }

    /// The path of a file that contains this text.
    private func file(_ text: String) throws -> String {
        let path = directory.path(of: "\(directory.entries.count).pem")
        try writeFile(path, text)
        return path
    }

    private func showing(_ certificateFile: String, _ keyFile: String? = nil) -> TLSContext.Settings {
        TLSContext.Settings(certificateFile: certificateFile, keyFile: keyFile)
    }

    @Test func aFileThatCannotBeReadIsNamed() throws {
        let missing = directory.path(of: "missing.pem")
        let text = "\(missing): No such file or directory (errno 2)"
        #expect(try error(.init(caFile: missing)).description == "cannot read the CA file \(text)")
        #expect(try error(.init(caFile: missing, isInsecure: true)).kind == .file)
        #expect(try error(showing(missing)).description == "cannot read the certificate file \(text)")
        let noKey = try error(showing(certificate.certificateFile, missing))
        #expect(noKey.description == "cannot read the key file \(text)")
        let folder = try error(.init(caFile: directory.path))
        #expect(folder.description.hasSuffix("it is a directory, not a regular file"))
        #expect(try error(.init(caFile: try file(""))).description.hasSuffix("it is empty"))
    }

    @Test func aFileWithoutWhatItIsForIsNamed() throws {
        let text = try file("no PEM\n")
        #expect(
            try error(.init(caFile: text)).description
                == "there is no certificate in the CA file \(text) (as PEM: BEGIN CERTIFICATE)")
        #expect(try error(.init(caFile: certificate.keyFile)).description.hasPrefix("there is no certificate in"))
        #expect(try error(showing(text)).description.hasPrefix("there is no certificate in \(text)"))
        let noKey = try error(showing(certificate.certificateFile, text))
        #expect(noKey.description == "there is no private key in \(text) (as PEM: BEGIN PRIVATE KEY)")
        #expect(try error(showing(certificate.certificateFile)).description.hasPrefix("there is no private key in"))
    }

    @Test func aBrokenCertificateIsToldByItsNumber() throws {
        let good = textOfFile(ca.caFile)
        let broken = good.replacing("MII", with: "M!!", maxReplacements: 1)
        let path = try file(good + broken)
        #expect(try error(.init(caFile: path)).description.hasPrefix("certificate 2 in \(path) cannot be read: "))
        let cut = try file(String(good.dropLast(40)))
        #expect(try error(.init(caFile: cut)).description.hasPrefix("certificate 1 in \(cut) cannot be read: "))
    }

    @Test func aKeyOfAnotherCertificateIsRefused() throws {
        let other = try ca.certificate("other")
        let error = try error(showing(certificate.certificateFile, other.keyFile))
        #expect(
            error.description
                == "the key in \(other.keyFile) does not belong to the certificate in \(certificate.certificateFile)")
        // This key is of another kind, and not only another key.
        let weak = try ca.certificate("other", weak: true)
        #expect(try self.error(showing(certificate.certificateFile, weak.keyFile)).kind == .file)
    }

    @Test(arguments: [["pkcs8", "-topk8"], ["ec", "-aes128"]])
    func anEncryptedKeyIsRefusedAndNobodyIsAsked(_ command: [String]) throws {
        let path = directory.path(of: "encrypted.pem")
        let words = command + ["-in", certificate.keyFile, "-out", path, "-passout", "pass:hunter2"]
        try openssl(words, in: directory)
        let error = try error(showing(certificate.certificateFile, path))
        #expect(error.description == "the key in \(path) is encrypted: `openssl pkey -in \(path)` writes it without")
    }

    @Test func aWeakCertificateIsRefusedAsSuch() throws {
        let weak = try ca.certificate("relay", weak: true)
        let error = try error(showing(weak.certificateFile, weak.keyFile))
        #expect(error.description.hasPrefix("OpenSSL does not accept certificate 1 in \(weak.certificateFile): "))
        #expect(error.description.hasSuffix("(RSA needs 2048 bits)"))
    }

    @Test func settingsThatContradictEachOtherAreRefused() throws {
        #expect(try error(.init(keyFile: certificate.keyFile)).kind == .settings)
        #expect(try error(.init(minimumVersion: .v13, maximumVersion: .v12)).kind == .settings)
    }

    @Test func everyFileOfTheSystemStoreIsTaken() throws {
        let bundle = "/etc/ssl/certs/ca-certificates.crt"
        if fileExists(bundle) { _ = try TLSContext(.init(caFile: bundle)) }
        _ = try TLSContext(.init())
    }

    @Test func aSessionOutlivesItsContext() throws {
        let server = try RedisServer(tls: ca.server())
        let client = try TLSClient.connected(server, .trusting(ca))
        // Only the client holds the session.
        #expect(try client.ping())
    }
}
