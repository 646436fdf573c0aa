package import RESP

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
    package let publishes: PublishQueue
    /// The action that flushes its publishes is under way.
    var isFlushAsked = false
    /// Whether publishes of apps may go this way; set by the upstream together with the status.
    package var isPublishing = false
    /// Bytes of the largest payload that may go this way, and what is wrong with a larger one; set by the publish link when
    /// the server takes less than the relay.
    package var maxPayloadBytes: Int
    package var faultOfLargePayload: String
    /// Why a publish does not go this way, if it does not: nothing but the link is wanting, or the slot has no master that
    /// could be reached.
    let cause: Cause

    /// Former nodes of this one's slots, and how far they have to answer before publishes go on here.
    private var predecessors: [(publishes: PublishQueue, end: UInt64)] = []

    var phase = SubscribePhase.detached
    /// Commands that Redis has not fully answered, in the order in which it will.
    var commands = SubscribeCommands()
    /// The names in them.
    var unconfirmedNames = Ring<UInt32>()
    /// Names about which Redis is to be told something.
    var queuedNames = Ring<UInt32>()
    /// Names of commands that Redis refused as a whole, to be asked again in smaller ones.
    var refusedBatches = Ring<[UInt32]>()
    /// PINGs written to the subscribe link, and those of them that have an answer. Both begin anew with each link.
    package private(set) var pingsSent = 0
    package internal(set) var pingsAnswered = 0
    /// Names held when the restore began, or that have come from another node, that have no answer yet.
    package internal(set) var restoreRemaining = 0
    /// Names that the node did not take, or has lost, its slots being what they are: they are asked for again.
    var misplaced: [UInt32] = []
    /// Requests that came during the restore and are not answered before its end.
    private(set) var waitingForLive: [NameOperation] = []
    private var sweepAt = 1024
    /// Whether the node, once it is restored, will be receiving in a moment. If not (what is wanting is a probe, and the
    /// publish link is away), requests are not kept waiting for it. Set by the upstream together with the status.
    package var isLiveExpected = true

    /// - Parameter maxPayload: the relay's own limit.
    init(index: Int, isSharded: Bool = false, maxPayload: Int) {
        self.index = index
        (maxPayloadBytes, faultOfLargePayload) = (maxPayload, "payload is over \(maxPayload) bytes")
        cause = isSharded ? .topology : .notConnected
        publishes = PublishQueue(isSharded: isSharded)
    }

    /// Whether publishes have to wait: it can take no more of them for the moment, or what was published at the former node
    /// of one of its slots has to be answered first.
    @inline(__always)
    var isCongested: Bool {
        isHeldBack || isPublishing && publishes.isCongested || !predecessors.isEmpty && isSucceeding
    }

    /// Publishes have to wait, since what was published at a former node is still on its way to this one; set by its
    /// `RedisNode`.
    package var isHeldBack = false

    /// A slot of this node was another one's, where publishes are in flight.
    func succeed(_ former: HubNode) {
        predecessors.removeAll { $0.publishes === former.publishes }
        predecessors.append((former.publishes, former.publishes.end))
    }

    private var isSucceeding: Bool {
        predecessors.removeAll { $0.publishes.isAnswered(upTo: $0.end) }
        return !predecessors.isEmpty
    }

    /// Whether every name that is held here has Redis's answer: none is wanting since the restore, if there was one.
    package var isWhole: Bool { phase != .detached && restoreRemaining == 0 }

    /// Whether `Hub.nextSubscribeCommand` has anything to give.
    package var hasSubscribeCommands: Bool { !queuedNames.isEmpty || !refusedBatches.isEmpty }

    /// Whether what Redis answers next on the subscribe link is a name that an app wants, or the relay
    /// itself beside its probe.
    package var isNameDue: Bool { commands.first?.kind.verb?.isJoining == true }

    /// The command that Redis answers next on the subscribe link, if it is one of names; nil otherwise.
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

    /// The subscribe link is gone, and with it all that was under way.
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
