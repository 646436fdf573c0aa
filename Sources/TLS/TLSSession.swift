internal import COpenSSL

/// The client side of one TLS connection: ciphertext in and plaintext out, and the reverse. The caller owns the socket.
/// It passes incoming bytes to ``receive(_:_:)``. After each call of any method it must check for output to take and
/// send, even after a call that throws: an alert then reports the error to the peer.
///
/// An error ends the session: every later call throws the same error.
package final class TLSSession {
    /// The largest plaintext of a TLS record (RFC 8446, 5.1).
    package static let recordPlaintext = 16 << 10
    /// The most bytes that a record has in addition to its plaintext, with any cipher that is used here.
    private static let recordOverhead = 96

    let context: TLSContext
    private let ssl: OpaquePointer
    private let buffers = CiphertextBuffers()
    private var ledger = RecordLedger()
    /// Bytes of the output that the ledger knows.
    private var notedOutput = 0
    /// The name or address that the certificate has to be for.
    let serverName: String
    /// What is wrong with the server's certificate, noted while OpenSSL verifies it.
    var rejection: CertificateRejection?
    /// The server has requested a client certificate.
    var isCertificateWanted = false

    /// The handshake is over for this side, and the server is the expected one. With TLS 1.3 the server may still
    /// refuse our certificate; a later ``receive(_:_:)`` then reports that.
    package private(set) var isEstablished = false
    private var failure: TLSError?
    private var isClosed = false
    private var isGoodbyeSaid = false
    private var isReceiving = false
    /// Nothing has come yet.
    private var isPeerSilent = true

    /// - Parameter serverName: a host name, or an IP address without brackets. The certificate must be for it. A host
    ///   name is also sent to the server; an address is not (RFC 6066, 3).
    /// - Throws: `TLSError` of kind `settings` if no certificate can be for such a name.
    package init(context: TLSContext, serverName: String) throws(TLSError) {
        LibraryError.clear()
        guard let ssl = SSL_new(context.handle) else {
            throw TLSError(.library, "OpenSSL cannot make a session: \(LibraryError.take().text)")
        }
        (self.context, self.ssl, self.serverName) = (context, ssl, serverName)
        guard let bio = buffers.makeBIO(context.bufferMethod) else {
            throw TLSError(.library, "OpenSSL cannot make a BIO: \(LibraryError.take().text)")
        }
        SSL_set_bio(ssl, bio, bio)  // one reference for both directions, which is the session's from now on
        SSL_set_connect_state(ssl)
        try expect(serverName, on: ssl)
        observeCertificates(on: ssl)
    }

    deinit { SSL_free(ssl) }

    /// The negotiated version, such as "TLSv1.3"; meaningless before the session is established.
    package var version: String { String(cString: SSL_get_version(ssl)) }

    /// When the server's certificate ends, in seconds since 1970; nil before there is one.
    package var serverCertificateEnd: Int64? {
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return nil }
        defer { X509_free(certificate) }
        return endOfValidity(of: certificate)
    }

    // MARK: From the peer

    /// Begins the handshake: afterwards the output has the ClientHello.
    package func startHandshake() throws(TLSError) {
        if let failure { throw failure }
        guard !isClosed, !isEstablished else { return }
        defer { noteOutput() }
        try handshake()
    }

    /// Takes bytes from the peer, in the order of arrival and in pieces of any size. `body` gets the decrypted bytes,
    /// several records at once if possible, in memory that is valid during the call. It may close the session or
    /// release it: then it gets nothing more. Does nothing after ``close()``.
    ///
    /// - Throws: `TLSError` if the connection cannot go on, after everything before the error was passed to `body`. The
    ///   kind is `closed` if the peer has ended the connection in order.
    package func receive(
        _ ciphertext: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(TLSError) {
        precondition(!isReceiving, "TLSSession.receive called from inside a call of its body")
        if let failure { throw failure }
        guard !isClosed, let first = ciphertext.first else { return }
        isReceiving = true
        defer {
            isReceiving = false
            noteOutput()
            withExtendedLifetime(self) {}
        }
        // A TLS peer begins with a handshake record or an alert. A Redis without TLS begins with an error, which quotes
        // what it took for a command.
        if isPeerSilent, first != UInt8(SSL3_RT_HANDSHAKE), first != UInt8(SSL3_RT_ALERT) {
            throw fail(.noTLSThere)
        }
        isPeerSilent = false
        try buffers.withInput(ciphertext) { () throws(TLSError) in
            if !isEstablished { try handshake() }
            if isEstablished { try decrypt(body) }
        }
    }

    /// The connection has ended without a TLS message about it, by the peer or by the network.
    /// - Returns: what that means. Later calls throw it. If the session had already ended, the error that ended it.
    package func end() -> TLSError {
        if let failure { return failure }
        return fail(
            isEstablished
                ? TLSError(.truncated, "the connection ended before the server had closed it")
                : TLSError(.closedDuringHandshake, "the server closed the connection during the TLS handshake"))
    }

    /// The handshake has taken longer than the caller allows.
    /// - Returns: what that may mean. Later calls throw it. If the session had already ended, the error that ended it.
    package func timeOut() -> TLSError {
        if let failure { return failure }
        // A Redis without TLS waits for the end of a line, which it does not search beyond the first zero byte.
        return fail(
            isPeerSilent
                ? TLSError(
                    .silent,
                    "the server does not answer the TLS handshake: it hangs, or does not speak TLS there "
                        + "(redis, not rediss, in the URL)")
                : TLSError(.silent, "the server does not continue the TLS handshake"))
    }

    private func handshake() throws(TLSError) {
        LibraryError.clear()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            isEstablished = true
        } else if let failure = failureOfCall(result) {
            throw fail(failure)
        }
    }

    private func decrypt(_ body: (UnsafeRawBufferPointer) -> Void) throws(TLSError) {
        let buffer = context.plaintext
        guard let base = buffer.baseAddress else { return }
        var filled = 0
        var failure: TLSError?
        LibraryError.clear()
        while !isClosed {
            // Each call reads at most one record.
            let count = SSL_read(ssl, base + filled, Int32(buffer.count - filled))
            if count > 0 {
                filled += Int(count)
                if filled < buffer.count, mayGoOn { continue }
            } else {
                failure = failureOfCall(count)
            }
            if filled > 0 {
                body(UnsafeRawBufferPointer(start: base, count: filled))
                filled = 0
                LibraryError.clear()
            }
            if count <= 0 || !mayGoOn { break }
        }
        if let failure, !isClosed { throw fail(failure) }
    }

    /// Whether there is ciphertext that OpenSSL has not read, or has read but not decrypted. Without any, a call would
    /// only find that out, which costs as much as a short record.
    private var mayGoOn: Bool { buffers.hasInput || SSL_has_pending(ssl) == 1 }

    // MARK: To the peer

    /// Whether there is something to be sent.
    package var hasOutput: Bool { buffers.outputCount > 0 }

    /// Encrypts into the output, in as few records as possible; the last of them may be short. Call it only once
    /// ``isEstablished``, and not from inside the call of ``takeOutput(_:)``. Does nothing after ``close()``.
    /// - Throws: `TLSError` if the session has ended.
    package func send(_ plaintext: UnsafeRawBufferPointer) throws(TLSError) {
        precondition(isEstablished, "TLSSession.send called before the handshake is over")
        if let failure { throw failure }
        guard !isClosed, let base = plaintext.baseAddress, plaintext.count > 0 else { return }
        let records = (plaintext.count + Self.recordPlaintext - 1) / Self.recordPlaintext
        buffers.reserve(plaintext.count + records * Self.recordOverhead)
        LibraryError.clear()
        var start = 0
        while start < plaintext.count {
            let count = min(plaintext.count - start, Self.recordPlaintext)
            let written = SSL_write(ssl, base + start, Int32(count))
            guard written == count else {
                // There is always room for a whole record, so it is an error, whatever OpenSSL calls it.
                throw fail(failureOfCall(written) ?? TLSError(.library, "OpenSSL did not write a whole record"))
            }
            start += count
            noteOutput(plaintext: count)
        }
    }

    /// Passes the output to `body`, in memory that is valid during the call and may be changed, and forgets it. Does
    /// nothing if there is no output. `body` may close the session or release it.
    /// - Parameter body: returns how many bytes of ciphertext have not left yet, of this output and of earlier output.
    package func takeOutput(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        guard hasOutput, !buffers.isLending else { return }
        var unsent = 0
        buffers.takeOutput { unsent = body($0) }
        notedOutput = 0
        ledger.drop(allBut: unsent)
        if isClosed { sayGoodbye() }
        withExtendedLifetime(self) {}
    }

    /// Notes that everything except the last `unsent` bytes of the taken output has left. Call it whenever a part of a
    /// backlog has left; otherwise records that have left are remembered until the next output is taken.
    package func outputLeft(allBut unsent: Int) { ledger.drop(allBut: unsent + buffers.outputCount) }

    /// Bytes of plaintext, at the end of all that was sent, that have certainly not left: those in records that lie
    /// completely within the output that is not taken yet and the last `unsent` bytes of the taken output.
    package func unsentPlaintext(ofUnsentCiphertext unsent: Int) -> Int {
        ledger.unsentPlaintext(ofUnsentCiphertext: unsent + buffers.outputCount)
    }

    /// Records that might not have left yet.
    package var recordsUnsent: Int { ledger.count }

    /// Ends the conversation from our side: afterwards the output has a close_notify, if the handshake was over and the
    /// connection had not failed. From then on nothing is passed to `body` of ``receive(_:_:)``, nothing more is sent,
    /// and no call throws because of the close.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        // Nothing may be added while the output is lent; the close_notify then follows after that.
        if !buffers.isLending { sayGoodbye() }
    }

    private func sayGoodbye() {
        guard isEstablished, failure == nil || failure?.kind == .closed, !isGoodbyeSaid else { return }
        isGoodbyeSaid = true
        LibraryError.clear()
        SSL_shutdown(ssl)
        LibraryError.clear()
        noteOutput()
    }

    /// Reports to the ledger what was written since the last report.
    private func noteOutput(plaintext: Int = 0) {
        ledger.append(plaintext: plaintext, ciphertext: buffers.outputCount - notedOutput)
        notedOutput = buffers.outputCount
    }

    // MARK: Failing

    private func fail(_ error: TLSError) -> TLSError {
        if failure == nil { failure = error }
        return failure ?? error
    }

    /// Why a call has failed; nil if it only waits for more from the peer.
    private func failureOfCall(_ result: Int32) -> TLSError? {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            nil
        case SSL_ERROR_ZERO_RETURN:
            isEstablished
                ? TLSError(.closed, "the server closed the connection")
                : TLSError(.closedDuringHandshake, "the server closed the connection during the TLS handshake")
        default:
            explain(LibraryError.take())
        }
    }
}
