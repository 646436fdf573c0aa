package import Configuration
package import RESP

/// One connection to a server and its life: attempts, greeting, heartbeat, end. What it is used for is the business of its
/// subclasses: `PublishLink` and `SubscribeLink`, which are links to a Redis node, `SentinelLink` and `ClusterLink`. The
/// decisions about its life are `LinkMachine`'s; here they become actions. How a connection comes about is in
/// `Link+Connecting`.
///
/// The I/O layer has one socket for each link, and calls the link's events; before each of them `Upstream.begin`.
package class Link {
    package let kind: LinkKind
    unowned let upstream: Upstream
    // Borrowed for all that is read, so not by way of the upstream.
    package let hub: Hub
    package var machine: LinkMachine
    /// The link can be used.
    package private(set) var isEstablished = false
    /// The round trip of the last heartbeat, in nanoseconds; nil before the first.
    package private(set) var lastRoundTrip: UInt64?
    /// The version of TLS that is spoken, as "TLSv1.3"; nil without.
    package private(set) var tlsVersion: String?
    /// When the server's certificate ends, in seconds since 1970; nil without TLS.
    package private(set) var serverCertificateEnd: Int64?

    /// What is to be written: see `RelayAction.write`.
    package let output: OutputBuffer
    /// The action to write it is under way.
    var isWriteAsked = false
    /// Bytes that were written and that the kernel had not taken when that was told last.
    private(set) var backlog = 0
    /// Bytes that have come of a reply that is not complete.
    private var unfinishedReplyBytes = 0

    // Of the attempt under way; see Link+Connecting.
    var attempt = Attempt.none
    /// Where hosts were found to be.
    var destinations: [Destination] = []
    /// Where the attempt under way connects to, or the link is connected to.
    package internal(set) var destination: Destination?
    var lastGoodDestination: Destination?
    private var wakesAt: UInt64?

    private var pingSentAt: UInt64?
    /// What was shown last, since servers repeat themselves.
    private var lastShown = (text: "", shown: "", version: 0)
    /// Where the link was, or was to be, when it failed as `failure` says.
    private var failedAddress: String?
    /// Where the last connection was whose server was greeted.
    private var greetedEndpoint: RedisConfiguration.Endpoint?

    /// What the I/O layer keeps for the link.
    package var socket: (any LinkConnection)?

    /// How far an attempt is to have a connection.
    enum Attempt {
        /// There is none, or the connection has come about.
        case none
        case resolving, connecting
        /// The socket is connected.
        case connected
    }

    /// - Parameter output: where what is to be written is gathered.
    init(kind: LinkKind, upstream: Upstream, machine: LinkMachine, output: OutputBuffer = OutputBuffer()) {
        (self.kind, self.upstream, self.machine, self.output) = (kind, upstream, machine, output)
        hub = upstream.hub
    }

    /// Why the link is not up, with who failed; nil while it is.
    package var failure: LinkFailure? {
        machine.lastFailure.map {
            LinkFailure(cause: $0.cause, reason: "\(failedAddress ?? address), \(kind.label) link: \($0.reason)")
        }
    }

    // MARK: For subclasses

    /// For people; without secrets.
    package var address: String { preconditionFailure("every kind of link has an address") }
    /// Asked at each attempt.
    var location: Location { preconditionFailure("every kind of link has a location") }
    /// Who logs in.
    package var credentials: RedisConfiguration.Credentials { .none }
    /// What the names of the settings for that begin with.
    var settingsName: String { "redis" }
    /// The server does not let the relay ask something that it asked in its greeting.
    func noteFallbacks() {}
    /// The link has failed, or an attempt to have it.
    func failed(_ failure: LinkFailure, wasEstablished: Bool) {}

    /// What has been asked since the greeting, and what is answered.
    var debt: LinkDebt { LinkDebt() }
    /// The greeting is over and the link can be used.
    func established() {}
    /// A connection that was established is no more; called once for each.
    /// - Parameter unsent: bytes, the last ones that were written or were to be, of which none has left.
    func lost(_ failure: LinkFailure, unsent: Int) {}
    /// A reply that is not of the greeting.
    func answered(_ value: RedisValue) {}
    /// Redis answered what was not asked, or sent what such a link does not hear.
    package func violation() {
        fail(LinkFailure(cause: .protocolError, reason: "an unexpected reply from Redis"))
    }
    /// Writes a PING and notes that its answer is owed.
    func writePing() {}
    /// A publish to the relay's own channel, for a link that publishes.
    var ownPublish: [String] { [] }
    /// Bytes of a command that the next greeting is to try.
    var trialSize: Int? { nil }
    /// The connection has ended while the answer to this step of the greeting was waited for.
    func greetingBroken(at step: LinkMachine.GreetingStep, _ cause: Cause) {}
    /// Something was written, or the kernel has taken some of what it had not.
    func backlogChanged() {}

    // MARK: Life

    /// The machine of a link that is configured as all are.
    /// - Parameters:
    ///   - heartbeat: nanoseconds of silence after which the other end is asked for a sign of life.
    ///   - timeout: nanoseconds for which that may fail to come, if fewer than for other links.
    ///   - evidence: what says that the other end lives.
    ///   - usesTokens: whether it is of use when PINGs can be told apart by their answers.
    static func machine(
        _ timings: Timings, heartbeat: UInt64, timeout: UInt64 = .max, expects server: ServerKind = .redis,
        evidence: AnswerClock.Evidence = .bytes, usesTokens: Bool = false, publishesUnder prefix: [UInt8]? = nil
    ) -> LinkMachine {
        LinkMachine(
            timings: .init(
                heartbeatInterval: heartbeat, linkTimeout: min(timings.linkTimeout, timeout),
                connectTimeout: timings.connectTimeout),
            backoff: Backoff(
                minimum: timings.backoffMin, maximum: timings.backoffMax, maximumAfterRefusal: timings.backoffMaxRefused
            ),
            expects: server, evidence: evidence, usesTokens: usesTokens, publishesUnder: prefix)
    }

    func start() { wake() }

    /// Ends the link for good. Whatever is in flight is told as lost first.
    func stop(_ failure: LinkFailure) {
        fail(failure)
        upstream.act(.dispose(self))
    }

    /// The time has come that the action `wake` named: a wait is over, or a step of an attempt has taken too long.
    package func wake() {
        wakesAt = nil
        perform(machine.wake(now: upstream.now))
    }

    /// The server is somewhere else now, or there is another reason to try again at once.
    func hasten() {
        if case .resolving = machine.phase { return resolve() }
        machine.hasten(now: upstream.now)
        perform(.none)
    }

    /// Who was asked where the server is cannot say it now.
    func locationUnknown() { if case .resolving = machine.phase { resolve() } }

    /// Whether there is a connection, whatever the server at its end has said.
    package var isConnected: Bool { attempt == .connected }

    /// Whether there is a connection, or one is being made.
    var isConnecting: Bool { attempt == .connecting || attempt == .connected }

    /// Carries out what the machine wants, and sees to it that it is woken in time.
    func perform(_ action: LinkMachine.Action) {
        switch action {
        case .none: break
        case .resolve: resolve()
        case .resolvingTimedOut: resolvingTimedOut()
        case .securingTimedOut: upstream.act(.endSecuring(self))
        case .connect(let target): connect(to: target)
        case .ping:
            pingSentAt = pingSentAt ?? upstream.moment.precise
            writePing()
        case .ask(let steps): write(steps.map { words(for: $0) })
        case .established:
            isEstablished = true
            lastGoodDestination = destination
            pongReceived()
            noteFallbacks()
            established()
        case .fail(let failure): fail(failure)
        }
        if let due = machine.wakesAt, due != wakesAt { setWake(at: due) }
    }

    private func setWake(at due: UInt64?) {
        wakesAt = due
        upstream.act(.wake(self, at: due))
    }

    /// The connection can carry commands: what is to be known before the link is used is asked.
    /// - Parameter password: read just now, so that it can be rotated; nil: nobody logs in.
    package func canCarryCommands(password: String?) {
        guard isConnected else { return }
        if let password { upstream.secrets.add(password) }
        machine.mask = upstream.secrets
        if let endpoint = destination?.endpoint {
            if let greetedEndpoint, greetedEndpoint != endpoint {
                machine.forgetServer()
                reconsiderServer()
            }
            greetedEndpoint = endpoint
        }
        setWake(at: nil)
        pingSentAt = upstream.moment.precise
        let steps = machine.connected(now: upstream.now, secret: password, triesSize: trialSize != nil)
        write(steps.map { words(for: $0, password: password) })
    }

    /// How a step of the greeting is asked.
    func words(for step: LinkMachine.GreetingStep, password: String? = nil) -> [String] {
        switch step {
        case .auth: ["AUTH"] + login(with: password ?? "")
        case .setName: ["CLIENT", "SETNAME", upstream.clientName.of(kind)]
        case .role: ["ROLE"]
        case .clusterInfo: ["CLUSTER", "INFO"]
        case .ping: ["PING"]
        case .token: ["PING", PingToken.ofGreeting]
        case .publish: ownPublish
        case .bulkLimit, .bufferLimit, .idleLimit: ["CONFIG", "GET", step.setting ?? ""]
        case .user: ["ACL", "GETUSER", credentials.username ?? "default"]
        // One argument more than PING takes: it is read and not repeated.
        case .size: ["PING", String(repeating: "x", count: trialSize ?? 0), "x"]
        }
    }

    /// It is another server than before, or it may do better by now: what it did not do, it is asked for again.
    func reconsiderServer() { machine.reconsiderServer() }

    /// What follows AUTH. Without a user it means `default`, also to servers before Redis 6, which know no users; only a
    /// `default` that needs no password has to be named.
    private func login(with password: String) -> [String] {
        guard let user = credentials.username, user != "default" || password.isEmpty else { return [password] }
        return [user, password]
    }

    /// Writes commands, which the server finds together. Without a connection they are dropped.
    func write(_ commands: [[String]]) {
        guard isConnected else { return }
        for command in commands { output.append(command: command) }
        askToWrite()
    }

    func write(_ command: [String]) { write([command]) }

    /// Has the output written.
    func askToWrite() {
        guard !isWriteAsked, output.count > 0 else { return }
        isWriteAsked = true
        upstream.act(.write(self))
    }

    /// The connection is over, or could not be had. Does nothing when there is none.
    package func fail(_ failure: LinkFailure) {
        let failure = failure.shown(by: upstream.secrets)
        let wasEstablished = isEstablished
        let isMidReply = unfinishedReplyBytes > 0
        // The kernel may have taken more than was told last.
        let unsent = (isConnected ? socket?.unsentPlaintext ?? 0 : 0) + output.count
        if case .waiting(let until) = machine.phase, until > 0 { return }
        // What was in flight is told as unknown. The less of it still arrives, after what is published next, the better.
        upstream.act(.close(self, inOrder: failure.cause == .stopping))
        (isEstablished, attempt, tlsVersion, serverCertificateEnd) = (false, .none, nil, nil)
        (backlog, unfinishedReplyBytes) = (0, 0)
        if case .greeting = machine.phase, failure.cause == .closed || failure.cause == .timeout,
            let step = machine.greeting.awaited
        {
            greetingBroken(at: step, failure.cause)
        }
        machine.failed(failure, now: upstream.now, isMidReply: isMidReply, using: &upstream.random)
        // Of an attempt that tried several servers, one failure is told.
        if let last = machine.lastFailure, last.cause == failure.cause, last.reason.hasPrefix(failure.reason) {
            failedAddress = address
        }
        if wasEstablished { lost(failure, unsent: unsent) }
        output.removeAll()
        perform(.none)
        failed(failure, wasEstablished: wasEstablished)
    }

    /// What people may see of an error of the server.
    func shown(_ text: String) -> String {
        let secrets = upstream.secrets
        if text != lastShown.text || secrets.version != lastShown.version {
            lastShown = (text, secrets.shown(text), secrets.version)
        }
        return lastShown.shown
    }

    // MARK: Events

    /// Called several times per heartbeat interval.
    func tick() {
        perform(machine.tick(now: upstream.now, debt: debt, unfinished: unfinishedReplyBytes))
    }

    /// Our own loop stood still for so many nanoseconds: that was not Redis's silence.
    func forgive(_ nanoseconds: UInt64) {
        machine.forgive(nanoseconds, now: upstream.now)
        perform(.none)
    }

    /// Bytes have come; the replies in them are told next.
    /// - Parameter now: the loop's time.
    package func heard(_ count: Int, now: UInt64) {
        machine.heard(now: now)
        hub.counters.bytesFromRedis += UInt64(count)
    }

    /// All replies have been told that were complete.
    /// - Parameter unfinished: bytes that have come of the next one.
    package func read(unfinished: Int) { if isConnected { unfinishedReplyBytes = unfinished } }

    /// A reply has come that is none of those which kinds of links have events of their own for.
    package func replied(_ value: RedisValue) {
        guard isEstablished else { return greeted(value) }
        answered(value)
    }

    /// A reply while the greeting is under way.
    private func greeted(_ value: RedisValue) {
        var action = machine.greeted(LinkMachine.Reply(value, to: machine.greeting.awaited), now: upstream.now)
        if case .fail(var failure) = action, failure.isOfLogin {
            failure.reason += " (\(credentials.tried(settings: settingsName)))"
            action = .fail(failure)
        }
        perform(action)
    }

    /// So many bytes of output are about to be handed over, by which it is emptied.
    package func writes(_ count: Int) { hub.counters.bytesToRedis += UInt64(count) }

    /// So many bytes of all that was written have not been taken by the kernel.
    package func backlogChanged(to bytes: Int) {
        guard isConnected else { return }
        backlog = bytes
        backlogChanged()
    }

    func pongReceived() {
        guard let sentAt = pingSentAt else { return }
        lastRoundTrip = upstream.moment.precise - min(sentAt, upstream.moment.precise)
        pingSentAt = nil
    }

    /// The TLS handshake is over.
    package func secured(version: String, certificateEnd: Int64?) {
        guard case .securing = machine.phase else { return }
        (tlsVersion, serverCertificateEnd) = (version, certificateEnd)
        upstream.act(.readPassword(self))
    }

    /// Whether the TLS handshake is under way.
    package var isSecuring: Bool { if case .securing = machine.phase { tlsVersion == nil } else { false } }
}

/// What the I/O layer keeps for a link.
package protocol LinkConnection: AnyObject {
    /// Bytes of plaintext, the last ones that were written, of which none has left. Asked when the link fails: what is in
    /// flight with these bytes was never sent, and all else may have been.
    var unsentPlaintext: Int { get }
}

extension RedisConfiguration.Credentials {
    /// Who has been turned away, for whoever mends it: without names and secrets.
    /// - Parameter settings: what the names of the settings begin with.
    fileprivate func tried(settings: String) -> String {
        guard password != nil || passwordFile != nil else { return "no password is set: --\(settings)-password-file" }
        let user = username == nil ? "the default user" : "the configured user"
        return "tried: \(user), with the password \(passwordFile.map { "in \($0)" } ?? "that is set")"
    }
}
