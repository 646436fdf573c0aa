package import RESP

/// What the hub keeps for one Redis node: the publishes in flight on its publish link, and how far its subscribe link
/// is with the node's names. A single Redis is one node, which has all names.
package final class HubNode {
    enum SubscribePhase {
        /// There is no subscribe link.
        case detached
        /// All held names are being asked for again, and some are not answered.
        case restoring
        case live
    }

    /// The position in `Hub.nodes`.
    package let index: Int
    package let publishes: PublishQueue
    /// The action that flushes its publishes has been asked for, and not been taken yet.
    var isFlushAsked = false
    /// Whether publishes of apps may go to this node; set by the upstream together with the status.
    package var isPublishing = false
    /// The size in bytes of the largest payload that may go to this node, and the error for a larger one; set by the
    /// publish link if the server takes less than the relay.
    package var maxPayloadBytes: Int
    package var faultOfLargePayload: String
    /// Why a publish cannot go to this node, if it cannot: only the link is missing, or the slot has no master that can
    /// be reached.
    let cause: Cause

    /// The former nodes of this node's slots, and the position up to which each must have answered before publishes go
    /// on here.
    private var predecessors: [(publishes: PublishQueue, end: UInt64)] = []

    var phase = SubscribePhase.detached
    /// Commands that Redis has not fully answered, in the order in which it will answer them.
    var commands = SubscribeCommands()
    /// The names in these commands.
    var unconfirmedNames = Ring<UInt32>()
    /// Names about which a command must be sent to Redis.
    var queuedNames = Ring<UInt32>()
    /// Names of commands that Redis refused as a whole. They are asked for again in smaller commands.
    var refusedBatches = Ring<[UInt32]>()
    /// How many PINGs were written to the subscribe link, and how many of them are answered. Both start from 0 with
    /// each connection.
    package private(set) var pingsSent = 0
    package internal(set) var pingsAnswered = 0
    /// How many names are not answered of those that were held when the restore began, or have come from another node,
    /// or were lost here.
    package internal(set) var restoreRemaining = 0
    /// Names that the node did not take, or has lost, because of where their slots are now. They are asked for again.
    var misplaced: [UInt32] = []
    /// Requests that came during the restore and are not answered before its end.
    private(set) var waitingForLive: [NameOperation] = []
    private var sweepAt = 1024
    /// Whether the node will be receiving soon after it is restored. If not (it needs a probe, and the publish link is
    /// away), requests do not wait for that. Set by the upstream together with the status.
    package var isLiveExpected = true

    /// - Parameter maxPayload: the relay's own limit.
    init(index: Int, isSharded: Bool = false, maxPayload: Int) {
        self.index = index
        (maxPayloadBytes, faultOfLargePayload) = (maxPayload, "payload is over \(maxPayload) bytes")
        cause = isSharded ? .topology : .notConnected
        publishes = PublishQueue(isSharded: isSharded)
    }

    /// Whether publishes have to wait: the node can take no more of them at the moment, or publishes at the former node
    /// of one of its slots must be answered first.
    @inline(__always)
    var isCongested: Bool {
        isHeldBack || isPublishing && publishes.isCongested || !predecessors.isEmpty && isSucceeding
    }

    /// Publishes have to wait, since what was published at a former node is still on its way to this one. Set by
    /// `Cluster`, and reset when the timer `succession` fires.
    package var isHeldBack = false

    /// A slot of this node belonged to another node, where publishes are in flight.
    func succeed(_ former: HubNode) {
        predecessors.removeAll { $0.publishes === former.publishes }
        predecessors.append((former.publishes, former.publishes.end))
    }

    private var isSucceeding: Bool {
        predecessors.removeAll { $0.publishes.isAnswered(upTo: $0.end) }
        return !predecessors.isEmpty
    }

    /// Whether Redis has answered about every name that is held here: there is a subscribe link, and `restoreRemaining`
    /// is 0.
    package var isWhole: Bool { phase != .detached && restoreRemaining == 0 }

    /// Whether `Hub.nextSubscribeCommand` has anything to give.
    package var hasSubscribeCommands: Bool { !queuedNames.isEmpty || !refusedBatches.isEmpty }

    /// Whether Redis's next answer on the subscribe link is to a command that subscribes to names: names of apps, or
    /// the relay's own, but not its probe's.
    package var isNameDue: Bool { commands.first?.kind.verb?.isJoining == true }

    /// The command that Redis answers next on the subscribe link, if it is about names; nil otherwise.
    package var dueCommand: SubscribeVerb? {
        switch commands.first?.kind {
        case .names(let verb)?: verb
        case .probe?: publishes.isSharded ? .ssubscribe : .subscribe
        case .ping?, nil: nil
        }
    }

    /// Whether Redis owes the subscribe link an answer.
    package var isSubscribeReplyOwed: Bool { !commands.isEmpty }
    /// Whether a PING is the oldest command of the subscribe link that has no answer.
    package var isPongDue: Bool { commands.first?.kind.isPing == true }
    /// What the subscribe link has asked, and what Redis has answered.
    package var subscribeDebt: LinkDebt { commands.debt }

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

    package var hasMisplacedNames: Bool { !misplaced.isEmpty }

    func takeMisplaced() -> [UInt32] {
        defer { misplaced.removeAll() }
        return misplaced
    }

    /// A PING is about to be written to the subscribe link.
    package func sentPing() {
        commands.append(.init(kind: .ping, count: 1, remaining: 1))
        pingsSent += 1
    }

    /// The subscribe link has ended, and with it everything that was under way.
    func detach() {
        phase = .detached
        commands.removeAll()
        unconfirmedNames.removeAll()
        queuedNames.removeAll()
        refusedBatches.removeAll()
        misplaced.removeAll()
        restoreRemaining = 0
        (pingsSent, pingsAnswered) = (0, 0)
    }
}
