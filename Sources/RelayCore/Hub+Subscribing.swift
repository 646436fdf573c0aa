/// Requests that wait for Redis or for each other, their answers, and who receives by which name from then on.
extension Hub {
    /// Puts a request behind the connection's earlier ones: they are answered in order.
    func enqueue(_ operation: NameOperation, _ slot: Int) {
        if let last = sessions[slot].pending.last {
            last.successor = operation
            operation.waiting += 1
        }
        guard operation.waiting > 0 else { return }
        if sessions[slot].pending.first == nil { sessions[slot].pending.first = operation }
        sessions[slot].pending.last = operation
        sessions[slot].pending.count += 1
        countPending(1)
        sessions[slot].pending.names += operation.names.count
        sessions[slot].pending.newNames += operation.newNames
        if !operation.isSubscribe { sessions[slot].pending.others += 1 }
        operation.isEnqueued = true
    }

    // MARK: Answers

    /// One of the things that `operation` waits for has come.
    func advance(_ operation: NameOperation) {
        operation.waiting -= 1
        if operation.waiting == 0, !operation.isDone { finish(operation) }
    }

    /// Answers a request, and those behind it that waited for nothing else.
    func finish(_ first: NameOperation) {
        var next: NameOperation? = first
        while let operation = next {
            next = nil
            if case .unsubscribe = operation.kind, operation.names.count > Self.fewNames {
                return settleLater(operation)
            }
            settle(operation)
            if let successor = operation.successor {
                operation.successor = nil
                successor.waiting -= 1
                if successor.waiting == 0, !successor.isDone { next = successor }
            }
        }
    }

    /// An Unsubscribe whose names have gone is answered, and those behind it that waited for nothing else.
    func finishSettled(_ operation: NameOperation) {
        let names = operation.names
        removePending(operation, operation.slot)
        operation.names = []
        abandon(names)
        finish(operation)
    }

    private func settle(_ operation: NameOperation) {
        operation.isDone = true
        let slot = operation.slot
        removePending(operation, slot)
        switch operation.kind {
        case .unsubscribe:
            for index in operation.names {
                table.entries[Int(index)].pendingCount -= 1
                leave(slot, index)
            }
            reply(operation.id, .ok, to: slot)
        case .answer(let outcome, let detail): reply(operation.id, outcome, detail: detail, to: slot)
        case .subscribe where operation.refused.isEmpty || operation.id == 0:
            revoke(operation.refused, from: slot, operation.refusal)
            let isInForce = isInForce(operation)
            join(operation)
            reply(operation.id, isInForce ? .ok : .pending, to: slot)
        case .subscribe:
            let names = refusedNames(of: operation)
            let patterns = operation.refused.lazy.filter { self.table.entries[Int($0)].isPattern }
            let text = refusalText(operation.refusal, of: patterns.first ?? operation.refused[0])
            let (listed, count) = (names.channels.count + names.patterns.count, operation.refused.count)
            let detail = text + (listed == count ? "" : " (\(listed) of \(count) names are listed)")
            reply(operation.id, .refused, detail: detail, names: names, to: slot)
            subscriptionCount -= operation.newNames
            abandon(operation.names)
        }
        if sessions[slot].phase == .ending { finishIfNothingIsOwed(slot) }
    }

    /// Whether Redis has every name of the request now, on links that count as receiving.
    private func isInForce(_ operation: NameOperation) -> Bool {
        operation.names.allSatisfy { index in
            let entry = table.entries[Int(index)]
            return entry.phase == .subscribed && nodes[Int(entry.node)].phase == .live
        }
    }

    /// The names that Redis has refused, as many as a frame has room for.
    private func refusedNames(of operation: NameOperation) -> NameLists {
        // The overhead that a frame is granted holds everything else: the detail is at most 700 bytes long.
        var room = identity.maxFrameBytes - 1024
        var names = NameLists()
        for index in operation.refused {
            let name = table.name(of: index)
            room -= WireWriter.size(ofBytes: name.count)
            guard room >= 0 else { break }
            if table.entries[Int(index)].isPattern { names.patterns.append(name) } else { names.channels.append(name) }
        }
        return names
    }

    private func countPending(_ change: Int) {
        pendingRequests += change
        pendingLimit =
            pendingRequests < PendingRequests.maxTotal ? PendingRequests.maxCount : PendingRequests.crowdedCount
    }

    func removePending(_ operation: NameOperation, _ slot: Int) {
        guard operation.isEnqueued else { return }
        operation.isEnqueued = false
        if sessions[slot].pending.first === operation { sessions[slot].pending.first = operation.successor }
        if sessions[slot].pending.last === operation { sessions[slot].pending.last = nil }
        sessions[slot].pending.count -= 1
        countPending(-1)
        // It may go on, which is looked at in the next turn.
        if sessions[slot].isBlocked { isWorkAwaited = true }
        sessions[slot].pending.names -= operation.names.count
        sessions[slot].pending.newNames -= operation.newNames
        if !operation.isSubscribe { sessions[slot].pending.others -= 1 }
    }

    /// Makes the connection receive by every name of the request that was not refused. All in one go, since none of its
    /// messages may come before the Reply, and none may be missed after it.
    private func join(_ operation: NameOperation) {
        let refused = Set(operation.refused)
        subscriptionCount -= operation.newNames
        workLeft -= operation.names.count
        for index in operation.names {
            table.entries[Int(index)].pendingCount -= 1
            if !refused.isEmpty, refused.contains(index) {
                reconsider(index)
            } else if table.memberPlace(operation.slot, of: index) == nil {
                let position = sessions[operation.slot].held.append(index)
                table.addMember(.init(slot: Int32(operation.slot), position: position), to: index)
                subscriptionCount += 1
                noteMissingIfMoved(index)
            }
        }
    }

    /// A name whose slot has moved since Redis confirmed it is held from now on, and not in force before its node has it.
    private func noteMissingIfMoved(_ index: UInt32) {
        let entry = table.entries[Int(index)]
        guard slots != nil, entry.phase != .subscribed, nodes[Int(entry.node)].phase != .detached else { return }
        noteMissing(index)
        queue(index)
    }

    // MARK: Leaving

    /// Takes a connection off a name; nothing happens if it is not on it.
    func leave(_ slot: Int, _ index: UInt32) {
        if let place = table.memberPlace(slot, of: index) {
            let member = table.removeMember(at: place, of: index)
            if !sessions[slot].isReleasing { subscriptionCount -= 1 }
            forget(position: member.position, of: slot)
        }
        reconsider(index)
    }

    /// Takes a position out of a connection's own list, and tells the name that moves there.
    private func forget(position: UInt32, of slot: Int) {
        guard let moved = sessions[slot].held.remove(at: position) else { return }
        guard let place = table.memberPlace(slot, of: moved) else {
            preconditionFailure("a name in a connection's list does not list the connection")
        }
        table.members(of: moved)[place].position = position
    }

    /// Tells a connection that it does not receive by names any more, in as few frames as hold them.
    /// - Parameter text: the words of Redis.
    func revoke(_ indices: [UInt32], from slot: Int, _ text: String) {
        for isPattern in [false, true] {
            let names = indices.lazy.filter { self.table.entries[Int($0)].isPattern == isPattern }
            guard let first = names.first else { continue }
            let detail = refusalText(text, of: first)
            var (list, room) = ([UnsafeRawBufferPointer](), identity.maxFrameBytes - 1024)
            for index in names {
                let name = table.name(of: index)
                let size = WireWriter.size(ofBytes: name.count)
                if size > room { tellRevoked(&list, isPattern, detail, slot) }
                if list.isEmpty { room = identity.maxFrameBytes - 1024 }
                room -= size
                list.append(name)
            }
            tellRevoked(&list, isPattern, detail, slot)
        }
    }

    private func tellRevoked(_ names: inout [UnsafeRawBufferPointer], _ isPattern: Bool, _ detail: String, _ slot: Int)
    {
        let lists = isPattern ? NameLists(patterns: names) : NameLists(channels: names)
        outboxes.appendControl(outboxes.arena.revoked(lists, detail: detail), to: slot)
        names.removeAll(keepingCapacity: true)
    }
}
