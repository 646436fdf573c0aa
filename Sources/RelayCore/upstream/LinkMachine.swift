/// The life of one link to Redis, without the socket: times and events in, actions out.
///
///     waiting ──► resolving ──► connecting ──► securing ──► greeting ──► established
///        ▲            │             │  ▲           │            │             │
///        │            │             └──┘ next      │            │             │
///        └────────────┴────── failure ──┴──────────┴────────────┴─────────────┘    the wait depends on the cause, see
///                                                                                  Backoff
/// *Resolving* is done for each attempt. Every address that it gives is tried in turn, also if the server at one
/// address cannot be used (it is a replica, for example). If resolving fails, the address that worked last is tried.
/// *Securing* is the TLS handshake, if TLS is used. *Greeting* is what is asked before the link is used: see
/// `LinkGreeting`. The hub, or the view of the sentinels or the cluster, decides what an established link is used for.
/// `NodeMachine` decides what the two links of a node can do together.
package struct LinkMachine: Sendable {
    /// One of the places that an attempt may try.
    package enum Target: Sendable, Equatable {
        /// The address with this index in the result of resolving.
        case found(Int)
        /// The address of the last connection that Redis greeted.
        case lastGood
    }

    package enum Phase: Sendable, Equatable {
        case waiting(until: UInt64)
        case resolving(until: UInt64)
        case connecting(Target, until: UInt64)
        /// The TLS handshake is under way.
        case securing(until: UInt64)
        case greeting
        case established
    }

    package enum Action: Equatable, Sendable {
        case none
        /// Look the host up, then call `resolved` or `locatingFailed`. Whatever an earlier attempt was doing ends.
        case resolve
        /// Resolving has taken too long: call `resolved` with the addresses found so far, or `locatingFailed`.
        case resolvingTimedOut
        /// The TLS handshake has taken too long: the link fails.
        case securingTimedOut
        /// Connect, then call `connected` or `connectingFailed`. Whatever the attempt was doing before ends, and its
        /// later results are ignored.
        case connect(Target)
        case ping
        /// The greeting goes on with these steps.
        case ask([GreetingStep])
        case established
        case fail(LinkFailure)
    }

    package struct Timings: Sendable {
        /// All timings are in nanoseconds.
        package var heartbeatInterval: UInt64
        package var linkTimeout: UInt64
        /// The time for resolving, for each address, and for each TLS handshake.
        package var connectTimeout: UInt64

        package init(heartbeatInterval: UInt64, linkTimeout: UInt64, connectTimeout: UInt64) {
            (self.heartbeatInterval, self.linkTimeout) = (heartbeatInterval, linkTimeout)
            self.connectTimeout = connectTimeout
        }
    }

    package private(set) var phase = Phase.waiting(until: 0)
    /// Why the link is not up; nil while it is up.
    package private(set) var lastFailure: LinkFailure?
    package private(set) var greeting: LinkGreeting
    /// What the server refused in the last greeting.
    package var fallbacks: [Fallback] { greeting.fallbacks }
    private var targets: ArraySlice<Target> = []
    /// Why the last of an attempt's targets failed.
    private var attemptFailure = LinkFailure(cause: .unreachable, reason: "no address")
    /// The most important failure of the current attempt: of several servers, one may refuse the password, and the next
    /// one may be unreachable.
    private var gravest: LinkFailure?
    private var hasLastGood = false
    /// Masks passwords in what the server says, as long as the link lives: the server may quote much later what was
    /// sent to it.
    package var mask: SecretMask {
        get { greeting.mask }
        set { greeting.mask = newValue }
    }
    private var backoff: Backoff
    private let timings: Timings
    /// Attempts that have failed since the link was last established.
    package private(set) var failedAttempts = 0
    private var clock: AnswerClock
    /// How long the server, or something on the way to it, allows the link to be silent.
    private var idleLimit: IdleLimit
    /// The deadline had passed at the last tick. The loop has read the socket since then.
    private var isSuspect = false
    private var establishedAt: UInt64 = 0

    /// - Parameters:
    ///   - evidence: what counts as a sign that the peer lives.
    ///   - usesTokens: whether the greeting checks if the server repeats the argument of a PING.
    ///   - prefix: what all channels begin with, for a link that publishes; nil for other links.
    package init(
        timings: Timings, backoff: Backoff, expects server: ServerKind = .redis,
        evidence: AnswerClock.Evidence = .bytes, usesTokens: Bool = false, publishesUnder prefix: [UInt8]? = nil
    ) {
        (self.timings, self.backoff) = (timings, backoff)
        greeting = LinkGreeting(server: server, usesTokens: usesTokens, publishesUnder: prefix)
        clock = AnswerClock(timeout: timings.linkTimeout, evidence: evidence)
        idleLimit = IdleLimit(heartbeat: timings.heartbeatInterval)
    }

    // MARK: Attempts

    /// When `wake` is due, if nothing happens before; nil while only `tick` finds timeouts.
    package var wakesAt: UInt64? {
        switch phase {
        case .waiting(let until), .resolving(let until), .connecting(_, let until), .securing(let until): until
        case .greeting, .established: nil
        }
    }

    /// A wait is over, or a step of an attempt has taken too long.
    package mutating func wake(now: UInt64) -> Action {
        guard let due = wakesAt, now >= due else { return .none }
        switch phase {
        case .waiting:
            guard targets.isEmpty else { return tryNext(now: now) }
            phase = .resolving(until: now + timings.connectTimeout)
            gravest = nil
            return .resolve
        case .resolving: return .resolvingTimedOut
        case .connecting: return connectingFailed("timed out", now: now)
        case .securing: return .securingTimedOut
        case .greeting, .established: return .none
        }
    }

    /// There is news about the server: a link that waits begins its next attempt now, with resolving.
    package mutating func hasten(now: UInt64) {
        guard case .waiting(let until) = phase else { return }
        phase = .waiting(until: min(until, now))
        targets = []
    }

    /// The server may support more by now: the next greeting asks again for what was refused.
    package mutating func reconsiderServer() { greeting.forget() }

    /// The server is another one than before: what was found out about the old one is forgotten.
    package mutating func forgetServer() {
        greeting.forget()
        idleLimit = IdleLimit(heartbeat: timings.heartbeatInterval)
    }

    /// The server now does what it refused in the greeting.
    package mutating func granted(_ step: GreetingStep) { greeting.granted(step) }

    /// The address of the last connection must not be tried any more.
    package mutating func forgetLastGood() { hasLastGood = false }

    /// Resolving has found `count` addresses.
    package mutating func resolved(count: Int, now: UInt64) -> Action {
        guard case .resolving = phase else { return .none }
        targets = (0..<count).map(Target.found)[...]
        return tryNext(now: now)
    }

    /// It is not known now where the server is, or its host could not be resolved.
    package mutating func locatingFailed(_ failure: LinkFailure, now: UInt64) -> Action {
        guard case .resolving = phase else { return .none }
        attemptFailure = failure
        targets = hasLastGood ? [.lastGood] : []
        return tryNext(now: now)
    }

    /// The current target cannot be connected to.
    package mutating func connectingFailed(_ reason: String, now: UInt64) -> Action {
        guard case .connecting = phase else { return .none }
        attemptFailure = LinkFailure(cause: .unreachable, reason: "connecting: \(reason)")
        note(attemptFailure)
        return tryNext(now: now)
    }

    private mutating func tryNext(now: UInt64) -> Action {
        guard let target = targets.popFirst() else { return .fail(attemptFailure) }
        phase = .connecting(target, until: now + timings.connectTimeout)
        return .connect(target)
    }

    /// The socket is connected, and the TLS handshake begins.
    package mutating func securing(now: UInt64) { phase = .securing(until: now + timings.connectTimeout) }

    /// The connection can carry commands.
    /// - Parameter secret: the password, if there is one; it is masked in everything that the server says.
    /// - Parameter triesSize: whether the greeting ends with a large command.
    /// - Returns: what to ask, in this order.
    package mutating func connected(now: UInt64, secret: String?, triesSize: Bool = false) -> [GreetingStep] {
        phase = .greeting
        let steps = greeting.begin(secret: secret, triesSize: triesSize)
        clock.begin(now: now)
        isSuspect = false
        return steps
    }

    /// The next reply of the greeting.
    package mutating func greeted(_ reply: Reply, now: UInt64) -> Action {
        guard phase == .greeting else { return .none }
        clock.answered(now: now)
        switch greeting.answered(reply) {
        case .none: return .none
        case .ask(let steps): return .ask(steps)
        case .fail(let failure): return .fail(failure)
        case .done: break
        }
        if let failure = greeting.failureOfChannels { return .fail(failure) }
        phase = .established
        idleLimit.established(told: greeting.settings[.idleLimit])
        targets = []
        establishedAt = now
        lastFailure = nil
        failedAttempts = 0
        hasLastGood = true
        return .established
    }

    /// The link has ended, or could not be made.
    /// - Parameter isMidReply: whether a part of a reply had come.
    package mutating func failed(
        _ failure: LinkFailure, now: UInt64, isMidReply: Bool = false, using random: inout some RandomNumberGenerator
    ) {
        var failure = failure
        if phase == .greeting { greeting.broken(failure, isMidReply: isMidReply) }
        if phase == .established, failure.cause == .closed {
            failure.reason += idleLimit.closed(after: clock.silence(now: now)) ?? ""
        } else {
            idleLimit.failed()
        }
        if isMidAttempt, !targets.isEmpty {
            // The attempt is not over: the host has other addresses.
            note(failure)
            phase = .waiting(until: now)
            return
        }
        if phase != .established { note(failure) }
        let told = phase == .established ? failure : gravest ?? failure
        targets = []
        failedAttempts += 1
        lastFailure = told
        phase = .waiting(until: now + backoff.next(afterRefusal: told.isRefusal, using: &random))
    }

    private mutating func note(_ failure: LinkFailure) {
        if let gravest, gravest.cause.gravity > failure.cause.gravity { return }
        gravest = failure
    }

    /// Whether a server has been reached but is not used yet.
    private var isMidAttempt: Bool {
        switch phase {
        case .securing, .greeting: true
        case .waiting, .resolving, .connecting, .established: false
        }
    }

    // MARK: Heartbeat

    /// Nanoseconds of silence after which a PING is sent. They are fewer than configured if connections that are silent
    /// for so long get closed.
    package var heartbeat: UInt64 { idleLimit.heartbeat }
    /// Whether the server repeats the argument of a PING.
    package var repeatsTokens: Bool { greeting.repeatsTokens }

    /// Bytes have come.
    package mutating func heard(now: UInt64) { clock.heard(now: now) }

    /// Called several times per heartbeat interval.
    /// - Parameters:
    ///   - debt: what has been asked and answered since the greeting.
    ///   - unfinished: bytes that have come of an incomplete reply.
    package mutating func tick(now: UInt64, debt: LinkDebt, unfinished: Int = 0) -> Action {
        guard phase == .greeting || phase == .established else { return .none }
        // A server that accepts connections and drops them at once would be tried again and again without a wait if
        // each success ended the backoff.
        if phase == .established, now &- establishedAt > timings.linkTimeout { backoff.reset() }
        let isGreeting = phase == .greeting
        let verdict = clock.look(at: debt, unfinished: unfinished, isGreeting: isGreeting, now: now)
        guard verdict == .alive else {
            // The socket may hold an answer that the loop had no time to read: the link fails only at the next tick.
            defer { isSuspect = true }
            return isSuspect ? .fail(failure(verdict)) : .none
        }
        isSuspect = false
        guard !isGreeting else { return .none }
        return clock.isPingDue(after: idleLimit.heartbeat, isOwed: debt.isOwed, now: now) ? .ping : .none
    }

    private func failure(_ verdict: AnswerClock.Verdict) -> LinkFailure {
        let milliseconds = timings.linkTimeout / 1_000_000
        let reason =
            verdict == .silent
            ? "no answer for \(milliseconds) ms"
            : "no answer for over \(milliseconds * AnswerClock.longestAnswer) ms to a command, "
                + "though other replies arrive"
        return LinkFailure(cause: .timeout, reason: reason)
    }

    /// Whether something has been unanswered for so many nanoseconds, and in this time nothing showed that the peer
    /// lives.
    package func isSilent(for nanoseconds: UInt64, now: UInt64) -> Bool {
        phase == .established && clock.isSilent(for: nanoseconds, now: now)
    }

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout. Deadlines move by this time only,
    /// since a loop that stops again and again must still find out failures. A deadline that was set after the loop
    /// went on, but before this call, moves to no more than the full timeout from now.
    package mutating func forgive(_ nanoseconds: UInt64, now: UInt64) {
        clock.forgive(nanoseconds, now: now)
        func later(_ until: UInt64) -> UInt64 { min(now + timings.connectTimeout, until + nanoseconds) }
        switch phase {
        case .resolving(let until): phase = .resolving(until: later(until))
        case .connecting(let target, let until): phase = .connecting(target, until: later(until))
        case .securing(let until): phase = .securing(until: later(until))
        case .waiting, .greeting, .established: break
        }
    }
}
