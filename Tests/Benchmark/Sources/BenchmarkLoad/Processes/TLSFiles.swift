/// A self-signed certificate for 127.0.0.1, and its key. Redis shows the certificate, and the relay trusts it. Made by
/// the `openssl` command, on P-256.
struct TLSFiles {
    private let certificate: String
    private let key: String

    /// - Throws: `BenchmarkFailure` if `openssl` is not installed, or fails.
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

    /// The arguments for redis-server: a second port, with TLS.
    func redisArguments(port: UInt16) -> [String] {
        [
            "--tls-port", "\(port)", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no",
        ]
    }

    /// The arguments for hubrelay: the address, and the certificate to trust.
    func relayArguments(port: UInt16) -> [String] {
        ["--redis", "rediss://127.0.0.1:\(port)", "--redis-ca", certificate]
    }
}
