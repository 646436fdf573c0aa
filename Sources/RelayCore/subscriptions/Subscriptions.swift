/// The channels and patterns that an app of this relay subscribes to: who receives by each of them, which requests wait
/// for Redis's answer about it, which node it is at, and what that node has been told about it.
///
/// Nobody else sees the table. Names change only by the operations of this file; all other operations are made of
/// these. Each of them keeps these invariants:
///
/// - A name is in one list of its node at a time: in that of the queued or of the refused names while `isQueued`, in
///   that of the unconfirmed ones while a command is under way for it. A list may also have leftovers of names that
///   have moved to another node.
/// - A node's `restoreRemaining` is the number of its names with `isRestoring`.
/// - A name that nobody wants is about to go: at once if Redis does not have it, otherwise after Redis has been told.
/// - The things that a request waits for include, once each, the lists of waiters that it is in.
final class Subscriptions {
    private let table: ChannelTable
    /// Which requests wait for Redis's answer about which name; the lists begin in the table's entries.
    private var waiters = WaiterPool()
    /// Requests that need not wait any longer for names that have moved; see `takeDisplaced`.
    private var displaced: [NameOperation] = []
    /// Whether a subscription that was in force has ended although its link has not; see `takeBroken`.
    private(set) var hasBroken = false
    let shares: NodeShares
    /// A name that only the relay itself wants, and no app; `ChannelTable.none` if there is none. Nothing that apps get
    /// has to wait for it: it is never missing, and it has commands of its own, behind those of the others.
    private(set) var ownName = ChannelTable.none

    /// - Parameter seed: random; makes the hashes of names unpredictable.
    init(seed: UInt64, shares: NodeShares) { (table, self.shares) = (ChannelTable(seed: seed), shares) }

    // MARK: Looking

    /// Distinct channels and patterns.
    var count: Int { table.count }

    /// How many places names have, or have had: each index is less than that. Some of the places may be vacant.
    var placesUsed: Int { table.entriesUsed }

    /// The index of a name, or `ChannelTable.none`. It stays valid until the name goes.
    @inline(__always)
    func find(_ name: UnsafeRawBufferPointer, isPattern: Bool) -> UInt32 { table.find(name, isPattern: isPattern) }

    /// The entry of a name.
    @inline(__always)
    subscript(index: UInt32) -> ChannelTable.Entry {
        unsafeAddress { UnsafePointer(table.entries + Int(index)) }
    }

    /// The name without the prefix. Invariant: the pointer is invalid once a name has been added or removed.
    @inline(__always)
    func name(of index: UInt32) -> UnsafeRawBufferPointer { table.name(of: index) }

    /// Who receives by a name, `memberCount` members. Invariant: the pointer is invalid once a connection has joined or
    /// left it, or a name has been added.
    @inline(__always)
    func members(of index: UInt32) -> UnsafePointer<ChannelTable.Member> { UnsafePointer(table.members(of: index)) }

    func isMember(_ connection: ConnectionID, of index: UInt32) -> Bool {
        table.memberPlace(connection, of: index) != nil
    }

    /// The node that a name is at.
    func node(of index: UInt32) -> HubNode { shares.nodes[Int(self[index].node)] }

    /// Whether Redis has the name now, on a link that counts as receiving.
    func isInForce(_ index: UInt32) -> Bool { self[index].phase == .subscribed && node(of: index).phase == .live }

    /// Calls `body` with the index of every name. `body` must not add names, nor remove any but the one given.
    func forEach(_ body: (UInt32) -> Void) { table.forEach(body) }

    // MARK: Requests

    /// The index of a name, which is added to the table if it is not there. Invariant: something soon wants it.
    func findOrAdd(_ name: UnsafeRawBufferPointer, isPattern: Bool) -> UInt32 {
        let index = table.findOrInsert(name, isPattern: isPattern)
        // A name that is new, or that nobody wants, may be put at another node; the others stay where Redis has them.
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

    /// A request names it from now on, which keeps it.
    func beginPending(_ index: UInt32) { table.entries[Int(index)].pendingCount += 1 }

    /// A request that named it does not do so any longer.
    func endPending(_ index: UInt32) {
        table.entries[Int(index)].pendingCount -= 1
        reconsider(index)
    }

    /// Makes a request wait for Redis's answer about a name, which Redis is asked for. It does not wait if Redis has
    /// the name, or if there is no link to ask on: then the restore on the next link asks for the name.
    func awaitAnswer(about index: UInt32, _ operation: NameOperation) {
        let entry = self[index]
        guard entry.phase != .subscribed, node(of: index).phase != .detached else { return }
        waiters.add(operation, to: &table.entries[Int(index)].firstWaiter)
        operation.waiting += 1
        enqueue(index)
    }

    /// The requests that waited for Redis's answer about a name. Each of them has one thing less to wait for.
    func takeWaiters(of index: UInt32) -> [NameOperation] {
        waiters.takeAll(from: &table.entries[Int(index)].firstWaiter)
    }

    /// Requests that wait for Redis's answer about the name need not wait any longer: they will be answered PENDING.
    /// Not at once: an answer may end a connection, or let another request go on, and then any name may go.
    func displaceWaiters(of index: UInt32) { displaced += takeWaiters(of: index) }

    /// The requests that need not wait any longer for names that have moved, or are to move. Each of them has one thing
    /// less to wait for.
    func takeDisplaced() -> [NameOperation] {
        guard !displaced.isEmpty else { return [] }
        defer { displaced.removeAll() }
        return displaced
    }

    // MARK: Members

    /// A connection that has asked for a name receives by it from now on, and its request does not name it any longer.
    /// - Parameter position: the position of the name in the connection's own list.
    func join(_ connection: ConnectionID, at position: UInt32, _ index: UInt32) {
        table.entries[Int(index)].pendingCount -= 1
        table.addMember(.init(connection: connection, position: position), to: index)
        // If its slot has moved since Redis confirmed the name, it is not in force until its node has it.
        guard shares.slots != nil, self[index].phase != .subscribed, node(of: index).phase != .detached else { return }
        markMissing(index)
        enqueue(index)
    }

    /// A connection does not receive by a name any more.
    /// - Returns: the position that the name had in the connection's own list; nil if it was not there.
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

    /// A name has another position now in the list of a connection that receives by it.
    func setPosition(_ position: UInt32, of connection: ConnectionID, in index: UInt32) {
        guard let place = table.memberPlace(connection, of: index) else {
            preconditionFailure("a name in a connection's list does not list the connection")
        }
        table.members(of: index)[place].position = position
    }

    // MARK: What is missing

    /// A name that connections hold is not subscribed to. Until it is, its node is not whole.
    /// - Parameter isHeld: whether it counts as held even if no connection receives by it yet.
    func markMissing(_ index: UInt32, isHeld: Bool = false) {
        guard isHeld || self[index].memberCount > 0, !self[index].isRestoring, index != ownName else { return }
        table.entries[Int(index)].isRestoring = true
        node(of: index).restoreRemaining += 1
    }

    /// The name is subscribed to, or is not held any more, or has left the node.
    func markFound(_ index: UInt32) {
        guard self[index].isRestoring else { return }
        table.entries[Int(index)].isRestoring = false
        node(of: index).restoreRemaining -= 1
    }

    // MARK: What Redis is told

    /// Redis must be told about a name at the end of the turn. If a command is under way for the name, nothing is
    /// queued: its answer decides what comes next (`answered`), and a refusal must not put the name into a second list.
    func enqueue(_ index: UInt32) {
        let entry = self[index]
        guard !entry.isQueued, entry.phase == .absent || entry.phase == .subscribed else { return }
        table.entries[Int(index)].isQueued = true
        node(of: index).queuedNames.append(index)
    }

    /// Names of a command that Redis has refused must be asked for in smaller commands, before all others. None of
    /// them is queued, and no command is under way for them.
    func enqueue(refused batch: ArraySlice<UInt32>, at node: HubNode) {
        for index in batch { table.entries[Int(index)].isQueued = true }
        node.refusedBatches.append(Array(batch))
    }

    /// A name has been taken off its list, and there was no need to tell Redis about it.
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

    /// The answer about the name that has waited longest is here. `answered`, `misplaced` or a refusal must follow.
    /// - Parameter isSubscribed: whether Redis has the name now.
    /// - Returns: the name; nil if no command was under way.
    func endCommand(isSubscribed: Bool, at node: HubNode) -> UInt32? {
        guard let index = node.unconfirmedNames.popFirst() else { return nil }
        table.entries[Int(index)].phase = isSubscribed ? .subscribed : .absent
        return index
    }

    /// Lets go of a name that nobody wants any more, unless it is queued.
    @inline(__always)
    func reconsider(_ index: UInt32) {
        if !self[index].isWanted, !self[index].isQueued { letGo(index) }
    }

    /// Nobody wants the name any more: removes it, or has Redis told first.
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

    /// The node itself has ended our subscription to a name.
    func endedByNode(_ index: UInt32) {
        table.entries[Int(index)].phase = .absent
        noteBroken(index)
    }

    /// Puts the name at another node, which does not have it yet. No command must be under way for it.
    func move(_ index: UInt32, to destination: UInt16) {
        if self[index].phase == .subscribed { noteBroken(index) }
        markFound(index)
        table.entries[Int(index)].phase = .absent
        table.entries[Int(index)].isQueued = false  // its entry in the former node's list counts no more
        table.entries[Int(index)].node = destination
    }

    private func noteBroken(_ index: UInt32) {
        if self[index].memberCount > 0 { hasBroken = true }
    }

    /// Whether a subscription that was in force has ended although its link has not, since the last call.
    func takeBroken() -> Bool {
        defer { hasBroken = false }
        return hasBroken
    }

    /// The node's subscribe link has ended, and so has everything under way on it: what is wanted is to be restored.
    /// - Returns: the requests that waited for it. Each of them has one thing less to wait for.
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
