internal import COpenSSL

/// One connection by TLS, our side being the client: ciphertext in and plaintext out, and the reverse. Sockets are the
/// caller's business: what comes goes through ``receive(_:_:)``, and after each call of any method there may be output
/// to be taken and sent, also after one that throws, as the peer is told by an alert what was wrong.
///
/// An error ends the session: every later call throws the same one.
package final class TLSSession {
    /// The most that TLS puts into a record (RFC 8446, 5.1).
    package static let recordPlaintext = 16 << 10
    /// What a record has beside its plaintext at most, of all the ciphers that are used here.
    private static let recordOverhead = 96

    let context: TLSContext
    private let ssl: OpaquePointer
    private let buffers = CiphertextBuffers()
    private var ledger = RecordLedger()
    /// Bytes of the output that the ledger knows.
    private var notedOutput = 0
    /// The name or address that the certificate has to be for.
    let serverName: String
    /// What was wrong with the server's certificate, noted while OpenSSL looks at it.
    var rejection: CertificateRejection?
    /// The server has asked for a certificate of ours.
    var isCertificateWanted = false

    /// The handshake is over, as far as this side is concerned, and the server is who it should be. With TLS 1.3 the
    /// server may still refuse our certificate, which shows when something is received.
    package private(set) var isEstablished = false
    private var failure: TLSError?
    private var isClosed = false
    private var isGoodbyeSaid = false
    private var isReceiving = false
    /// Nothing has come yet.
    private var isPeerSilent = true

    /// - Parameter serverName: a host name or an IP address without brackets. The certificate has to be for it, and a
    ///   name is sent to the server as the one that is wanted; an address is not (RFC 6066, 3).
    /// - Throws: `TLSError` of kind `settings` when no certificate can be for such a name.
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

    /// The version that was agreed upon, as "TLSv1.3"; of no meaning before the session is established.
    package var version: String { String(cString: SSL_get_version(ssl)) }

    /// When the server's certificate ends, in seconds since 1970; nil before there is one.
    package var serverCertificateEnd: Int64? {
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return nil }
        defer { X509_free(certificate) }
        return endOfValidity(of: certificate)
    }

    // MARK: From the peer

    /// Begins the conversation: the output has the ClientHello then.
    package func startHandshake() throws(TLSError) {
        if let failure { throw failure }
        guard !isClosed, !isEstablished else { return }
        defer { noteOutput() }
        try handshake()
    }

    /// Takes what came from the peer, in the order of arrival and in pieces of any size. `body` is given what was in it,
    /// several records at once where there are, in memory that is valid during the call. It may close the session, or
    /// let go of it: nothing more is handed over then.
    ///
    /// - Throws: `TLSError` once the connection cannot go on, after everything before was handed over. Its kind is
    ///   `closed` when the peer has ended it in order. Does nothing after ``close()``.
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
        // Whoever speaks TLS begins with a handshake record or an alert. Redis begins with a word that it quotes.
        if isPeerSilent, first != UInt8(SSL3_RT_HANDSHAKE), first != UInt8(SSL3_RT_ALERT) {
            throw fail(.noTLSThere)
        }
        isPeerSilent = false
        try buffers.withInput(ciphertext) { () throws(TLSError) in
            if !isEstablished { try handshake() }
            if isEstablished { try decrypt(body) }
        }
    }

    /// The connection has ended without a word of TLS, by the peer or by the network.
    /// - Returns: what that means here; later calls throw it. What had ended the session already, where something had.
    package func end() -> TLSError {
        if let failure { return failure }
        return fail(
            isEstablished
                ? TLSError(.truncated, "the connection ended before the server had closed it")
                : TLSError(.closedDuringHandshake, "the server closed the connection during the TLS handshake"))
    }

    /// The handshake has taken longer than the caller has patience for.
    /// - Returns: what that may mean; later calls throw it. What had ended the session already, where something had.
    package func timeOut() -> TLSError {
        if let failure { return failure }
        // A Redis without TLS waits for the end of a line, which it does not look for behind the first zero byte.
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
            // At most one record for each call.
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

    /// Whether there is ciphertext that OpenSSL has not looked at, or has not enough of. Without it a call would only find
    /// that there is none, which costs as much as a short record.
    private var mayGoOn: Bool { buffers.hasInput || SSL_has_pending(ssl) == 1 }

    // MARK: To the peer

    /// Whether there is something to be sent.
    package var hasOutput: Bool { buffers.outputCount > 0 }

    /// Encrypts into the output: as few records as there can be for so much, the last of which may be short.
    /// Only once ``isEstablished``, and not from inside the call of ``takeOutput(_:)``. Does nothing after ``close()``.
    /// - Throws: `TLSError` when the session has ended.
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

    /// Hands over what is to be sent, in memory that is valid during the call and may be changed, and forgets it. Does
    /// nothing when there is none. `body` may close the session, or let go of it.
    /// - Parameter body: returns how many bytes of ciphertext have not left by now, these and earlier ones.
    package func takeOutput(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        guard hasOutput, !buffers.isLending else { return }
        var unsent = 0
        buffers.takeOutput { unsent = body($0) }
        notedOutput = 0
        ledger.drop(allBut: unsent)
        if isClosed { sayGoodbye() }
        withExtendedLifetime(self) {}
    }

    /// Of the output that was taken, everything but the last `unsent` bytes has left by now. To be told whenever some of
    /// a backlog has left, or records that have left are remembered until the next output is taken.
    package func outputLeft(allBut unsent: Int) { ledger.drop(allBut: unsent + buffers.outputCount) }

    /// Bytes of plaintext at the end of all that was sent that never left, at least: those in records that lie whole
    /// within what was not taken yet and the last `unsent` bytes of what was.
    package func unsentPlaintext(ofUnsentCiphertext unsent: Int) -> Int {
        ledger.unsentPlaintext(ofUnsentCiphertext: unsent + buffers.outputCount)
    }

    /// Records that may not have left yet.
    package var recordsUnsent: Int { ledger.count }

    /// Ends the conversation from our side: the output has a close_notify then, where there was somebody to talk to.
    /// Nothing is handed over any more, nothing more is sent, and no call throws because of it.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        // While the output is lent nothing may be added; then it follows.
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

    /// Tells the ledger of what was written since it was told last.
    private func noteOutput(plaintext: Int = 0) {
        ledger.append(plaintext: plaintext, ciphertext: buffers.outputCount - notedOutput)
        notedOutput = buffers.outputCount
    }

    // MARK: Failing

    private func fail(_ error: TLSError) -> TLSError {
        if failure == nil { failure = error }
        return failure ?? error
    }

    /// Why a call has not done what it should; nil when it waits for more from the peer.
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
