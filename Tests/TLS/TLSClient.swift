import TLS
import TestSupport

/// A session on a socket: what a link is in the relay, but blocking.
final class TLSClient {
    let session: TLSSession
    let socket: TestSocket
    /// What has come so far, decrypted.
    private(set) var received: [UInt8] = []
    /// Bytes that the session is given at once; nil: as they come.
    private let piece: Int?

    /// Connects, without a handshake.
    init(
        port: UInt16, _ settings: TLSContext.Settings, name: String = "localhost", piece: Int? = nil
    ) throws {
        socket = try TestSocket(port: port)
        session = try TLSSession(context: TLSContext(settings), serverName: name)
        self.piece = piece
    }

    /// Connects, and goes through the handshake.
    static func connected(
        _ server: RedisServer, _ settings: TLSContext.Settings, name: String = "localhost", piece: Int? = nil
    ) throws -> TLSClient {
        guard let port = server.tlsPort else { throw TestFailure("a server without TLS") }
        let client = try TLSClient(port: port, settings, name: name, piece: piece)
        try client.handshake()
        return client
    }

    func handshake() throws {
        try session.startHandshake()
        try flush()
        while !session.isEstablished { try receive() }
    }

    /// Sends what the session has for the server.
    func flush() throws {
        var output: [UInt8] = []
        session.takeOutput {
            output += $0
            return 0
        }
        try socket.write(output)
    }

    func send(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try session.send($0) }
        try flush()
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Waits for more from the server, and lets the session have it.
    func receive() throws {
        guard let bytes = try socket.read(within: TestDeadline.patience) else { throw TestFailure("silence") }
        guard !bytes.isEmpty else { throw session.end() }
        try feed(bytes)
    }

    /// Lets the session have bytes as if the server had sent them.
    func feed(_ bytes: [UInt8]) throws {
        var failure: TLSError?
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty, failure == nil {
                let part = rest.prefix(piece ?? rest.count)
                do throws(TLSError) {
                    try session.receive(UnsafeRawBufferPointer(rebasing: part)) { received += $0 }
                } catch { failure = error }
                rest = rest.dropFirst(part.count)
            }
        }
        // What was wrong is what counts, and not that the server has gone by now.
        if let failure {
            try? flush()
            throw failure
        }
        try flush()
    }

    /// Waits for so many bytes and takes them.
    func read(_ count: Int) throws -> [UInt8] {
        while received.count < count { try receive() }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// The whole records with the next data of the server, which the session does not get.
    func nextRecords() throws -> [UInt8] {
        var bytes: [UInt8] = []
        repeat {
            guard let more = try socket.read(within: TestDeadline.patience), !more.isEmpty else {
                throw TestFailure("no whole record came")
            }
            bytes += more
        } while appRecords(in: bytes).isEmpty
        return bytes
    }

    /// Whether a PING is answered.
    func ping() throws -> Bool {
        // A server that turns us away may have closed already; why it did so can still be read.
        do { try send("PING\r\n") } catch is TestFailure {}
        return try read(7) == Array("+PONG\r\n".utf8)
    }
}

/// The sizes of the records with data of an application in a stream (RFC 8446, 5.1); none when it ends within a record.
func appRecords(in stream: [UInt8]) -> [Int] {
    var (sizes, start) = ([Int](), 0)
    while start < stream.count {
        guard start + 5 <= stream.count else { return [] }
        let count = Int(stream[start + 3]) << 8 | Int(stream[start + 4])
        if stream[start] == 23 { sizes.append(count) }
        start += 5 + count
    }
    return start == stream.count ? sizes : []
}

/// The error that `body` throws, when it is one of TLS.
/// - Throws: `TestFailure` when it throws none, and whatever else it throws.
func tlsError(_ body: () throws -> Void) throws -> TLSError {
    do { try body() } catch let error as TLSError { return error }
    throw TestFailure("no error")
}

extension TLSContext.Settings {
    /// Trusts the CA and nobody else.
    static func trusting(
        _ ca: TestCA, showing certificate: TestCertificate? = nil, version: TLSContext.Version? = nil
    ) -> Self {
        Self(
            caFile: ca.caFile, certificateFile: certificate?.certificateFile, keyFile: certificate?.keyFile,
            minimumVersion: version ?? .v12, maximumVersion: version ?? .v13)
    }
}
