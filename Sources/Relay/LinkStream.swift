internal import EventLoop
internal import RelayCore

/// The socket of a link.
final class LinkStream: EventLoop.Stream {
    private unowned let link: RedisLink

    init(link: RedisLink, kind: Kind) {
        self.link = link
        super.init(loop: link.relay.loop, kind: kind)
    }

    /// Whether this is the connection that the link uses, and not one that it has given up.
    private var isCurrent: Bool { !isClosing && link.stream === self }

    override func didRead(_ bytes: UnsafeRawBufferPointer) {
        if isCurrent { link.received(bytes) }
    }

    override func didEnd(_ error: LoopError?) {
        guard isCurrent else { return }
        link.fail(error.map(LinkFailure.init) ?? LinkFailure(cause: .closed, reason: "Redis closed the connection"))
    }

    override func didFailToSend(_ error: LoopError) {
        // A server that turns us away may close before we have written a word. Why it did so is still to be read, and the
        // end of the stream after it.
        guard isCurrent, link.isEstablished else { return }
        link.fail(LinkFailure(error))
    }

    override func didSendBacklog() {
        if isCurrent { link.didSendBacklog() }
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
}
