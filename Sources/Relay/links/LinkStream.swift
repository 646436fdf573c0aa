internal import EventLoop
internal import RelayCore
internal import TLS

/// The socket of a link, with TLS over it if it is used: the link itself sees only plaintext.
final class LinkStream: EventLoop.Stream {
    // The `LinkSocket` releases its stream when the stream is closed, and candidates as well. So no cycle remains.
    private let socket: LinkSocket
    let kind: Kind
    private var tls: TLSSession?
    /// Bytes of plaintext that are being sent at the moment.
    private var plaintextUnderWay = 0
    /// Nothing has come yet.
    private var isUnheard = true

    init(of socket: LinkSocket, kind: Kind) {
        (self.socket, self.kind) = (socket, kind)
        super.init(loop: socket.relay.loop, kind: kind)
    }

    /// Whether this is the connection that the link uses, and not one that the link has given up.
    private var isCurrent: Bool { !isClosing && socket.stream === self }

    /// The TLS version, such as "TLSv1.3"; nil without TLS.
    var tlsVersion: String? { tls.map(\.version) }
    /// When the server's certificate ends, in seconds since 1970; nil without TLS.
    var serverCertificateEnd: Int64? { tls.flatMap(\.serverCertificateEnd) }

    // MARK: TLS

    /// Begins the handshake. The link is notified when it is over.
    func secure(_ context: TLSContext, serverName: String) throws(TLSError) {
        let session = try TLSSession(context: context, serverName: serverName)
        tls = session
        try session.startHandshake()
        writeOutput(of: session)
    }

    /// The failure of a handshake that has taken too long; nil without TLS.
    func handshakeTimedOut() -> LinkFailure? { tls.map { LinkFailure($0.timeOut()) } }

    private func decrypt(_ bytes: UnsafeRawBufferPointer, with session: TLSSession) {
        let wasEstablished = session.isEstablished
        do throws(TLSError) {
            try session.receive(bytes) { plaintext in
                if !wasEstablished { socket.secured(self) }
                if isCurrent { socket.received(plaintext) }
            }
        } catch {
            // The alert that reports the error is sent first.
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

    /// Bytes of plaintext, at the end of all that was sent, that have certainly not left. With TLS, even more might not
    /// have left. Bytes that are being sent at the moment are not counted.
    var unsentPlaintext: Int {
        guard let tls else { return unsent }
        return max(0, tls.unsentPlaintext(ofUnsentCiphertext: unsent) - plaintextUnderWay)
    }

    /// Closes the connection in order. The close_notify of TLS is sent only as far as the kernel takes it at once.
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
        // A server that refuses us may close before we have written anything. Its reason is still to be read, and then
        // the end of the stream.
        guard isCurrent, socket.link.isEstablished else { return }
        socket.fail(LinkFailure(error))
    }

    override func didSendBacklog() {
        tls?.outputLeft(allBut: unsent)
        if isCurrent { socket.tellBacklog(self) }
    }
}

extension LinkFailure {
    /// The failure of an open connection. The kernel gives up waiting for the peer after the link timeout
    /// (TCP_USER_TIMEOUT). That is the same silence that the heartbeat would have found a moment later.
    init(_ error: LoopError) {
        let cause: Cause =
            switch error.kind {
            case .timedOut: .timeout
            case .unreachable: .unreachable
            case .other: .closed
            }
        self.init(cause: cause, reason: "\(error)")
    }

    /// The failure of TLS: the peer, or something that poses as the peer, does not follow TLS or has only closed the
    /// connection.
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
            // The error may quote names in a certificate, which come from the peer.
            self.init(cause: cause, "TLS: ", quoting: "\(error)", .ours)
        }
    }
}
