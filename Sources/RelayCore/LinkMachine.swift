/// The life of one link to Redis, without the socket: times and events in, actions out.
///
///     waiting ──► resolving ──► connecting ──► securing ──► greeting ──► established
///        ▲            │             │  ▲           │            │             │
///        │            │             └──┘ next      │            │             │
///        └────────────┴────── failure ──┴──────────┴────────────┴─────────────┘    the wait depends on the cause, see
///                                                                                  Backoff
/// *Resolving* is done anew for each attempt, and every address that it gives is tried in turn, also when the server
/// there is none that can be used, a replica for one; when resolving fails, the address that worked last is tried.
/// *Securing* is the TLS handshake, where there is one. *Greeting* is what is asked before the link is used: AUTH, the
/// name for CLIENT LIST, ROLE, in a cluster CLUSTER INFO, PING. They are written at once, and their replies come in order. What an established link
/// is used for is the business of the hub, or of the sentinels' view; what the two links of a node are worth together is
/// `NodeMachine`'s.
package struct LinkMachine: Sendable {
    /// One of the places that an attempt may try.
    package enum Target: Sendable, Equatable {
        /// The address with this index in what resolving gave.
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

    package enum GreetingStep: String, Sendable, Equatable {
        case auth = "AUTH"
        case setName = "CLIENT SETNAME"
        case role = "ROLE"
        case clusterInfo = "CLUSTER INFO"
        case ping = "PING"
        /// A PING as well, which also tells whether the server repeats its argument.
        case token = "PING with an argument"

        /// Whether a reply can be one to this, now or later in the link's life.
        package func accepts(_ reply: Reply) -> Bool {
            switch (self, reply) {
            case (_, .error), (.role, .role), (.auth, .status), (.setName, .status), (.ping, .status): true
            case (.clusterInfo, .text), (.token, .status), (.token, .text(PingToken.ofGreeting)): true
            default: false
            }
        }
    }

    /// A reply, as far as a link cares.
    package enum Reply: Sendable, Equatable {
        case error(String)
        case status(String)
        /// The first element of an answer to ROLE.
        case role(String)
        /// A string, such as the answer to CLUSTER INFO.
        case text(String)
        case other

        package var isStatus: Bool { if case .status = self { true } else { false } }
    }

    package enum Action: Equatable, Sendable {
        case none
        /// Look the host up, then call `resolved` or `locatingFailed`. What an attempt before it had under way ends.
        case resolve
        /// Resolving has taken its time: call `resolved` with what there is, or `locatingFailed`.
        case resolvingTimedOut
        /// The TLS handshake has taken its time: the link fails.
        case securingTimedOut
        /// Connect, then call `connected` or `connectingFailed`. What the attempt had under way before it is over: what
        /// still comes of it is ignored.
        case connect(Target)
        case ping
        case established
        case fail(LinkFailure)
    }

    package struct Timings: Sendable {
        /// All in nanoseconds.
        package var heartbeatInterval: UInt64
        package var linkTimeout: UInt64
        /// For resolving, for each address, and for each TLS handshake.
        package var connectTimeout: UInt64

        package init(heartbeatInterval: UInt64, linkTimeout: UInt64, connectTimeout: UInt64) {
            (self.heartbeatInterval, self.linkTimeout) = (heartbeatInterval, linkTimeout)
            self.connectTimeout = connectTimeout
        }
    }

    /// Something that the server does not let the relay ask, and that it does without.
    package struct Fallback: Sendable, Equatable {
        package var step: GreetingStep
        /// The server's words, as people may see them.
        package var text: String
    }

    package private(set) var phase = Phase.waiting(until: 0)
    /// Why the link is not up; nil while it is.
    package private(set) var lastFailure: LinkFailure?
    /// The server repeats what a PING names.
    package private(set) var repeatsTokens = false
    /// What the server refused in the last greeting.
    package private(set) var fallbacks: [Fallback] = []
    private var targets: ArraySlice<Target> = []
    /// Why the last of an attempt's targets was no good.
    private var attemptFailure = LinkFailure(cause: .unreachable, reason: "no address")
    /// The failure of the attempt under way that says most: of several servers one may refuse the password, and the next
    /// one be away.
    private var gravest: LinkFailure?
    private var hasLastGood = false
    private var steps: [GreetingStep] = []
    /// Keeps passwords out of what the server says, as long as the link lives: it may quote much later what it was sent.
    package var mask = SecretMask()
    /// Why the server did not take the password, if it may do without one.
    private var loginRefusal: LinkFailure?
    private var backoff: Backoff
    private let timings: Timings
    private let expectedServer: ServerKind
    /// Whether the greeting asks if the server repeats what a PING names.
    private let usesTokens: Bool
    /// Attempts that have failed since the link was last established.
    package private(set) var failedAttempts = 0
    private var clock: AnswerClock
    /// The deadline had passed at the last tick; the loop has looked at the socket since.
    private var isSuspect = false
    private var establishedAt: UInt64 = 0

    /// - Parameter evidence: what says that the other end lives.
    package init(
        timings: Timings, backoff: Backoff, expects server: ServerKind = .redis,
        evidence: AnswerClock.Evidence = .bytes, usesTokens: Bool = false
    ) {
        (self.timings, self.backoff, expectedServer) = (timings, backoff, server)
        self.usesTokens = usesTokens
        clock = AnswerClock(timeout: timings.linkTimeout, evidence: evidence)
    }

    // MARK: Attempts

    /// When `wake` is due, if nothing comes before; nil while the heartbeat alone decides.
    package var wakesAt: UInt64? {
        switch phase {
        case .waiting(let until), .resolving(let until), .connecting(_, let until), .securing(let until): until
        case .greeting, .established: nil
        }
    }

    /// A wait is over, or resolving or connecting has taken too long.
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

    /// There is news about the server: a wait for the next attempt is over, and that begins with looking the server up.
    package mutating func hasten(now: UInt64) {
        guard case .waiting(let until) = phase else { return }
        phase = .waiting(until: min(until, now))
        targets = []
    }

    /// The address of the last connection is not to be tried any more.
    package mutating func forgetLastGood() { hasLastGood = false }

    /// The host has so many addresses.
    package mutating func resolved(count: Int, now: UInt64) -> Action {
        guard case .resolving = phase else { return .none }
        targets = (0..<count).map(Target.found)[...]
        return tryNext(now: now)
    }

    /// Where the server is cannot be known now, or its addresses cannot be had.
    package mutating func locatingFailed(_ failure: LinkFailure, now: UInt64) -> Action {
        guard case .resolving = phase else { return .none }
        attemptFailure = failure
        targets = hasLastGood ? [.lastGood] : []
        return tryNext(now: now)
    }

    /// The target under way is no good.
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
    /// - Parameter secret: the password, if there is one; it is kept out of everything that the server says.
    /// - Returns: what to ask, in this order.
    package mutating func connected(now: UInt64, secret: String?) -> [GreetingStep] {
        if let secret { mask.add(secret) }
        loginRefusal = nil
        steps = (secret == nil ? [] : [.auth]) + [.setName, .role]
        steps += expectedServer.isOfCluster ? [.clusterInfo] : []
        steps.append(usesTokens ? .token : .ping)
        repeatsTokens = false
        phase = .greeting
        fallbacks = []
        clock.begin(now: now)
        isSuspect = false
        return steps
    }

    /// The next reply of the greeting.
    package mutating func greeted(_ reply: Reply, now: UInt64) -> Action {
        guard phase == .greeting, !steps.isEmpty else { return .none }
        let step = steps.removeFirst()
        clock.answered(now: now)
        guard step.accepts(reply) else {
            return .fail(
                LinkFailure(cause: .malformedReply, reason: "Redis: an answer to \(step.rawValue) that is none"))
        }
        switch reply {
        case .error(let text):
            if let failure = failure(error: text, at: step) { return .fail(failure.shown(by: mask)) }
            switch step {
            case .auth: loginRefusal = LinkFailure.classify(error: text, isAuth: true)
            case .ping: break
            case .setName, .role, .clusterInfo, .token: fallbacks.append(Fallback(step: step, text: mask.shown(text)))
            }
        case .role(let role):
            if let failure = LinkFailure.classify(role: role, expected: expectedServer) { return .fail(failure) }
        case .text where step == .token: repeatsTokens = true
        case .status(let text) where step == .token:
            fallbacks.append(Fallback(step: step, text: "the answer is \(mask.shown(text)), without it"))
        case .text(let text):
            if let failure = LinkFailure.classify(clusterInfo: text) { return .fail(failure) }
        case .status, .other: break
        }
        guard steps.isEmpty else { return .none }
        phase = .established
        targets = []
        establishedAt = now
        lastFailure = nil
        failedAttempts = 0
        hasLastGood = true
        return .established
    }

    /// What an error means for the link; nil when it can do without.
    ///
    /// A sentinel is commonly given the password of the servers that it watches, and has none itself. In which words it
    /// says so, if it knows AUTH at all, depends on its age; but one that wants a password refuses what comes after it.
    private func failure(error text: String, at step: GreetingStep) -> LinkFailure? {
        if step == .clusterInfo, let failure = LinkFailure.classify(clusterError: text) { return failure }
        let failure = LinkFailure.classify(error: text, isAuth: step == .auth)
        guard expectedServer == .sentinel, failure?.cause == .auth else { return failure }
        if step == .auth { return nil }
        return loginRefusal ?? failure
    }

    /// The link is gone, or could not be had.
    package mutating func failed(_ failure: LinkFailure, now: UInt64, using random: inout some RandomNumberGenerator) {
        steps = []
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
        if let gravest, gravest.gravity > failure.gravity { return }
        gravest = failure
    }

    /// A server has been reached, and is not used yet.
    private var isMidAttempt: Bool {
        switch phase {
        case .securing, .greeting: true
        case .waiting, .resolving, .connecting, .established: false
        }
    }

    // MARK: Heartbeat

    /// Bytes have come.
    package mutating func heard(now: UInt64) { clock.heard(now: now) }

    /// Called several times per heartbeat interval.
    /// - Parameters:
    ///   - debt: what has been asked and answered since the greeting.
    ///   - unfinished: bytes that have come of a reply that is not complete.
    package mutating func tick(now: UInt64, debt: LinkDebt, unfinished: Int = 0) -> Action {
        guard phase == .greeting || phase == .established else { return .none }
        // Redis that takes connections and drops them at once would be tried ever again without a wait, if the first
        // success of many ended the backoff.
        if phase == .established, now &- establishedAt > timings.linkTimeout { backoff.reset() }
        let isGreeting = phase == .greeting
        let verdict = clock.look(at: debt, unfinished: unfinished, isGreeting: isGreeting, now: now)
        guard verdict == .alive else {
            // The socket may hold an answer that this loop had no time to read: look once more.
            defer { isSuspect = true }
            return isSuspect ? .fail(failure(verdict)) : .none
        }
        isSuspect = false
        guard !isGreeting else { return .none }
        return clock.isPingDue(after: timings.heartbeatInterval, isOwed: debt.isOwed, now: now) ? .ping : .none
    }

    private func failure(_ verdict: AnswerClock.Verdict) -> LinkFailure {
        let milliseconds = timings.linkTimeout / 1_000_000
        let reason =
            verdict == .silent
            ? "no answer for \(milliseconds) ms"
            : "no answer for over \(milliseconds * AnswerClock.longestAnswer) ms to something that was asked, "
                + "though other replies come"
        return LinkFailure(cause: .timeout, reason: reason)
    }

    /// Whether something has been unanswered, and nothing has said that the other end lives, for so many nanoseconds.
    package func isSilent(for nanoseconds: UInt64, now: UInt64) -> Bool {
        phase == .established && clock.isSilent(for: nanoseconds, now: now)
    }

    /// Our own loop stood still for so many nanoseconds: they count for no deadline. Only they: a loop that stands still
    /// again and again would otherwise never find out anything. And a deadline that was set only afterwards, before this
    /// was called, is as late as one can be.
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
