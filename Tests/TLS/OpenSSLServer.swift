import TestSupport

/// `openssl s_server`, for what Redis cannot be made to do. It sends each line back reversed, and serves one connection
/// after the other.
final class OpenSSLServer {
    let port: UInt16
    private let directory: TemporaryDirectory
    private let process: ChildProcess

    /// - Parameter options: further options for its command line.
    init(_ certificate: TestCertificate, _ options: [String] = []) throws {
        directory = try TemporaryDirectory()
        port = try freePort()
        process = try ChildProcess(
            "openssl",
            ["s_server", "-accept", "127.0.0.1:\(port)", "-rev", "-cert", certificate.certificateFile]
                + ["-key", certificate.keyFile] + options,
            log: directory.path(of: "s_server"))
        let (port, process) = (port, process)
        try eventually("s_server listens") {
            if let ended = process.ended { throw TestFailure("s_server: \(ended)\n\(process.errors)") }
            return process.output.contains("ACCEPT") || (try? TestSocket(port: port)) != nil
        }
    }
}
