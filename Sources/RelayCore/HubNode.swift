/// What the hub keeps for one Redis node: the publishes in flight on its publish link, and how far its subscribe link is
/// with its share of the names. A single Redis is one node, and every name is its share.
package final class HubNode {
    enum SubscribePhase {
        /// There is no subscribe link to tell anything.
        case detached
        /// Everything held is asked for again, and not everything has been answered.
        case restoring
        case live
    }

    /// The position in `Hub.nodes`.
    package let index: Int
    package let publishes = PublishQueue()
    /// Whether publishes of apps may go this way; set by the I/O layer together with the status.
    package var isPublishing = false

    var phase = SubscribePhase.detached
    /// Commands that Redis has not fully answered, in the order in which it will.
    var commands = Ring<SubscribeCommand>()
    /// The names in them.
    var unconfirmedNames = Ring<UInt32>()
    /// Names about which Redis is to be told something.
    var queuedNames = Ring<UInt32>()
    /// Names of commands that Redis refused as a whole, to be asked again in smaller ones.
    var refusedBatches = Ring<[UInt32]>()
    /// PINGs written to the subscribe link, and those of them that have an answer. Both begin anew with each link.
    package private(set) var pingsSent = 0
    package internal(set) var pingsAnswered = 0
    /// Names held when the restore began that have no answer yet.
    var restoreRemaining = 0
    /// Requests that came during the restore and are not answered before its end.
    private(set) var waitingForLive: [NameOperation] = []
    private var sweepAt = 1024
    /// Whether the node, once it is restored, will be receiving in a moment. If not (what is wanting is a probe, and the
    /// publish link is away), requests are not kept waiting for it. Set by the I/O layer together with the status.
    package var isLiveExpected = true

    init(index: Int) { self.index = index }

    /// Whether every name that was held when the restore under way began has Redis's answer.
    package var isRestored: Bool { phase == .restoring && restoreRemaining == 0 }

    /// Whether `Hub.nextSubscribeCommand` has anything to give.
    package var hasSubscribeCommands: Bool { !queuedNames.isEmpty || !refusedBatches.isEmpty }

    /// Whether Redis owes the subscribe link an answer.
    package var isSubscribeReplyOwed: Bool { !commands.isEmpty }

    func awaitLive(_ operation: NameOperation) {
        waitingForLive.append(operation)
        guard waitingForLive.count >= sweepAt else { return }
        waitingForLive.removeAll(where: \.isDone)
        sweepAt = max(1024, 2 * waitingForLive.count)
    }

    func takeWaitingForLive() -> [NameOperation] {
        defer { waitingForLive = [] }
        return waitingForLive
    }

    /// A PING is about to be written to the subscribe link.
    package func sentPing() {
        commands.append(.init(kind: .ping, count: 1, remaining: 1))
        pingsSent += 1
    }

    /// The subscribe link is gone, and with it all that was under way.
    func detach() {
        phase = .detached
        commands.removeAll()
        unconfirmedNames.removeAll()
        queuedNames.removeAll()
        refusedBatches.removeAll()
        restoreRemaining = 0
        (pingsSent, pingsAnswered) = (0, 0)
    }
}

/// Which node a name belongs to, as an index in `Hub.nodes`.
package typealias Placement = (_ name: UnsafeRawBufferPointer) -> Int

/// What Redis is told about names, in the order in which it will answer. One thing at a time is under way for a name;
/// when its answer comes, what is wanted by then is compared with what Redis has.
package enum SubscribeVerb: UInt8, Sendable {
    case subscribe, unsubscribe, psubscribe, punsubscribe
    /// Of sharded channels.
    case ssubscribe, sunsubscribe
}

/// A command on the subscribe link that Redis has not fully answered.
struct SubscribeCommand {
    enum Kind {
        case names(SubscribeVerb)
        /// The subscription to the relay's own probe channel.
        case probe
        case ping
    }
    var kind: Kind
    var count: Int
    var remaining: Int
}
