internal import Configuration
internal import EventLoop
internal import Posix
internal import RedisWire
internal import RelayCore

/// One connection to Redis and its life: attempts, greeting, heartbeat, end. What it is used for is the business of
/// its two subclasses, `PublishLink` and `SubscribeLink`. The decisions are `LinkMachine`'s; here they are carried out.
/// How a connection comes about is in `RedisLink+Connecting`.
class RedisLink {
    let name: String
    unowned let node: NodeLinks
    unowned let relay: Relay
    var machine: LinkMachine
    /// The round trip of the last heartbeat, in nanoseconds; nil before the first.
    private(set) var lastRoundTrip: UInt64?

    /// The connection that the link uses.
    private(set) var stream: LinkStream?
    private var reader: ReplyReader?
    private var pingSentAt: UInt64?
    private var random = SystemRandomNumberGenerator()

    // Of the attempt under way; see RedisLink+Connecting.
    var timer: Timer?
    var resolver: Resolver?
    var candidate: LinkStream?
    var addresses: [NetworkAddress] = []
    /// Where the candidate or the stream is connected to; nil for a Unix socket.
    var address: NetworkAddress?
    var lastGoodAddress: NetworkAddress?

    init(name: String, node: NodeLinks) {
        (self.name, self.node, relay) = (name, node, node.relay)
        let timings = node.relay.configuration.timings
        machine = LinkMachine(
            timings: .init(
                heartbeatInterval: timings.heartbeatInterval, linkTimeout: timings.linkTimeout,
                connectTimeout: timings.connectTimeout),
            backoff: Backoff(
                minimum: timings.backoffMin, maximum: timings.backoffMax,
                maximumAfterRefusal: timings.backoffMaxRefused),
            host: node.relay.configuration.redis.firstEndpoint.description)
    }

    var isEstablished: Bool { machine.phase == .established }
    /// Why the link is not up, with who failed; nil while it is.
    var failure: LinkFailure? {
        machine.lastFailure.map {
            LinkFailure(cause: $0.cause, reason: "\(node.address), \(name) link: \($0.reason)")
        }
    }

    // MARK: For subclasses

    /// Receives the replies; made anew for each connection's reader, but may be one and the same.
    var sink: ReplySink { preconditionFailure("every kind of link has a sink") }
    /// Whether a command is unanswered.
    var isReplyOwed: Bool { false }
    /// The greeting is over and the link can be used.
    func established() {}
    /// A connection that was established is no more; called once for each.
    func lost(_ failure: LinkFailure, unsent: Int) {}
    /// Writes a PING and notes that its answer is owed.
    func writePing() {}
    /// The kernel has taken some of what it had refused.
    func didSendBacklog() {}

    // MARK: Life

    func start() {
        timer = Timer(loop: relay.loop) { [unowned self] in wake() }
        wake()
    }

    /// Ends the link for good. Whatever is in flight is told as lost first.
    func stop(_ failure: LinkFailure) {
        fail(failure)
        timer?.close()
        timer = nil
    }

    /// A wait is over, or a step of an attempt has taken too long.
    private func wake() { perform(machine.wake(now: relay.now)) }

    /// Carries out what the machine wants, and sees to it that it is woken in time.
    func perform(_ action: LinkMachine.Action) {
        switch action {
        case .none: break
        case .resolve: resolve()
        case .connect(let target): connect(to: target)
        case .ping:
            pingSentAt = Clock.monotonicNanoseconds()
            writePing()
        case .established:
            lastGoodAddress = address
            pongReceived()
            node.noteFallbacks(of: self)
            established()
        case .fail(let failure): fail(failure)
        }
        if let due = machine.wakesAt { timer?.start(after: due > relay.now ? due - relay.now : 0) }
    }

    /// The socket is connected: what is to be known before the link is used is asked.
    func greet(_ stream: LinkStream) {
        self.stream = stream
        let password: String?
        do { password = try relay.redisPassword() } catch {
            return fail(LinkFailure(cause: .auth, reason: "\(error)"))
        }
        reader = ReplyReader(sink: sink)
        do throws(LoopError) { try stream.startReading() } catch {
            return fail(LinkFailure(cause: .closed, reason: "\(error)"))
        }
        timer?.stop()
        pingSentAt = Clock.monotonicNanoseconds()
        for step in machine.connected(now: relay.now, secret: password) {
            switch step {
            case .auth:
                let user = relay.configuration.redis.credentials.username.map { [$0] } ?? []
                write(["AUTH"] + user + [password ?? ""])
            case .setName: write(["CLIENT", "SETNAME", "hubrelay-\(name)-\(relay.hub.identity.id.prefix(8))"])
            case .role: write(["ROLE"])
            case .ping: write(["PING"])
            }
        }
    }

    /// Writes a command that is not for the gathered output of a turn.
    func write(_ arguments: [String]) {
        CommandFormatter.format(arguments) { write($0) }
    }

    func write(_ command: UnsafeRawBufferPointer) {
        relay.hub.counters.bytesToRedis += UInt64(command.count)
        stream?.write(UnsafeMutableRawBufferPointer(mutating: command))
    }

    /// A reply while the greeting is under way.
    func greeted(_ value: RedisValue) {
        let action = machine.greeted(LinkMachine.Reply(value), now: relay.now)
        perform(action)
        if case .fail(let failure) = action, failure.cause == .demoted { node.foundReplica(failure, by: self) }
    }

    /// The connection is over, or could not be had. Does nothing when there is none.
    func fail(_ failure: LinkFailure) {
        let wasEstablished = isEstablished
        let unsent = stream?.unsent ?? 0
        if case .waiting(let until) = machine.phase, until > 0 { return }
        reader?.stop()
        reader = nil
        // What was in flight is told as unknown. The less of it still arrives, after what is published next, the better.
        if failure.cause == .stopping { stream?.close() } else { stream?.reset() }
        stream = nil
        abandonAttempt()
        machine.failed(failure, now: relay.now, using: &random)
        if wasEstablished { lost(failure, unsent: unsent) }
        perform(.none)
        relay.evaluatePath()
    }

    // MARK: Events

    /// Called several times per heartbeat interval.
    func tick() { perform(machine.tick(now: relay.now, isOwed: isReplyOwed)) }

    /// Our own loop stood still for so many nanoseconds: that was not Redis's silence.
    func forgive(_ nanoseconds: UInt64) {
        machine.forgive(nanoseconds, now: relay.now)
        perform(.none)
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        machine.heard(now: relay.now)
        relay.hub.counters.bytesFromRedis += UInt64(bytes.count)
        guard let reader else { return }
        do throws(ReplyError) { try reader.feed(bytes) } catch {
            fail(LinkFailure(cause: .malformedReply, reason: "Redis: \(error)"))
        }
    }

    func pongReceived() {
        guard let sentAt = pingSentAt else { return }
        lastRoundTrip = Clock.monotonicNanoseconds() - sentAt
        pingSentAt = nil
    }
}

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

extension LinkMachine.Reply {
    init(_ value: RedisValue) {
        switch value {
        case .error(let text): self = .error(text)
        case .status(let text): self = .status(text)
        case .array(let elements):
            guard case .bulk(let bytes)? = elements.first else {
                self = .other
                return
            }
            self = .role(String(decoding: bytes, as: UTF8.self))
        default: self = .other
        }
    }
}
