internal import Synchronization

/// A certificate authority of the test's own, made by the `openssl` command in a directory of its own. Its keys are on
/// P-256, so that making a certificate takes only about 20 ms. The files of its certificates exist as long as it does.
package final class TestCA: Sendable {
    private let directory: TemporaryDirectory
    /// The certificate in PEM: a value for `--redis-ca`.
    package let caFile: String
    private let keyFile: String
    private let signed = Atomic(0)

    /// - Parameters:
    ///   - name: its common name, without `/`.
    ///   - parent: the CA that signs it. By default it signs itself.
    /// - Throws: `TestFailure` when `openssl` is not installed or fails.
    package init(_ name: String = "CA of the tests", signedBy parent: TestCA? = nil) throws {
        directory = try TemporaryDirectory()
        (caFile, keyFile) = (directory.path(of: "ca.pem"), directory.path(of: "ca.key"))
        try openssl(
            ["req", "-x509", "-new", "-subj", "/CN=\(name)", "-days", "30", "-keyout", keyFile, "-out", caFile]
                + ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
                + (parent.map { ["-CA", $0.caFile, "-CAkey", $0.keyFile] } ?? []) + newKey, in: directory)
    }

    /// Signs a certificate. The CA does not change, and is the same for all certificates.
    /// - Parameters:
    ///   - commonName: the common name of the certificate's subject.
    ///   - names: the subject alternative names, as OpenSSL writes them: `DNS:localhost`, `IP:127.0.0.1`.
    ///   - weak: whether it has an RSA key of 1024 bits, which OpenSSL no longer accepts.
    /// - Throws: `TestFailure` when `openssl` fails.
    package func certificate(
        _ commonName: String = "server", names: [String] = ["DNS:localhost", "IP:127.0.0.1"], weak: Bool = false
    ) throws -> TestCertificate {
        try TestCertificate(
            commonName, names, days: ["-days", "30", "-CA", caFile, "-CAkey", keyFile],
            key: weak ? ["-newkey", "rsa:1024", "-nodes"] : newKey, in: newFolder())
    }

    /// Signs a certificate that is valid only from one time to another, each as "20200101000000Z".
    /// - Throws: `TestFailure` when `openssl` fails.
    package func certificate(
        _ commonName: String = "server", names: [String] = ["DNS:localhost", "IP:127.0.0.1"], from: String, to: String
    ) throws -> TestCertificate {
        try TestCertificate(
            commonName, names, from: from, to: to, caFile: caFile, caKeyFile: keyFile, in: newFolder())
    }

    /// A folder for the files of one certificate.
    private func newFolder() -> (TemporaryDirectory, String) {
        let path = directory.path(of: "\(signed.add(1, ordering: .relaxed).newValue)")
        makeDirectory(path)
        return (directory, path)
    }

    /// The TLS of a server that has a good certificate.
    package func server(clients: ServerTLS.Clients = .unasked, versions: String = "TLSv1.2 TLSv1.3") throws -> ServerTLS
    {
        ServerTLS(certificate: try certificate(), caFile: caFile, clients: clients, versions: versions)
    }
}

/// A certificate and its key.
package final class TestCertificate: Sendable {
    /// Keeps the files in existence.
    private let directory: TemporaryDirectory
    package let certificateFile: String
    package let keyFile: String

    /// A certificate that is signed with its own key.
    /// - Throws: `TestFailure` when `openssl` fails.
    package convenience init(selfSigned commonName: String, names: [String] = ["DNS:localhost"]) throws {
        let directory = try TemporaryDirectory()
        try self.init(commonName, names, days: ["-days", "30"], key: newKey, in: (directory, directory.path))
    }

    fileprivate init(
        _ commonName: String, _ names: [String], days: [String], key: [String], in place: (TemporaryDirectory, String)
    ) throws {
        directory = place.0
        (certificateFile, keyFile) = (place.1 + "/cert.pem", place.1 + "/key.pem")
        try openssl(
            ["req", "-x509", "-new", "-subj", "/CN=\(commonName)", "-keyout", keyFile, "-out", certificateFile]
                + ["-addext", "basicConstraints=critical,CA:FALSE"] + days + key + Self.extensions(names),
            in: directory)
    }

    fileprivate init(
        _ commonName: String, _ names: [String], from: String, to: String, caFile: String, caKeyFile: String,
        in place: (TemporaryDirectory, String)
    ) throws {
        directory = place.0
        (certificateFile, keyFile) = (place.1 + "/cert.pem", place.1 + "/key.pem")
        let (request, settings) = (place.1 + "/request.pem", place.1 + "/ca.cnf")
        try openssl(
            ["req", "-new", "-subj", "/CN=\(commonName)", "-keyout", keyFile, "-out", request] + newKey
                + Self.extensions(names), in: directory)
        // Only `openssl ca` takes both dates, and it requires a database. That is these files, which are removed with
        // the directory.
        let books = place.1 + "/index.txt"
        try writeFile(books, "")
        try writeFile(
            settings,
            """
            [ca]
            default_ca = ours
            [ours]
            database = \(books)
            new_certs_dir = \(place.1)
            default_md = sha256
            policy = subject
            copy_extensions = copy
            rand_serial = yes
            [subject]
            commonName = supplied

            """)
        try openssl(
            ["ca", "-batch", "-notext", "-config", settings, "-cert", caFile, "-keyfile", caKeyFile]
                + ["-in", request, "-out", certificateFile, "-startdate", from, "-enddate", to],
            in: directory)
    }

    private static func extensions(_ names: [String]) -> [String] {
        names.isEmpty ? [] : ["-addext", "subjectAltName=" + names.joined(separator: ",")]
    }
}

/// How a server speaks TLS.
package struct ServerTLS: Sendable {
    /// What the server does about certificates of clients.
    package enum Clients: String, Sendable {
        case unasked = "no"
        /// A client need not show a certificate, but one that it shows has to be good.
        case optional
        case required = "yes"
    }

    package var certificate: TestCertificate
    /// The CA that has to have signed the certificates of clients.
    package var caFile: String
    package var clients: Clients
    /// The versions of TLS in the form of redis-server: "TLSv1.2 TLSv1.3".
    package var versions: String

    package init(
        certificate: TestCertificate, caFile: String, clients: Clients = .unasked,
        versions: String = "TLSv1.2 TLSv1.3"
    ) {
        (self.certificate, self.caFile) = (certificate, caFile)
        (self.clients, self.versions) = (clients, versions)
    }

    /// The words for redis-server's command line.
    func settings(port: UInt16) -> [String] {
        ["--tls-port", "\(port)", "--bind", "127.0.0.1", "--tls-protocols", versions]
            + ["--tls-cert-file", certificate.certificateFile, "--tls-key-file", certificate.keyFile]
            + ["--tls-ca-cert-file", caFile, "--tls-auth-clients", clients.rawValue]
    }
}

private let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

/// Runs the `openssl` command.
/// - Throws: `TestFailure` with the error output of `openssl` when it does not succeed.
package func openssl(_ arguments: [String], in directory: TemporaryDirectory) throws {
    let process = try ChildProcess("openssl", arguments, log: directory.path(of: "openssl"))
    guard try process.waitForExit() == .code(0) else {
        throw TestFailure("openssl \(arguments.first ?? ""): \(process.errors)")
    }
}
