/// A certificate for 127.0.0.1 that has signed itself, and its key: what Redis shows, and what the relay trusts. Made by
/// the `openssl` command, on P-256.
struct TLSFiles {
    private let certificate: String
    private let key: String

    /// - Throws: `BenchmarkFailure` when `openssl` is not installed, or makes none.
    init(in directory: ScratchDirectory, _ driver: Driver) throws(BenchmarkFailure) {
        (certificate, key) = (directory.path(of: "cert.pem"), directory.path(of: "key.pem"))
        try ChildProcess(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=hubrelay-bench", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                "-keyout", key, "-out", certificate,
            ], log: directory.path(of: "openssl.log")
        ).finish(driver)
    }

    /// For redis-server: a second port, with TLS.
    func redisArguments(port: UInt16) -> [String] {
        [
            "--tls-port", "\(port)", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no",
        ]
    }

    /// For hubrelay: where that is, and whom to trust.
    func relayArguments(port: UInt16) -> [String] {
        ["--redis", "rediss://127.0.0.1:\(port)", "--redis-ca", certificate]
    }
}
