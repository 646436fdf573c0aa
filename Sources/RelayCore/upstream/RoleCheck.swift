/// When the publish link asks whether its server is still a master. A demoted master still answers PUBLISH and keeps
/// its subscribers connected, so nothing else would show it.
package struct RoleCheck: Sendable {
    /// Nanoseconds between two questions, spread by 20 % either way.
    private let interval: UInt64
    private var due: UInt64?
    /// Why the server is not asked: it does not know ROLE, or an ACL denies it. nil if it is asked.
    package private(set) var unavailable: String?

    package init(interval: UInt64) { self.interval = interval }

    /// The publish link is up, and its greeting has asked for the role already. `unavailable` is why the server
    /// refused, if it did.
    package mutating func begin(unavailable: String?, now: UInt64, using random: inout some RandomNumberGenerator) {
        self.unavailable = unavailable
        answered(now: now, using: &random)
        if unavailable != nil { due = .max }
    }

    /// The publish link is gone.
    package mutating func end() { due = nil }

    /// There is a reason for doubt: the server is asked at the next tick.
    package mutating func demand() { if due != nil, unavailable == nil { due = 0 } }

    /// Asks a server once more that has refused ROLE: it may answer by now.
    package mutating func askAgain() { if due != nil { due = 0 } }

    /// - Returns: whether to ask now. The next question comes only after the answer, for which the link has a timeout.
    package mutating func tick(now: UInt64) -> Bool {
        guard let due, now >= due else { return false }
        self.due = .max
        return true
    }

    /// The question was due, but there was no room for the command.
    package mutating func notAsked() { if due != nil { due = 0 } }

    /// The server is a master, as far as it says.
    package mutating func answered(now: UInt64, using random: inout some RandomNumberGenerator) {
        due = now + UInt64.random(in: (interval - interval / 5)...(interval + interval / 5), using: &random)
    }

    /// The server has refused ROLE.
    package mutating func refused(_ text: String) {
        unavailable = text
        if due != nil { due = .max }
    }

    /// The server answers ROLE by now.
    package mutating func granted() { unavailable = nil }
}
