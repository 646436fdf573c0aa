internal import COpenSSL
internal import Glibc

/// Our session and a server of OpenSSL, and the wire between them, on which bytes wait, change and appear.
struct TLSConversation {
    private let session: TLSSession
    private let server: OpaquePointer
    /// The buffers that the server reads from and writes to.
    private let serverInput: OpaquePointer
    private let serverOutput: OpaquePointer
    /// Bytes on their way to the session.
    private var toSession: [UInt8] = []
    /// Bytes taken from the session, on their way to the server.
    private var toServer: [UInt8] = []
    private var written = Stream()
    private var received = Stream()
    private var sent = Stream()
    private var read = Stream()
    /// The number of bytes taken from the session, and the records with plaintext among them: where each begins,
    /// including what TLS has sent just before it, and how much plaintext it has.
    private var taken = 0
    private var records: [(start: Int, plaintext: Int)] = []
    private var isTampered = false
    private var isOverForServer = false
    private var hasClosed = false
    private var failure: TLSError?

    init(isOld: Bool) {
        guard let session = try? TLSSession(context: fuzzedTLSContext, serverName: "localhost"),
            let server = SSL_new(isOld ? fuzzedServer.old : fuzzedServer.new), let input = BIO_new(BIO_s_mem()),
            let output = BIO_new(BIO_s_mem())
        else { preconditionFailure("no session, or no server") }
        (self.session, self.server, serverInput, serverOutput) = (session, server, input, output)
        SSL_set_bio(server, input, output)
        SSL_set_accept_state(server)
        try? session.startHandshake()
        takeOutput()
    }

    /// Everything goes over the wire until nothing moves any more.
    mutating func shakeHands() {
        for _ in 0..<8 {
            deliverToServer(toServer.count)
            deliverToSession(toSession.count)
        }
        precondition(session.isEstablished && failure == nil)
    }

    /// Performs steps of two bytes each, what and how much. Then the rest is delivered.
    mutating func perform(_ steps: UnsafeRawBufferPointer) {
        defer { SSL_free(server) }
        for index in stride(from: 0, to: steps.count - 1, by: 2) {
            step(Int(steps[index]), amount: Int(steps[index + 1]))
            check()
        }
        deliverToServer(toServer.count)
        deliverToSession(toSession.count)
        deliverToServer(toServer.count)
        check()
        guard !isTampered, session.isEstablished, failure == nil, !hasClosed else { return }
        precondition(received.count == written.count && read.count == sent.count)
        precondition(session.recordsUnsent == 0 || session.hasOutput)
    }

    private mutating func step(_ kind: Int, amount: Int) {
        switch kind % 12 {
        case 0, 1: write(amount)
        case 2, 3: send(amount * (kind < 24 ? 1 : 200))
        case 4, 5: deliverToSession(amount * 4)
        case 6, 7: deliverToServer(amount * 4)
        case 8 where !toSession.isEmpty:
            toSession[amount % toSession.count] ^= UInt8(truncatingIfNeeded: 1 + kind / 12)
            isTampered = true
        case 9:
            toSession.insert(contentsOf: repeatElement(UInt8(amount), count: 1 + kind / 12), at: 0)
            isTampered = true
        case 10 where amount < 16: closeByServer()
        case 10 where amount < 32:
            session.close()
            hasClosed = true
            takeOutput()
        case 10: renewKeys()
        default:
            deliverToServer(toServer.count)
            deliverToSession(toSession.count)
        }
    }

    /// The plaintext that is delivered is the beginning of what the server wrote, and the same holds in the other
    /// direction. The session reports exactly the plaintext of the records that have not left.
    private func check() {
        precondition(received.count <= written.count && read.count <= sent.count)
        guard failure == nil, !isOverForServer else { return }
        let unsent = session.unsentPlaintext(ofUnsentCiphertext: toServer.count)
        let left = taken - toServer.count
        precondition(unsent == records.reversed().prefix { $0.start >= left }.reduce(0) { $0 + $1.plaintext })
        if toServer.isEmpty, !session.hasOutput { precondition(unsent == 0 && session.recordsUnsent == 0) }
    }

    // MARK: The session

    private mutating func send(_ count: Int) {
        guard session.isEstablished, failure == nil, !hasClosed, count > 0 else { return }
        let bytes = sent.next(count)
        let isSent = bytes.withUnsafeBytes { (try? session.send($0)) != nil }
        precondition(isSent)
        let start = taken
        let chunk = takeOutput()
        // Each record begins with its kind, the version and its length. The last ones are those with the data just
        // sent.
        var starts: [Int] = []
        var place = 0
        while place + 5 <= chunk.count {
            starts.append(start + place)
            place += 5 + Int(chunk[place + 3]) << 8 + Int(chunk[place + 4])
        }
        precondition(place == chunk.count)
        let counts = stride(from: 0, to: count, by: TLSSession.recordPlaintext).map {
            min(TLSSession.recordPlaintext, count - $0)
        }
        precondition(starts.count >= counts.count)
        starts.removeFirst(starts.count - counts.count)
        starts[0] = start
        records += zip(starts, counts).map { (start: $0, plaintext: $1) }
    }

    @discardableResult
    private mutating func takeOutput() -> [UInt8] {
        var bytes: [UInt8] = []
        let waiting = toServer.count
        session.takeOutput {
            bytes = Array($0)
            return waiting + bytes.count
        }
        toServer += bytes
        taken += bytes.count
        return bytes
    }

    private mutating func deliverToSession(_ count: Int) {
        let count = min(count, toSession.count)
        guard count > 0 else { return }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { piece.deallocate() }
        piece.copyBytes(from: toSession.prefix(count))
        toSession.removeFirst(count)
        var plaintext: [UInt8] = []
        let hadFailed = failure
        do throws(TLSError) {
            try session.receive(UnsafeRawBufferPointer(piece)) { plaintext += $0 }
        } catch {
            precondition(hadFailed == nil || hadFailed == error)
            precondition(isTampered || error.kind == .closed && isOverForServer)
            failure = error
        }
        precondition(hadFailed == nil && !hasClosed || plaintext.isEmpty)
        precondition(received.matches(plaintext))
        takeOutput()
    }

    // MARK: The server

    private mutating func write(_ count: Int) {
        guard SSL_is_init_finished(server) == 1, !isOverForServer, count > 0 else { return }
        let bytes = written.next(count)
        precondition(SSL_write(server, bytes, Int32(count)) == Int32(count))
        flush()
    }

    private mutating func closeByServer() {
        guard SSL_is_init_finished(server) == 1, !isOverForServer else { return }
        isOverForServer = true
        SSL_shutdown(server)
        flush()
    }

    /// Only TLS 1.3 can do this. Both sides get new keys.
    private mutating func renewKeys() {
        guard SSL_is_init_finished(server) == 1, !isOverForServer else { return }
        guard SSL_key_update(server, SSL_KEY_UPDATE_REQUESTED) == 1 else { return ERR_clear_error() }
        SSL_do_handshake(server)
        flush()
    }

    private mutating func deliverToServer(_ count: Int) {
        let count = min(count, toServer.count)
        guard count > 0 else { return }
        BIO_write(serverInput, Array(toServer.prefix(count)), Int32(count))
        toServer.removeFirst(count)
        session.outputLeft(allBut: toServer.count)
        var buffer = [UInt8](repeating: 0, count: TLSSession.recordPlaintext)
        while true {
            let taken = SSL_read(server, &buffer, Int32(buffer.count))
            guard taken > 0 else { break }
            precondition(read.matches(buffer[..<Int(taken)]))
        }
        ERR_clear_error()
        if SSL_get_shutdown(server) & SSL_RECEIVED_SHUTDOWN != 0 { isOverForServer = true }
        flush()
    }

    private mutating func flush() {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let taken = BIO_read(serverOutput, &buffer, Int32(buffer.count))
            guard taken > 0 else { break }
            toSession += buffer[..<Int(taken)]
        }
    }

    /// Bytes whose values follow from their places.
    private struct Stream {
        private(set) var count = 0

        mutating func next(_ count: Int) -> [UInt8] {
            defer { self.count += count }
            return (self.count..<self.count + count).map(Self.byte)
        }

        /// Whether these are the next bytes.
        mutating func matches(_ bytes: some Collection<UInt8>) -> Bool {
            defer { count += bytes.count }
            return bytes.enumerated().allSatisfy { Self.byte(count + $0) == $1 }
        }

        private static func byte(_ place: Int) -> UInt8 { UInt8(truncatingIfNeeded: place ^ place >> 8 &* 31) }
    }
}

/// The server's contexts, one for each version of TLS. Tests/Fuzz/run makes the file with its certificate and key.
private struct FuzzedServer {
    let old: OpaquePointer
    let new: OpaquePointer

    init() {
        (old, new) = (Self.context(TLS1_2_VERSION), Self.context(TLS1_3_VERSION))
    }

    private static func context(_ version: Int32) -> OpaquePointer {
        guard let path = getenv("HUBRELAY_FUZZ_PEM"), let context = SSL_CTX_new(TLS_server_method()),
            hubrelay_tls_set_versions(context, version, version) == 1,
            SSL_CTX_use_certificate_chain_file(context, path) == 1,
            SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1
        else { preconditionFailure("HUBRELAY_FUZZ_PEM names no file with a certificate and its key") }
        hubrelay_tls_set_options(context)
        return context
    }
}

nonisolated(unsafe) private let fuzzedServer = FuzzedServer()
