/// When the publish link asks whether its server is still a master. A demoted one answers PUBLISH and keeps its
/// subscribers connected, so nothing else would tell.
package struct RoleCheck: Sendable {
    /// Nanoseconds, spread by 20 % either way.
    private let interval: UInt64
    private var due: UInt64?
    /// Why the server is not asked: it does not know ROLE, or an ACL denies it.
    package private(set) var unavailable: String?

    package init(interval: UInt64) { self.interval = interval }

    /// The greeting of the publish link has asked already, and this is what was refused of it.
    package mutating func begin(unavailable: String?, now: UInt64, using random: inout some RandomNumberGenerator) {
        self.unavailable = unavailable
        answered(now: now, using: &random)
        if unavailable != nil { due = .max }
    }

    /// The publish link is gone.
    package mutating func end() { due = nil }

    /// There is cause for suspicion: it is asked at the next tick.
    package mutating func demand() { if due != nil, unavailable == nil { due = 0 } }

    /// A server that did not say what it is may do so by now: it is asked once more.
    package mutating func askAgain() { if due != nil { due = 0 } }

    /// - Returns: whether to ask now. It is not asked again before the answer, for which the link has a deadline.
    package mutating func tick(now: UInt64) -> Bool {
        guard let due, now >= due else { return false }
        self.due = .max
        return true
    }

    /// It was due, but there was no room for the command.
    package mutating func notAsked() { if due != nil { due = 0 } }

    /// The server is a master, as far as it says.
    package mutating func answered(now: UInt64, using random: inout some RandomNumberGenerator) {
        due = now + UInt64.random(in: (interval - interval / 5)...(interval + interval / 5), using: &random)
    }

    /// The server does not say what it is.
    package mutating func refused(_ text: String) {
        unavailable = text
        if due != nil { due = .max }
    }

    /// It does say so by now.
    package mutating func granted() { unavailable = nil }
}
