internal import Configuration
internal import EventLoop
internal import Posix
internal import RedisWire
internal import RelayCore
internal import TLS

/// One connection to a server and its life: attempts, greeting, heartbeat, end. What it is used for is the business of
/// its subclasses: `PublishLink` and `SubscribeLink`, which are links to a Redis node, and `SentinelLink`. The decisions
/// are `LinkMachine`'s; here they are carried out. How a connection comes about is in `RedisLink+Connecting`.
class RedisLink {
    let name: String
    unowned let relay: Relay
    // Borrowed for all that is read, so not by way of the relay.
    let hub: Hub
    private let loop: Loop
    var machine: LinkMachine
    /// The round trip of the last heartbeat, in nanoseconds; nil before the first.
    private(set) var lastRoundTrip: UInt64?

    /// The connection that the link uses.
    private(set) var stream: LinkStream?
    private var reader: ReplyReader?
    private var pingSentAt: UInt64?
    private var random = SystemRandomNumberGenerator()
    /// What was shown last, since servers repeat themselves.
    private var lastShown = (text: "", shown: "", version: 0)

    // Of the attempt under way; see RedisLink+Connecting.
    var timer: Timer?
    var lookup: HostLookup?
    var candidate: LinkStream?
    var places: [Place] = []
    /// Where the attempt under way connects to, or the stream is connected to.
    var place: Place?
    var lastGoodPlace: Place?
    /// Where the link was, or was to be, when it failed as `failure` says.
    private var failedAddress: String?
    /// Where the last connection was whose server was greeted.
    private var greetedEndpoint: RedisConfiguration.Endpoint?

    init(name: String, relay: Relay, machine: LinkMachine) {
        (self.name, self.relay, self.machine) = (name, relay, machine)
        (hub, loop) = (relay.hub, relay.loop)
    }

    var isEstablished: Bool { if case .established = machine.phase { true } else { false } }
    /// Why the link is not up, with who failed; nil while it is.
    var failure: LinkFailure? {
        machine.lastFailure.map {
            LinkFailure(cause: $0.cause, reason: "\(failedAddress ?? address), \(name) link: \($0.reason)")
        }
    }

    // MARK: For subclasses

    /// For people; without secrets.
    var address: String { preconditionFailure("every kind of link has an address") }
    /// Asked at each attempt.
    var location: Location { preconditionFailure("every kind of link has a location") }
    /// Who logs in.
    var credentials: RedisConfiguration.Credentials { .none }
    /// What the names of the settings for that begin with.
    var settingsName: String { "redis" }
    /// The server does not let the relay ask something that it asked in its greeting.
    func noteFallbacks() {}
    /// The link has failed, or an attempt to have it.
    func failed(_ failure: LinkFailure, wasEstablished: Bool) {}

    /// What a server may say on such a link.
    var replyLimits: ReplyLimits { ReplyLimits() }
    /// Receives the replies; made anew for each connection's reader, but may be one and the same.
    var sink: ReplySink { preconditionFailure("every kind of link has a sink") }
    /// What has been asked since the greeting, and what is answered.
    var debt: LinkDebt { LinkDebt() }
    /// The greeting is over and the link can be used.
    func established() {}
    /// A connection that was established is no more; called once for each.
    func lost(_ failure: LinkFailure, unsent: Int) {}
    /// Writes a PING and notes that its answer is owed.
    func writePing() {}
    /// A publish to the relay's own channel, for a link that publishes.
    var ownPublish: [String] { [] }
    /// Bytes of a command that the next greeting is to try.
    var trialSize: Int? { nil }
    /// The connection has ended while the answer to this step of the greeting was waited for.
    func greetingBroken(at step: LinkMachine.GreetingStep, _ cause: Cause) {}

    /// The kernel has taken some of what it had refused.
    func didSendBacklog() {}

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

    func start() {
        timer = Timer(loop: relay.loop) { [unowned self] in
            relay.noticeLag()
            wake()
        }
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

    /// The server is somewhere else now, or there is another reason to try again at once.
    func hasten() {
        if case .resolving = machine.phase { return resolve() }
        machine.hasten(now: relay.now)
        perform(.none)
    }

    /// Who was asked where the server is cannot say it now.
    func locationUnknown() { if case .resolving = machine.phase { resolve() } }

    /// Whether there is a connection, or one is being made.
    var isConnecting: Bool { candidate != nil || stream != nil }

    /// Carries out what the machine wants, and sees to it that it is woken in time.
    func perform(_ action: LinkMachine.Action) {
        switch action {
        case .none: break
        case .resolve: resolve()
        case .resolvingTimedOut: resolvingTimedOut()
        case .securingTimedOut: if let failure = stream?.handshakeTimedOut() { fail(failure) }
        case .connect(let target): connect(to: target)
        case .ping:
            pingSentAt = pingSentAt ?? Clock.monotonicNanoseconds()
            writePing()
        case .ask(let steps): write(steps.map { words(for: $0) })
        case .established:
            lastGoodPlace = place
            pongReceived()
            noteFallbacks()
            established()
        case .fail(let failure): fail(failure)
        }
        if let due = machine.wakesAt { timer?.start(after: due > relay.now ? due - relay.now : 0) }
    }

    /// The socket is connected.
    func use(_ stream: LinkStream) {
        self.stream = stream
        do throws(LoopError) { try stream.startReading() } catch {
            return fail(LinkFailure(cause: .closed, reason: "\(error)"))
        }
        guard let tls = relay.tls, let host = place?.endpoint.host else { return greet() }
        machine.securing(now: relay.now)
        perform(.none)
        let name = relay.configuration.redis.tls?.serverName ?? host
        do throws(TLSError) { try stream.secure(tls, serverName: name) } catch { fail(LinkFailure(error)) }
    }

    /// Whether the TLS handshake is under way.
    var isSecuring: Bool { if case .securing = machine.phase { true } else { false } }

    /// The TLS handshake is over.
    func secured() { greet() }

    /// The connection can carry commands: what is to be known before the link is used is asked.
    private func greet() {
        let password: String?
        do { password = try readPassword(of: credentials) } catch {
            return fail(LinkFailure(cause: .auth, reason: "\(error)"))
        }
        if let password { relay.secrets.add(password) }
        machine.mask = relay.secrets
        if let endpoint = place?.endpoint {
            if let greetedEndpoint, greetedEndpoint != endpoint {
                machine.forgetServer()
                reconsiderServer()
            }
            greetedEndpoint = endpoint
        }
        reader = ReplyReader(limits: replyLimits, sink: sink)
        timer?.stop()
        pingSentAt = Clock.monotonicNanoseconds()
        let steps = machine.connected(now: relay.now, secret: password, triesSize: trialSize != nil)
        write(steps.map { words(for: $0, password: password) })
    }

    /// How a step of the greeting is asked.
    func words(for step: LinkMachine.GreetingStep, password: String? = nil) -> [String] {
        let client = relay.configuration.redis.clientName
        return switch step {
        case .auth: ["AUTH"] + login(with: password ?? "")
        case .setName: ["CLIENT", "SETNAME", "\(client)-\(name)-\(relay.hub.identity.id.prefix(8))"]
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

    /// Writes a command that is not for the gathered output of a turn.
    func write(_ arguments: [String]) {
        CommandFormatter.format(arguments) { write($0) }
    }

    /// Writes several at once, so that the server finds them together.
    func write(_ commands: [[String]]) {
        var bytes: [UInt8] = []
        for command in commands { CommandFormatter.format(command) { bytes.append(contentsOf: $0) } }
        bytes.withUnsafeBytes { write($0) }
    }

    func write(_ command: UnsafeRawBufferPointer) {
        relay.hub.counters.bytesToRedis += UInt64(command.count)
        stream?.send(command)
    }

    /// A reply while the greeting is under way.
    func greeted(_ value: RedisValue) {
        var action = machine.greeted(LinkMachine.Reply(value, to: machine.greeting.awaited), now: relay.now)
        if case .fail(var failure) = action, failure.isOfLogin {
            failure.reason += " (\(credentials.tried(settings: settingsName)))"
            action = .fail(failure)
        }
        perform(action)
    }

    /// The connection is over, or could not be had. Does nothing when there is none.
    func fail(_ failure: LinkFailure) {
        let failure = failure.shown(by: relay.secrets)
        let wasEstablished = isEstablished
        let unsent = stream?.unsentPlaintext ?? 0
        let isMidReply = (reader?.pendingBytes ?? 0) > 0
        if case .waiting(let until) = machine.phase, until > 0 { return }
        reader?.stop()
        reader = nil
        // What was in flight is told as unknown. The less of it still arrives, after what is published next, the better.
        if failure.cause == .stopping { stream?.finish() } else { stream?.reset() }
        stream = nil
        abandonAttempt()
        if case .greeting = machine.phase, failure.cause == .closed || failure.cause == .timeout,
            let step = machine.greeting.awaited
        {
            greetingBroken(at: step, failure.cause)
        }
        machine.failed(failure, now: relay.now, isMidReply: isMidReply, using: &random)
        // Of an attempt that tried several servers, one failure is told.
        if let last = machine.lastFailure, last.cause == failure.cause, last.reason.hasPrefix(failure.reason) {
            failedAddress = address
        }
        if wasEstablished { lost(failure, unsent: unsent) }
        perform(.none)
        failed(failure, wasEstablished: wasEstablished)
    }

    /// What people may see of an error of the server.
    func shown(_ text: String) -> String {
        let secrets = relay.secrets
        if text != lastShown.text || secrets.version != lastShown.version {
            lastShown = (text, secrets.shown(text), secrets.version)
        }
        return lastShown.shown
    }

    // MARK: Events

    /// Called several times per heartbeat interval.
    func tick() {
        perform(machine.tick(now: relay.now, debt: debt, unfinished: reader?.pendingBytes ?? 0))
    }

    /// Our own loop stood still for so many nanoseconds: that was not Redis's silence.
    func forgive(_ nanoseconds: UInt64) {
        machine.forgive(nanoseconds, now: relay.now)
        perform(.none)
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        machine.heard(now: loop.now)
        hub.counters.bytesFromRedis += UInt64(bytes.count)
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

extension RedisConfiguration.Credentials {
    /// Who has been turned away, for whoever mends it: without names and secrets.
    /// - Parameter settings: what the names of the settings begin with.
    fileprivate func tried(settings: String) -> String {
        guard password != nil || passwordFile != nil else { return "no password is set: --\(settings)-password-file" }
        let user = username == nil ? "the default user" : "the user that is set"
        return "tried: \(user), with the password \(passwordFile.map { "in \($0)" } ?? "that is set")"
    }
}

extension LinkMachine.Reply {
    init(_ value: RedisValue) {
        switch value {
        case .error(let text): self = .error(text)
        case .status(let text): self = .status(text)
        case .bulk(let bytes): self = .text(String(decoding: bytes, as: UTF8.self))
        case .array(let elements):
            guard case .bulk(let bytes)? = elements.first else {
                self = .other
                return
            }
            self = .role(String(decoding: bytes, as: UTF8.self))
        case .integer(let number): self = .number(number)
        case .nilValue: self = .nothing
        }
    }

    /// - Parameter step: what it is a reply to.
    init(_ value: RedisValue, to step: LinkMachine.GreetingStep?) {
        guard let step, case .array(let elements) = value else {
            self.init(value)
            return
        }
        if step == .user {
            self = .user(channels: Self.channels(in: elements))
        } else if let name = step.setting {
            self = Self.setting(name, in: elements)
        } else {
            self.init(value)
        }
    }

    private static func setting(_ name: String, in elements: [RedisValue]) -> Self {
        guard elements.count == 2, elements[0] == .bulk(Array(name.utf8)), case .bulk(let value) = elements[1] else {
            return .other
        }
        return .setting(String(decoding: value, as: UTF8.self))
    }

    /// The patterns of channels in an answer to ACL GETUSER, those of selectors included; nil when it tells of none. Redis
    /// 6.2 lists them, later ones write them in one string, each with an `&` before it.
    private static func channels(in fields: [RedisValue]) -> [String]? {
        var patterns: [String]?
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            guard case .bulk(let name) = fields[index] else { continue }
            switch (String(decoding: name, as: UTF8.self), fields[index + 1]) {
            case ("channels", .bulk(let text)):
                let words = String(decoding: text, as: UTF8.self).split(separator: " ")
                patterns = (patterns ?? []) + words.map { String($0.first == "&" ? $0.dropFirst() : $0) }
            case ("channels", .array(let words)):
                patterns = patterns ?? []
                for case .bulk(let word) in words { patterns?.append(String(decoding: word, as: UTF8.self)) }
            case ("selectors", .array(let selectors)):
                for case .array(let selector) in selectors {
                    if let more = channels(in: selector) { patterns = (patterns ?? []) + more }
                }
            default: break
            }
        }
        return patterns
    }
}
