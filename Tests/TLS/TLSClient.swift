import TLS
import TestSupport

/// A session on a socket: the same as a link in the relay, but blocking.
final class TLSClient {
    let session: TLSSession
    let socket: TestSocket
    /// The bytes that have come so far, decrypted.
    private(set) var received: [UInt8] = []
    /// How many bytes the session gets at once; nil: as many as have come.
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

    /// Sends the session's output to the server.
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

    /// Waits for more from the server, and feeds it to the session.
    func receive() throws {
        guard let bytes = try socket.read(within: TestDeadline.patience) else { throw TestFailure("silence") }
        guard !bytes.isEmpty else { throw session.end() }
        try feed(bytes)
    }

    /// Feeds bytes to the session as if the server had sent them.
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
        // The error of the session counts, even if the server has already gone.
        if let failure {
            try? flush()
            throw failure
        }
        try flush()
    }

    /// Waits for `count` bytes, and takes them.
    func read(_ count: Int) throws -> [UInt8] {
        while received.count < count { try receive() }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// The whole records with the next data of the server. The session does not get them.
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
        // A server that rejects us may have closed already. Its reason can still be read.
        do { try send("PING\r\n") } catch is TestFailure {}
        return try read(7) == Array("+PONG\r\n".utf8)
    }
}

/// The sizes of the application data records in a stream (RFC 8446, 5.1); empty if the stream ends within a record.
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

/// The error that `body` throws, if it is a TLS error.
/// - Throws: `TestFailure` if `body` throws nothing, and any other error that it throws.
func tlsError(_ body: () throws -> Void) throws -> TLSError {
    do { try body() } catch let error as TLSError { return error }
    throw TestFailure("no error")
}

extension TLSContext.Settings {
    /// Trusts this CA and no other.
    static func trusting(
        _ ca: TestCA, showing certificate: TestCertificate? = nil, version: TLSContext.Version? = nil
    ) -> Self {
        Self(
            caFile: ca.caFile, certificateFile: certificate?.certificateFile, keyFile: certificate?.keyFile,
            minimumVersion: version ?? .v12, maximumVersion: version ?? .v13)
    }
}
