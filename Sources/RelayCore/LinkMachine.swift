/// The life of one link to Redis, without the socket: times and events in, actions out.
///
///     waiting ──► connecting ──► greeting ──► established
///        ▲            │             │             │
///        └────────────┴── failure ──┴─────────────┘      the wait depends on the cause, see Backoff
///
/// *Greeting* is what is asked before the link is used: AUTH, the name for CLIENT LIST, ROLE, PING. They are written
/// at once, and their replies come in order.
package struct LinkMachine: Sendable {
    package enum Phase: Sendable, Equatable {
        case waiting(until: UInt64)
        case connecting
        case greeting
        case established
    }

    package enum GreetingStep: Sendable, Equatable { case auth, setName, role, ping }

    /// A reply, as far as a link cares.
    package enum Reply: Sendable, Equatable {
        case error(String)
        /// The first element of an answer to ROLE.
        case role(String)
        case other
    }

    package enum Action: Equatable, Sendable {
        case none
        case connect
        case ping
        case established
        case fail(LinkFailure)
    }

    package struct Timings: Sendable {
        /// All in nanoseconds.
        package var heartbeatInterval: UInt64
        package var linkTimeout: UInt64
        package init(heartbeatInterval: UInt64, linkTimeout: UInt64) {
            (self.heartbeatInterval, self.linkTimeout) = (heartbeatInterval, linkTimeout)
        }
    }

    package private(set) var phase = Phase.waiting(until: 0)
    /// Why the link is not up; nil while it is.
    package private(set) var lastFailure: LinkFailure?
    private var steps: [GreetingStep] = []
    private var backoff: Backoff
    private let timings: Timings
    private var lastHeard: UInt64 = 0
    /// Since when something has been unanswered, or nil.
    private var owedSince: UInt64?
    /// The deadline had passed at the last tick; the loop has looked at the socket since.
    private var isSuspect = false
    private var establishedAt: UInt64 = 0

    package init(timings: Timings, backoff: Backoff) {
        (self.timings, self.backoff) = (timings, backoff)
    }

    /// A connection attempt has begun.
    package mutating func connecting() { phase = .connecting }

    /// The socket is connected.
    /// - Returns: what to ask, in this order.
    package mutating func connected(now: UInt64, authenticates: Bool) -> [GreetingStep] {
        steps = (authenticates ? [.auth] : []) + [.setName, .role, .ping]
        phase = .greeting
        (lastHeard, owedSince, isSuspect) = (now, now, false)
        return steps
    }

    /// The next reply of the greeting.
    package mutating func greeted(_ reply: Reply, now: UInt64) -> Action {
        guard phase == .greeting, !steps.isEmpty else { return .none }
        let step = steps.removeFirst()
        if case .error(let text) = reply, let failure = LinkFailure.classify(error: text, isAuth: step == .auth) {
            return .fail(failure)
        }
        if case .role(let role) = reply, step == .role, let failure = LinkFailure.classify(role: role) {
            return .fail(failure)
        }
        guard steps.isEmpty else { return .none }
        phase = .established
        establishedAt = now
        lastFailure = nil
        return .established
    }

    /// Bytes have come: whatever they say, the other end lives.
    package mutating func heard(now: UInt64) {
        lastHeard = now
        isSuspect = false
    }

    /// Called several times per heartbeat interval.
    /// - Parameter isOwed: whether a command is unanswered.
    package mutating func tick(now: UInt64, isOwed: Bool) -> Action {
        switch phase {
        case .waiting(let until): return now >= until ? .connect : .none
        case .connecting: return .none
        case .greeting, .established: break
        }
        if now &- establishedAt > max(timings.linkTimeout, 1), phase == .established { backoff.reset() }
        guard isOwed || phase == .greeting else {
            owedSince = nil
            return now - lastHeard >= timings.heartbeatInterval ? .ping : .none
        }
        let since = owedSince ?? now
        owedSince = since
        guard now - max(since, lastHeard) >= timings.linkTimeout else { return .none }
        guard isSuspect else {
            // The socket may hold an answer that this loop had no time to read: look once more.
            isSuspect = true
            return .none
        }
        return .fail(LinkFailure(cause: .timeout, reason: "no answer for \(timings.linkTimeout / 1_000_000) ms"))
    }

    /// Our own loop stood still: deadlines start anew.
    package mutating func forgive(now: UInt64) {
        lastHeard = max(lastHeard, now)
        isSuspect = false
    }

    /// The link is gone, or could not be had.
    package mutating func failed(_ failure: LinkFailure, now: UInt64, using random: inout some RandomNumberGenerator) {
        lastFailure = failure
        steps = []
        owedSince = nil
        phase = .waiting(until: now + backoff.next(afterRefusal: failure.isRefusal, using: &random))
    }
}

/// Why a link is not up.
package struct LinkFailure: Error, Equatable, Sendable {
    package var cause: Cause
    /// For people; names who failed and holds no secret.
    package var reason: String

    package init(cause: Cause, reason: String) { (self.cause, self.reason) = (cause, reason) }

    /// Trying again at once would get the same answer.
    var isRefusal: Bool { [.auth, .busy, .demoted, .tls].contains(cause) }

    /// What an error reply means for the link as a whole; nil when the link is of use all the same (MISCONF,
    /// MASTERDOWN, NOPERM and unknown commands say nothing about PUBLISH and SUBSCRIBE).
    package static func classify(error text: String, isAuth: Bool = false) -> LinkFailure? {
        let word = text.prefix { $0 != " " }
        switch word {
        case "NOAUTH", "WRONGPASS": return LinkFailure(cause: .auth, reason: "Redis: \(text)")
        case "LOADING", "BUSY": return LinkFailure(cause: .busy, reason: "Redis: \(text)")
        case "ERR" where text.hasPrefix("ERR max number of clients"):
            return LinkFailure(cause: .busy, reason: "Redis: \(text)")
        case "ERR" where isAuth && text.hasPrefix("ERR unknown command"):
            // The rest of the text would be what was sent.
            return LinkFailure(cause: .auth, reason: "Redis does not know AUTH")
        default: return isAuth ? LinkFailure(cause: .auth, reason: "Redis refused AUTH: \(text)") : nil
        }
    }

    /// A replica answers PUBLISH and keeps subscribers, but nobody else hears what is published on it.
    package static func classify(role: String) -> LinkFailure? {
        guard role == "slave" || role == "replica" else { return nil }
        return LinkFailure(cause: .demoted, reason: "Redis is a replica, not a master")
    }
}
