internal import EventLoop
internal import RelayCore
internal import TLS

/// The socket of a link, and the TLS over it where there is one: the link itself sees plaintext alone.
final class LinkStream: EventLoop.Stream {
    // It lets go of its stream when that is closed, and of candidates as well: no cycle stays.
    private let socket: LinkSocket
    let kind: Kind
    private var tls: TLSSession?
    /// Bytes that are being sent just now.
    private var plaintextUnderWay = 0
    /// Nothing has come yet.
    private var isUnheard = true

    init(of socket: LinkSocket, kind: Kind) {
        (self.socket, self.kind) = (socket, kind)
        super.init(loop: socket.relay.loop, kind: kind)
    }

    /// Whether this is the connection that the link uses, and not one that it has given up.
    private var isCurrent: Bool { !isClosing && socket.stream === self }

    /// The version of TLS that is spoken, as "TLSv1.3"; nil without.
    var tlsVersion: String? { tls.map(\.version) }
    /// When the server's certificate ends, in seconds since 1970; nil without TLS.
    var serverCertificateEnd: Int64? { tls.flatMap(\.serverCertificateEnd) }

    // MARK: TLS

    /// Begins the handshake, after which the link is told that it is secured.
    func secure(_ context: TLSContext, serverName: String) throws(TLSError) {
        let session = try TLSSession(context: context, serverName: serverName)
        tls = session
        try session.startHandshake()
        writeOutput(of: session)
    }

    /// What it means that the handshake takes too long.
    func handshakeTimedOut() -> LinkFailure? { tls.map { LinkFailure($0.timeOut()) } }

    private func decrypt(_ bytes: UnsafeRawBufferPointer, with session: TLSSession) {
        let wasEstablished = session.isEstablished
        do throws(TLSError) {
            try session.receive(bytes) { plaintext in
                if !wasEstablished { socket.secured(self) }
                if isCurrent { socket.received(plaintext) }
            }
        } catch {
            // The alert that says so goes first.
            writeOutput(of: session)
            if isCurrent { socket.fail(LinkFailure(error)) }
            return
        }
        writeOutput(of: session)
        if session.isEstablished, isCurrent { socket.secured(self) }
    }

    private func writeOutput(of session: TLSSession) {
        session.takeOutput { bytes in
            write(bytes)
            return unsent
        }
    }

    // MARK: For the link

    /// Sends plaintext.
    func send(_ bytes: UnsafeRawBufferPointer) {
        guard let tls else { return write(UnsafeMutableRawBufferPointer(mutating: bytes)) }
        plaintextUnderWay = bytes.count
        defer { plaintextUnderWay = 0 }
        do throws(TLSError) { try tls.send(bytes) } catch {
            if isCurrent { socket.fail(LinkFailure(error)) }
            return
        }
        writeOutput(of: tls)
    }

    /// Bytes of plaintext, the last ones that were sent, of which none has left; by TLS some more may not have. While
    /// something is being sent, that is not counted.
    var unsentPlaintext: Int {
        guard let tls else { return unsent }
        return max(0, tls.unsentPlaintext(ofUnsentCiphertext: unsent) - plaintextUnderWay)
    }

    /// Ends the connection in order, as far as the kernel takes the goodbye at once.
    func finish() {
        if let tls, !isClosing {
            tls.close()
            writeOutput(of: tls)
        }
        close()
    }

    // MARK: Events

    override func didRead(_ bytes: UnsafeRawBufferPointer) {
        guard isCurrent else { return }
        isUnheard = false
        if let tls { decrypt(bytes, with: tls) } else { socket.received(bytes) }
    }

    override func didEnd(_ error: LoopError?) {
        guard isCurrent else { return }
        if error == nil, let tls, !tls.isEstablished { return socket.fail(LinkFailure(tls.end())) }
        var failure =
            error.map(LinkFailure.init) ?? LinkFailure(cause: .closed, reason: "Redis closed the connection")
        if tls == nil, isUnheard, failure.cause == .closed {
            failure.reason += " without a reply (a server that expects TLS does that: rediss, not redis, in the URL)"
        }
        socket.fail(failure)
    }

    override func didFailToSend(_ error: LoopError) {
        // A server that turns us away may close before we have written a word. Why it did so is still to be read, and the
        // end of the stream after it.
        guard isCurrent, socket.link.isEstablished else { return }
        socket.fail(LinkFailure(error))
    }

    override func didSendBacklog() {
        tls?.outputLeft(allBut: unsent)
        if isCurrent { socket.tellBacklog(self) }
    }
}

extension LinkFailure {
    /// A connection that was there has failed. That the kernel had given up waiting for the other end, as it is told to
    /// do after the link's own deadline, is the same silence that the heartbeat would have found a moment later.
    init(_ error: LoopError) {
        let cause: Cause =
            switch error.kind {
            case .timedOut: .timeout
            case .unreachable: .unreachable
            case .other: .closed
            }
        self.init(cause: cause, reason: "\(error)")
    }

    /// The other end, or whoever poses as it, does not do as TLS wants; or it has only gone.
    init(_ error: TLSError) {
        let cause: Cause =
            switch error.kind {
            case .closed, .truncated, .closedDuringHandshake: .closed
            case .silent: .timeout
            default: .tls
            }
        if error.kind == .closed {
            self.init(cause: cause, reason: "Redis closed the connection")
        } else {
            // Names in a certificate come from the other end.
            self.init(cause: cause, "TLS: ", quoting: "\(error)", .ours)
        }
    }
}
