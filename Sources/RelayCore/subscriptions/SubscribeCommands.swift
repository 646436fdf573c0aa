internal import RESP

/// A command on the subscribe link that Redis has not fully answered.
struct SubscribeCommand {
    enum Kind {
        case names(SubscribeVerb)
        /// The subscription to the relay's own probe channel.
        case probe
        case ping

        var isPing: Bool { if case .ping = self { true } else { false } }
        var verb: SubscribeVerb? { if case .names(let verb) = self { verb } else { nil } }
    }
    var kind: Kind
    var count: Int
    var remaining: Int
}

/// The commands of a subscribe link that Redis has not fully answered, in the order of their answers. They are counted,
/// to know how long the oldest has waited.
struct SubscribeCommands: ~Copyable {
    private var ring = Ring<SubscribeCommand>()
    private(set) var debt = LinkDebt()

    var isEmpty: Bool { ring.isEmpty }
    var first: SubscribeCommand? { ring.first }

    mutating func append(_ command: SubscribeCommand) {
        ring.append(command)
        debt.asked += 1
    }

    /// Removes the oldest command, which has its last answer.
    mutating func popFirst() -> SubscribeCommand? {
        guard let command = ring.popFirst() else { return nil }
        debt.answered += 1
        debt.answers += 1
        return command
    }

    /// One name of the oldest command has its answer; there must be one.
    mutating func nameAnswered() {
        ring.updateFirst { $0.remaining -= 1 }
        debt.answers += 1
        if ring.first?.remaining == 0 { _ = popFirst() }
    }

    /// The link is gone.
    mutating func removeAll() {
        ring.removeAll()
        debt = LinkDebt(asked: debt.asked, answered: debt.asked, answers: debt.answers)
    }
}
