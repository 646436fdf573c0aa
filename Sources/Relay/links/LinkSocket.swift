internal import Configuration
internal import EventLoop
internal import Posix
internal import RedisWire
internal import RelayCore
internal import TLS

/// The I/O of a `Link`: its socket, the lookup and the timer of its attempts, and the reader of its replies. It
/// performs the link's actions, and reports the results to the link.
///
/// It is made with the link's first action. Callbacks refer to it `unowned`: when the link has ended for good,
/// `dispose` ends them first. With a weak reference, every retain and release of this object would be several times as
/// expensive.
final class LinkSocket: LinkConnection {
    let link: Link
    unowned let relay: Relay
    private let loop: Loop
    /// The connection that the link uses.
    private(set) var stream: LinkStream?
    private var reader: ReplyReader?
    private let sink: ReplySink
    private var timer: Timer?
    // Of the current attempt.
    private var lookup: HostLookup?
    private var candidate: LinkStream?

    init(_ link: Link, relay: Relay) {
        (self.link, self.relay, loop) = (link, relay, relay.loop)
        sink = LinkSink.make(for: link, relay: relay)
    }

    // MARK: Actions

    func resolve(_ endpoints: [RedisConfiguration.Endpoint]) {
        abandonAttempt()
        let lookup = HostLookup(endpoints)
        self.lookup = lookup
        lookup.start(loop: loop) { [unowned self] result in
            self.lookup = nil
            relay.event {
                switch result {
                case .success(let found): link.resolved(found)
                case .failure(let error): link.resolvingFailed(lookup.hosts, LoopError.text(error.code))
                }
            }
        }
    }

    func endResolving() {
        guard let lookup else { return }
        let found = lookup.found
        abandonAttempt()
        link.resolvingEnded(lookup.hosts, found: found)
    }

    func connect(to destination: Destination) {
        abandonAttempt()
        let address = destination.address.map(NetworkAddress.init(bytes:))
        let candidate = LinkStream(of: self, kind: address == nil ? .unix : .tcp)
        self.candidate = candidate
        let finished = { [unowned self] (error: LoopError?) -> Void in connected(candidate, error) }
        if let address {
            candidate.connect(to: address, body: finished)
        } else if case .unix(let path) = destination.endpoint {
            candidate.connect(toPath: path, body: finished)
        }
    }

    private func connected(_ stream: LinkStream, _ error: LoopError?) {
        guard stream === candidate else { return stream.close() }
        relay.event {
            if let error {
                dropCandidate()
                return link.connectingFailed(LoopError.text(error.code))
            }
            if stream.kind == .tcp {
                if stream.isConnectedToItself {
                    dropCandidate()
                    return link.connectingFailed("nobody listens there (reached itself)")
                }
                let deadline = relay.configuration.timings.linkTimeout / 1_000_000
                stream.tuneTCP(userTimeoutMilliseconds: UInt32(clamping: deadline))
            }
            candidate = nil
            self.stream = stream
            link.connected()
            do throws(LoopError) { try stream.startReading() } catch {
                link.fail(LinkFailure(cause: .closed, reason: "\(error)"))
            }
        }
    }

    /// Ends the current attempt. Its later results are ignored.
    func abandonAttempt() {
        lookup?.cancel()
        lookup = nil
        dropCandidate()
    }

    private func dropCandidate() {
        let candidate = candidate
        self.candidate = nil
        candidate?.close()
    }

    func secure(serverName: String) {
        guard let stream, let tls = relay.tlsForAttempt() else { return }
        do throws(TLSError) { try stream.secure(tls, serverName: serverName) } catch { link.fail(LinkFailure(error)) }
    }

    func endSecuring() { if let failure = stream?.handshakeTimedOut() { link.fail(failure) } }

    func readPassword() {
        guard stream != nil else { return }
        reader = ReplyReader(limits: LinkSink.limits(for: link), sink: sink)
        let password: String?
        do throws(SecretFileError) { password = try Password.read(for: link.credentials) } catch {
            return link.fail(LinkFailure(cause: .auth, reason: "\(error)"))
        }
        link.canCarryCommands(password: password)
    }

    func write() {
        let output = link.output
        guard let stream, output.count > 0 else { return }
        link.writes(output.count)
        stream.send(UnsafeRawBufferPointer(output.bytes))
        // If writing has failed, the link has failed too, and its output has been dropped.
        guard link.isConnected else { return }
        output.removeAll()
        tellBacklog(stream)
    }

    func wake(at due: UInt64?) {
        guard let due else { timer?.stop(); return }
        let timer =
            timer
            ?? Timer(loop: loop) { [unowned self] in
                relay.noticeLag()
                relay.event { link.wake() }
            }
        self.timer = timer
        timer.start(after: due > loop.now ? due - loop.now : 0)
    }

    func close(inOrder: Bool) {
        reader?.stop()
        reader = nil
        let stream = stream
        self.stream = nil
        if inOrder { stream?.finish() } else { stream?.reset() }
        abandonAttempt()
    }

    func dispose() {
        timer?.close()
        timer = nil
        link.socket = nil
    }

    // MARK: Events of the stream

    func secured(_ stream: LinkStream) {
        guard link.isSecuring else { return }
        relay.event {
            link.secured(version: stream.tlsVersion ?? "", certificateEnd: stream.serverCertificateEnd)
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        link.heard(bytes.count, now: loop.now)
        guard let reader else { return }
        do throws(ReplyError) { try reader.feed(bytes) } catch {
            return fail(LinkFailure(cause: .protocolError, reason: "Redis: \(error)"))
        }
        link.read(unfinished: reader.pendingBytes)
    }

    func fail(_ failure: LinkFailure) { relay.event { link.fail(failure) } }

    /// The number of bytes that the kernel has not taken has changed.
    func tellBacklog(_ stream: LinkStream) { link.backlogChanged(to: stream.unsent) }

    var unsentPlaintext: Int { stream?.unsentPlaintext ?? 0 }
}
