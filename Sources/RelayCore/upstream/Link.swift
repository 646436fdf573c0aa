package import Configuration
package import RESP

/// One connection to a server and its life: attempts, greeting, heartbeat, end. The subclasses define its use:
/// `PublishLink` and `SubscribeLink` (the links to a Redis node), `SentinelLink` and `ClusterLink`. `LinkMachine` makes
/// the decisions about its life; here they become actions. `Link+Connecting` makes the connection.
///
/// The I/O layer has one socket for each link, and calls the link's events. Before each event it calls
/// `Upstream.begin`.
package class Link {
    package let kind: LinkKind
    unowned let upstream: Upstream
    // Used for everything that is read, so it is kept here and not taken from the upstream.
    package let hub: Hub
    package var machine: LinkMachine
    /// Whether the link can be used.
    package private(set) var isEstablished = false
    /// The round trip of the last heartbeat, in nanoseconds; nil before the first one.
    package private(set) var lastRoundTrip: UInt64?
    /// The TLS version of the connection, such as "TLSv1.3"; nil without TLS.
    package private(set) var tlsVersion: String?
    /// When the server's certificate expires, in seconds since 1970; nil without TLS.
    package private(set) var serverCertificateEnd: Int64?

    /// The output to write: see `RelayAction.write`.
    package let output: OutputBuffer
    /// The action that writes `output` has been asked for, and not been taken yet.
    var isWriteAsked = false
    /// Bytes that were written and that the kernel had not taken, as of the last report.
    private(set) var backlog = 0
    /// Bytes that have come of an incomplete reply.
    private var unfinishedReplyBytes = 0

    // The attempt that is under way; see Link+Connecting.
    var attempt = Attempt.none
    /// The result of the last look-up.
    var destinations: [Destination] = []
    /// Where the link connects, is connected, or was connected last.
    package internal(set) var destination: Destination?
    var lastGoodDestination: Destination?
    private var wakesAt: UInt64?

    private var pingSentAt: UInt64?
    /// The last error of the server, and what `shown` made of it; kept since servers repeat themselves.
    private var lastShown = (text: "", shown: "", version: 0)
    /// The address that `failure` names: where the link was, or was to connect, when it failed.
    private var failedAddress: String?
    /// The endpoint of the last connection whose server was greeted.
    private var greetedEndpoint: RedisConfiguration.Endpoint?

    /// What the I/O layer keeps for the link.
    package var socket: (any LinkConnection)?

    /// How far an attempt to connect has come.
    enum Attempt {
        /// Nothing is under way in the I/O layer.
        case none
        case resolving, connecting
        /// The socket is connected.
        case connected
    }

    /// - Parameter output: the buffer in which commands are gathered.
    init(kind: LinkKind, upstream: Upstream, machine: LinkMachine, output: OutputBuffer = OutputBuffer()) {
        (self.kind, self.upstream, self.machine, self.output) = (kind, upstream, machine, output)
        hub = upstream.hub
    }

    /// Why the link is not up, with its address and kind; nil while it is up.
    package var failure: LinkFailure? {
        machine.lastFailure.map {
            LinkFailure(cause: $0.cause, reason: "\(failedAddress ?? address), \(kind.label) link: \($0.reason)")
        }
    }

    // MARK: For subclasses

    /// The address of the server, for people; without secrets.
    package var address: String { preconditionFailure("every kind of link has an address") }
    /// Where the server is. Read at each attempt.
    var location: Location { preconditionFailure("every kind of link has a location") }
    /// The user and the password with which the link logs in.
    package var credentials: RedisConfiguration.Credentials { .none }
    /// The start of the names of the settings for these credentials.
    var settingsName: String { "redis" }
    /// The link is established: notes what the server refused in the greeting.
    func noteFallbacks() {}
    /// The link has failed, or an attempt to connect it.
    func failed(_ failure: LinkFailure, wasEstablished: Bool) {}

    /// How much has been asked since the greeting, and how much is answered.
    var debt: LinkDebt { LinkDebt() }
    /// The greeting is over and the link can be used.
    func established() {}
    /// An established connection has ended; called once for each.
    /// - Parameter unsent: the number of bytes, at the end of what was written or was to be written, of which none was
    ///   sent.
    func lost(_ failure: LinkFailure, unsent: Int) {}
    /// A reply after the greeting has come.
    func answered(_ value: RedisValue) {}
    /// Redis answered something that was not asked, or sent something that such a link does not receive.
    package func violation() {
        fail(LinkFailure(cause: .protocolError, reason: "an unexpected reply from Redis"))
    }
    /// Writes a PING and notes that its answer is owed.
    func writePing() {}
    /// A publish to the relay's own channel; empty for links that do not publish.
    var ownPublish: [String] { [] }
    /// The size in bytes of a large command that the next greeting tries; nil if it tries none.
    var trialSize: Int? { nil }
    /// The connection has ended while the link waited for the answer to this step of the greeting.
    func greetingBroken(at step: LinkMachine.GreetingStep, _ cause: Cause) {}
    /// Something was written, or the kernel has taken more of what was written.
    func backlogChanged() {}

    // MARK: Life

    /// A machine with the settings that all links share.
    /// - Parameters:
    ///   - heartbeat: nanoseconds of silence after which the peer is asked for a sign of life.
    ///   - timeout: the link timeout in nanoseconds, if it is shorter than that of other links.
    ///   - evidence: what counts as a sign that the peer lives.
    ///   - usesTokens: whether the link uses PINGs that can be told apart by their answers.
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

    /// Ends the link for good. Before that, everything in flight is reported as lost.
    func stop(_ failure: LinkFailure) {
        fail(failure)
        upstream.act(.dispose(self))
    }

    /// The time of the action `wake` has come: a wait is over, or a step of an attempt has taken too long.
    package func wake() {
        wakesAt = nil
        perform(machine.wake(now: upstream.now))
    }

    /// The server is at another place now, or there is another reason to try again at once.
    func hasten() {
        if case .resolving = machine.phase { return resolve() }
        machine.hasten(now: upstream.now)
        perform(.none)
    }

    /// The sentinels, or the members of the cluster, cannot say now where the server is.
    func locationUnknown() { if case .resolving = machine.phase { resolve() } }

    /// Whether there is a connection, no matter what the server has said on it.
    package var isConnected: Bool { attempt == .connected }

    /// Whether there is a connection, or one is being made.
    var isConnecting: Bool { attempt == .connecting || attempt == .connected }

    /// Carries out an action of the machine, and arranges that the machine is woken in time.
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

    /// The connection can carry commands: the greeting begins.
    /// - Parameter password: the password, read just now so that it can be rotated; nil if the link does not log in.
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

    /// The command for a step of the greeting.
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
        // PING with one argument too many: the server reads everything, and does not repeat it.
        case .size: ["PING", String(repeating: "x", count: trialSize ?? 0), "x"]
        }
    }

    /// The server is another one than before, or may support more by now: the relay asks again for what was refused.
    func reconsiderServer() { machine.reconsiderServer() }

    /// The arguments of AUTH. Without a user name, AUTH means the user `default`; servers before Redis 6, which know no
    /// users, take only this form. The name `default` is needed only if this user has no password.
    private func login(with password: String) -> [String] {
        guard let user = credentials.username, user != "default" || password.isEmpty else { return [password] }
        return [user, password]
    }

    /// Writes several commands at once. Without a connection they are dropped.
    func write(_ commands: [[String]]) {
        guard isConnected else { return }
        for command in commands { output.append(command: command) }
        askToWrite()
    }

    func write(_ command: [String]) { write([command]) }

    /// Asks the I/O layer to write the output.
    func askToWrite() {
        guard !isWriteAsked, output.count > 0 else { return }
        isWriteAsked = true
        upstream.act(.write(self))
    }

    /// The connection has ended, or could not be made. Does nothing while the link waits for its next attempt.
    package func fail(_ failure: LinkFailure) {
        let failure = failure.shown(by: upstream.secrets)
        let wasEstablished = isEstablished
        let isMidReply = unfinishedReplyBytes > 0
        // The kernel may have taken more since the last report.
        let unsent = (isConnected ? socket?.unsentPlaintext ?? 0 : 0) + output.count
        if case .waiting(let until) = machine.phase, until > 0 { return }
        // What was in flight is reported as unknown. As little of it as possible should still arrive, after what is
        // published next, so the connection is reset.
        upstream.act(.close(self, inOrder: failure.cause == .stopping))
        (isEstablished, attempt, tlsVersion, serverCertificateEnd) = (false, .none, nil, nil)
        (backlog, unfinishedReplyBytes) = (0, 0)
        if case .greeting = machine.phase, failure.cause == .closed || failure.cause == .timeout,
            let step = machine.greeting.awaited
        {
            greetingBroken(at: step, failure.cause)
        }
        machine.failed(failure, now: upstream.now, isMidReply: isMidReply, using: &upstream.random)
        // If an attempt tried several servers, only one of their failures is reported.
        if let last = machine.lastFailure, last.cause == failure.cause, last.reason.hasPrefix(failure.reason) {
            failedAddress = address
        }
        if wasEstablished { lost(failure, unsent: unsent) }
        output.removeAll()
        perform(.none)
        failed(failure, wasEstablished: wasEstablished)
    }

    /// What people may see of an error of the server: the text without secrets.
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

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    func forgive(_ nanoseconds: UInt64) {
        machine.forgive(nanoseconds, now: upstream.now)
        perform(.none)
    }

    /// Bytes have come; the replies in them are reported next.
    /// - Parameter now: the loop's time.
    package func heard(_ count: Int, now: UInt64) {
        machine.heard(now: now)
        hub.counters.bytesFromRedis += UInt64(count)
    }

    /// All complete replies have been reported.
    /// - Parameter unfinished: bytes that have come of the next reply.
    package func read(unfinished: Int) { if isConnected { unfinishedReplyBytes = unfinished } }

    /// A reply has come for which this kind of link has no event of its own.
    package func replied(_ value: RedisValue) {
        guard isEstablished else { return greeted(value) }
        answered(value)
    }

    /// A reply has come during the greeting.
    private func greeted(_ value: RedisValue) {
        var action = machine.greeted(LinkMachine.Reply(value, to: machine.greeting.awaited), now: upstream.now)
        if case .fail(var failure) = action, failure.isOfLogin {
            failure.reason += " (\(credentials.tried(settings: settingsName)))"
            action = .fail(failure)
        }
        perform(action)
    }

    /// The I/O layer is about to write `count` bytes, which are all of `output`, and to empty it.
    package func writes(_ count: Int) { hub.counters.bytesToRedis += UInt64(count) }

    /// The number of written bytes that the kernel has not taken is now `bytes`.
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
    /// The number of bytes of plaintext, at the end of what was written, of which none was sent. Read when the link
    /// fails: commands that are completely in these bytes were never sent, and all others may have been.
    var unsentPlaintext: Int { get }
}

extension RedisConfiguration.Credentials {
    /// Which login was refused, for the person who corrects it; without user names and secrets.
    /// - Parameter settings: the start of the names of the settings.
    fileprivate func tried(settings: String) -> String {
        guard password != nil || passwordFile != nil else { return "no password is set: --\(settings)-password-file" }
        let user = username == nil ? "the default user" : "the configured user"
        return "tried: \(user), with the password \(passwordFile.map { "in \($0)" } ?? "that is set")"
    }
}
