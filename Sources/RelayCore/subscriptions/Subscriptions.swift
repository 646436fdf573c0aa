/// The channels and patterns that somebody on this host wants: who receives by each, which requests wait for Redis's
/// answer about it, which node it is at, and what that node has been told of it.
///
/// Nobody else sees the table: names change by the operations of this file alone, and all others are made of these.
/// Each of them keeps true:
///
/// - A name is in one list of its node at a time: among the queued or refused ones while `isQueued`, among the
///   unconfirmed ones while a command is under way for it. A list may have leftovers besides, of names that have gone
///   to another node.
/// - A node's `restoreRemaining` is the number of its names with `isRestoring`.
/// - A name that nobody wants is on its way out: gone once Redis does not have it, and else Redis is told.
/// - What a request waits for includes each list of waiters that it is in, once.
final class Subscriptions {
    private let table: ChannelTable
    /// Which requests wait for Redis's answer on which name; the lists begin in the table's entries.
    private var waiters = WaiterPool()
    /// Requests that need wait no longer for names that have moved; see `takeDisplaced`.
    private var displaced: [NameOperation] = []
    /// A subscription that was in force has ended otherwise than with its link; see `takeBroken`.
    private(set) var hasBroken = false
    let shares: NodeShares
    /// A name that the relay itself wants, and no app; `ChannelTable.none`: there is none. Nothing that apps get has to
    /// wait for it: it is never missing, and it has commands of its own, behind those of the others.
    private(set) var ownName = ChannelTable.none

    /// - Parameter seed: random; makes the hashes of names unpredictable.
    init(seed: UInt64, shares: NodeShares) { (table, self.shares) = (ChannelTable(seed: seed), shares) }

    // MARK: Looking

    /// Distinct channels and patterns.
    var count: Int { table.count }

    /// Places that names have, or have had: each index is less than that. What nobody wants may be gone.
    var placesUsed: Int { table.entriesUsed }

    /// The index of a name, or `ChannelTable.none`. It stays valid until the name goes.
    @inline(__always)
    func find(_ name: UnsafeRawBufferPointer, isPattern: Bool) -> UInt32 { table.find(name, isPattern: isPattern) }

    /// What is known of a name.
    @inline(__always)
    subscript(index: UInt32) -> ChannelTable.Entry {
        unsafeAddress { UnsafePointer(table.entries + Int(index)) }
    }

    /// Invariant: the pointer is of no use once a name has come or gone.
    @inline(__always)
    func name(of index: UInt32) -> UnsafeRawBufferPointer { table.name(of: index) }

    /// Who receives by a name, as many as its `memberCount`. Invariant: the pointer is of no use once somebody has
    /// joined or left it, or a name has come.
    @inline(__always)
    func members(of index: UInt32) -> UnsafePointer<ChannelTable.Member> { UnsafePointer(table.members(of: index)) }

    func isMember(_ connection: ConnectionID, of index: UInt32) -> Bool {
        table.memberPlace(connection, of: index) != nil
    }

    /// The node that a name is at.
    func node(of index: UInt32) -> HubNode { shares.nodes[Int(self[index].node)] }

    /// Whether Redis has the name now, on a link that counts as receiving.
    func isInForce(_ index: UInt32) -> Bool { self[index].phase == .subscribed && node(of: index).phase == .live }

    /// Calls `body` with the index of every name; by `body` none may go but the one it was given, and none come.
    func forEach(_ body: (UInt32) -> Void) { table.forEach(body) }

    // MARK: Requests

    /// The index of a name, which is put into the table if it is not there. Invariant: it is soon wanted by somebody.
    func findOrAdd(_ name: UnsafeRawBufferPointer, isPattern: Bool) -> UInt32 {
        let index = table.findOrInsert(name, isPattern: isPattern)
        // A name that is new, or that nobody wants, may go to another node; the others stay where Redis has them.
        if let slots = shares.slots, self[index].isUnused {
            let slot = slots.hashSlots.slot(of: table.name(of: index))
            table.entries[Int(index)].slot = slot
            table.entries[Int(index)].node = slots.node(ofSlot: slot)
        }
        return index
    }

    /// Adds the name that the relay itself wants. It stays wanted, and is restored and moved like all others.
    func addOwnName(_ name: UnsafeRawBufferPointer) {
        ownName = findOrAdd(name, isPattern: false)
        beginPending(ownName)
    }

    /// A request names it from now on, and keeps it.
    func beginPending(_ index: UInt32) { table.entries[Int(index)].pendingCount += 1 }

    /// A request that named it does so no longer.
    func endPending(_ index: UInt32) {
        table.entries[Int(index)].pendingCount -= 1
        reconsider(index)
    }

    /// Has a request wait for Redis's answer about a name, which is asked for it. Where Redis has the name nobody
    /// waits, and without a link to ask it by neither: then it is left to the restore that begins with the next one.
    func awaitAnswer(about index: UInt32, _ operation: NameOperation) {
        let entry = self[index]
        guard entry.phase != .subscribed, node(of: index).phase != .detached else { return }
        waiters.add(operation, to: &table.entries[Int(index)].firstWaiter)
        operation.waiting += 1
        enqueue(index)
    }

    /// The requests that waited for Redis's answer about a name. For each of them one thing less is to be waited for.
    func takeWaiters(of index: UInt32) -> [NameOperation] {
        waiters.takeAll(from: &table.entries[Int(index)].firstWaiter)
    }

    /// Requests that wait for Redis's answer about the name need wait no longer: they are going to be answered PENDING.
    /// Not yet: with an answer a connection may end, or another request be carried out, and any name go.
    func displaceWaiters(of index: UInt32) { displaced += takeWaiters(of: index) }

    /// The requests that need wait no longer for names that have gone elsewhere, or are to go. For each of them one
    /// thing less is to be waited for.
    func takeDisplaced() -> [NameOperation] {
        guard !displaced.isEmpty else { return [] }
        defer { displaced.removeAll() }
        return displaced
    }

    // MARK: Members

    /// A connection that has asked for a name receives by it from now on, and its request names it no longer.
    /// - Parameter position: where the name stands in the connection's own list.
    func join(_ connection: ConnectionID, at position: UInt32, _ index: UInt32) {
        table.entries[Int(index)].pendingCount -= 1
        table.addMember(.init(connection: connection, position: position), to: index)
        // A name whose slot has moved since Redis confirmed it is not in force before its node has it.
        guard shares.slots != nil, self[index].phase != .subscribed, node(of: index).phase != .detached else { return }
        markMissing(index)
        enqueue(index)
    }

    /// A connection does not receive by a name any more.
    /// - Returns: where the name stood in the connection's own list; nil when it was not there.
    @inline(__always)
    func leave(_ connection: ConnectionID, _ index: UInt32) -> UInt32? {
        guard let place = table.memberPlace(connection, of: index) else {
            reconsider(index)
            return nil
        }
        let position = table.removeMember(at: place, of: index).position
        reconsider(index)
        return position
    }

    /// A name stands elsewhere in the list of a connection that receives by it.
    func setPosition(_ position: UInt32, of connection: ConnectionID, in index: UInt32) {
        guard let place = table.memberPlace(connection, of: index) else {
            preconditionFailure("a name in a connection's list does not list the connection")
        }
        table.members(of: index)[place].position = position
    }

    // MARK: What is missing

    /// A name that connections hold is not subscribed to: its node is not whole before it is.
    /// - Parameter isHeld: it counts as held although no connection receives by it yet.
    func markMissing(_ index: UInt32, isHeld: Bool = false) {
        guard isHeld || self[index].memberCount > 0, !self[index].isRestoring, index != ownName else { return }
        table.entries[Int(index)].isRestoring = true
        node(of: index).restoreRemaining += 1
    }

    /// The name is subscribed to, or is not held any more, or not there.
    func markFound(_ index: UInt32) {
        guard self[index].isRestoring else { return }
        table.entries[Int(index)].isRestoring = false
        node(of: index).restoreRemaining -= 1
    }

    // MARK: What Redis is told

    /// Redis is to be told about a name at the end of the turn. While something is under way for the name, its answer
    /// decides what comes next (`answered`): a name is in one list at a time, or a refusal would put it into two.
    func enqueue(_ index: UInt32) {
        let entry = self[index]
        guard !entry.isQueued, entry.phase == .absent || entry.phase == .subscribed else { return }
        table.entries[Int(index)].isQueued = true
        node(of: index).queuedNames.append(index)
    }

    /// Names of a command that Redis has refused are to be asked for in smaller ones, before all others. None of them
    /// is queued, and nothing is under way for them.
    func enqueue(refused batch: ArraySlice<UInt32>, at node: HubNode) {
        for index in batch { table.entries[Int(index)].isQueued = true }
        node.refusedBatches.append(Array(batch))
    }

    /// There was no need to tell Redis about a name that has been taken off its list.
    func dequeue(_ index: UInt32) {
        table.entries[Int(index)].isQueued = false
        reconsider(index)
    }

    /// A name that has been taken off its list goes into a command, to which Redis owes an answer.
    func beginCommand(_ index: UInt32, isJoining: Bool, at node: HubNode) {
        table.entries[Int(index)].isQueued = false
        table.entries[Int(index)].phase = isJoining ? .subscribing : .unsubscribing
        node.unconfirmedNames.append(index)
    }

    /// The answer about the name that has waited longest is here. `answered`, `misplaced` or a refusal has to follow.
    /// - Parameter isSubscribed: whether Redis has the name now.
    /// - Returns: the name; nil when none was under way.
    func endCommand(isSubscribed: Bool, at node: HubNode) -> UInt32? {
        guard let index = node.unconfirmedNames.popFirst() else { return nil }
        table.entries[Int(index)].phase = isSubscribed ? .subscribed : .absent
        return index
    }

    /// A name's wanted state may differ from Redis's.
    @inline(__always)
    func reconsider(_ index: UInt32) {
        if !self[index].isWanted, !self[index].isQueued { letGo(index) }
    }

    /// Nobody wants the name any more.
    private func letGo(_ index: UInt32) {
        switch self[index].phase {
        case .absent:
            markFound(index)
            // Requests whose connections closed before Redis was asked, or had answered, may still wait here.
            _ = takeWaiters(of: index)
            table.remove(index)
        case .subscribed: enqueue(index)
        case .subscribing, .unsubscribing: break
        }
    }

    // MARK: Nodes

    /// The node has unsubscribed us from a name by itself.
    func endedByNode(_ index: UInt32) {
        table.entries[Int(index)].phase = .absent
        noteBroken(index)
    }

    /// The name is at another node from now on, which knows nothing of it. Nothing may be under way for it.
    func move(_ index: UInt32, to destination: UInt16) {
        if self[index].phase == .subscribed { noteBroken(index) }
        markFound(index)
        table.entries[Int(index)].phase = .absent
        table.entries[Int(index)].isQueued = false  // what is in the other node's list counts no more
        table.entries[Int(index)].node = destination
    }

    private func noteBroken(_ index: UInt32) {
        if self[index].memberCount > 0 { hasBroken = true }
    }

    /// Whether a subscription that was in force has ended otherwise than with its link since this was asked last.
    func takeBroken() -> Bool {
        defer { hasBroken = false }
        return hasBroken
    }

    /// The node's subscribe link is gone, and with it all that was under way on it: what is wanted is to be restored.
    /// - Returns: the requests that waited for it. For each of them one thing less is to be waited for.
    func detach(_ node: HubNode) -> [NameOperation] {
        node.detach()
        var waiting: [NameOperation] = []
        forEach { index in
            guard self[index].node == node.index else { return }
            table.entries[Int(index)].phase = .absent
            table.entries[Int(index)].isQueued = false
            table.entries[Int(index)].isRestoring = false
            waiting += takeWaiters(of: index)
            if self[index].isWanted { moveToItsNode(index) } else { table.remove(index) }
        }
        return waiting + node.takeWaitingForLive()
    }
}
