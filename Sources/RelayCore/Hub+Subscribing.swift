extension Hub {
    // MARK: Requests

    /// A Subscribe. It is answered once every name has Redis's answer; for a node without a subscribe link, or one that
    /// will not be receiving in a moment, nobody waits.
    func subscribe(_ request: NameRequest, from slot: Int) {
        if let fault = fault(of: request) { return answer(request, .invalid, fault, slot) }
        let operation = NameOperation(kind: .subscribe, id: request.id, slot: slot)
        guard collectNames(of: request, into: operation, slot) else {
            abandonNames(of: operation)
            return answer(request, .limit, limitText(operation), slot)
        }
        for index in operation.names { awaitAnswer(on: index, operation) }
        for node in nodes where node.phase == .restoring && node.isLiveExpected && concerns(operation, node) {
            node.awaitLive(operation)
            operation.waiting += 1
        }
        enqueue(operation, slot)
        if operation.waiting == 0 { finish(operation) }
    }

    /// A name that Redis does not have yet is asked for, or left to the restore that begins when its node is back.
    private func awaitAnswer(on index: UInt32, _ operation: NameOperation) {
        let entry = table.entries[Int(index)]
        guard entry.phase != .subscribed, nodes[Int(entry.node)].phase != .detached else { return }
        waiters.add(operation, to: &table.entries[Int(index)].firstWaiter)
        operation.waiting += 1
        queue(index)
    }

    private func concerns(_ operation: NameOperation, _ node: HubNode) -> Bool {
        slots == nil || operation.names.contains { table.entries[Int($0)].node == node.index }
    }

    /// An Unsubscribe: in force at once, and once more in its turn, for names that an unanswered Subscribe of this
    /// connection names too.
    func unsubscribe(_ request: NameRequest, from slot: Int) {
        if let fault = fault(of: request) { return answer(request, .invalid, fault, slot) }
        let operation = NameOperation(kind: .unsubscribe, id: request.id, slot: slot)
        let mustWait = namesWhatIsPending(request, slot)
        request.forEach { name, isPattern in
            let index = table.find(name, isPattern: isPattern)
            guard index != ChannelTable.none else { return true }
            if mustWait {
                table.entries[Int(index)].pendingCount += 1
                operation.names.append(index)
            }
            leave(slot, index)
            return true
        }
        guard mustWait else { return reply(request.id, .ok, to: slot) }
        enqueue(operation, slot)
        if operation.waiting == 0 { finish(operation) }
    }

    /// Whether a request has to be answered after others of the same connection, since it names a channel that they
    /// name too, or may do so.
    private func namesWhatIsPending(_ request: NameRequest, _ slot: Int) -> Bool {
        guard sessions[slot].pending.count > 0 else { return false }
        guard sessions[slot].pending.others == 0 else { return true }
        var isPending = false
        request.forEach { name, isPattern in
            let index = table.find(name, isPattern: isPattern)
            isPending = index != ChannelTable.none && table.entries[Int(index)].pendingCount > 0
            return !isPending
        }
        return isPending
    }

    private func fault(of request: NameRequest) -> String? {
        guard request.count > 0 else { return "no channels and no patterns" }
        if let fault = fault(ofID: request.id) { return fault }
        var fault: String?
        request.forEach { name, isPattern in
            fault = self.fault(of: name, what: isPattern ? "a pattern" : "a channel")
            if isPattern, slots != nil { fault = "sharded pub/sub has no patterns (--cluster-pubsub classic has)" }
            return fault == nil
        }
        return fault
    }

    /// Answers a request that has no effect: at once, or in its turn.
    private func answer(_ request: NameRequest, _ outcome: Outcome, _ detail: String, _ slot: Int) {
        guard request.id != 0, namesWhatIsPending(request, slot) else {
            return reply(request.id, outcome, detail: detail, to: slot)
        }
        let operation = NameOperation(kind: .answer(outcome, detail: detail), id: request.id, slot: slot)
        enqueue(operation, slot)
        if operation.waiting == 0 { finish(operation) }
    }

    /// Which limit the request went over.
    private func limitText(_ operation: NameOperation) -> String {
        let slot = operation.slot
        let own = sessions[slot].held.count + sessions[slot].pending.newNames + operation.newNames
        return own > limits.maxSubscriptionsPerConnection
            ? "over \(limits.maxSubscriptionsPerConnection) subscriptions of this connection"
            : "over \(limits.maxSubscriptions) subscriptions of this relay"
    }

    /// Looks every name up, or puts it in the table, and counts it as pending; false when a limit is reached.
    private func collectNames(of request: NameRequest, into operation: NameOperation, _ slot: Int) -> Bool {
        let own = sessions[slot].held.count + sessions[slot].pending.newNames
        operation.names.reserveCapacity(request.count)
        var isWithinLimits = true
        var seen = Set<UInt32>()  // only of names with other requests under way; nearly always empty
        request.forEach { name, isPattern in
            let index = table.findOrInsert(name, isPattern: isPattern)
            // A name that is new, or that nobody wants, may be placed anew; the others stay where Redis has them.
            if table.entries[Int(index)].isUnused { place(index) }
            if table.entries[Int(index)].pendingCount > 0 {
                if seen.isEmpty { seen = Set(operation.names) }
                guard !seen.contains(index) else { return true }
            }
            if !seen.isEmpty { seen.insert(index) }
            table.entries[Int(index)].pendingCount += 1
            operation.names.append(index)
            guard table.memberPlace(slot, of: index) == nil else { return true }
            operation.newNames += 1
            isWithinLimits =
                own + operation.newNames <= limits.maxSubscriptionsPerConnection
                && subscriptionCount + operation.newNames <= limits.maxSubscriptions
            return isWithinLimits
        }
        subscriptionCount += operation.newNames
        return isWithinLimits
    }

    /// Puts a request behind the connection's earlier ones: they are answered in order.
    private func enqueue(_ operation: NameOperation, _ slot: Int) {
        if let last = sessions[slot].pending.last {
            last.successor = operation
            operation.waiting += 1
        }
        guard operation.waiting > 0 else { return }
        if sessions[slot].pending.first == nil { sessions[slot].pending.first = operation }
        sessions[slot].pending.last = operation
        sessions[slot].pending.count += 1
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
            settle(operation)
            if let successor = operation.successor {
                operation.successor = nil
                successor.waiting -= 1
                if successor.waiting == 0, !successor.isDone { next = successor }
            }
        }
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
            let refused = operation.refused
            for index in refused { revoke(index, from: slot, refusalText(operation.refusal, of: index)) }
            let isInForce = isInForce(operation)
            join(operation)
            reply(operation.id, isInForce ? .ok : .pending, to: slot)
        case .subscribe:
            let (names, isWhole) = refusedNames(of: operation)
            let patterns = operation.refused.filter { table.entries[Int($0)].isPattern }
            let text = refusalText(operation.refusal, of: patterns.first ?? operation.refused[0])
            let detail = text + (isWhole ? "" : " (of \(operation.refused.count) names the first ones)")
            reply(operation.id, .refused, detail: detail, names: names, to: slot)
            abandonNames(of: operation)
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
    private func refusedNames(of operation: NameOperation) -> (names: [UnsafeRawBufferPointer], isWhole: Bool) {
        // The overhead that a frame is granted holds everything else: the detail is at most 700 bytes long.
        var room = identity.maxFrameBytes - 1024
        var names: [UnsafeRawBufferPointer] = []
        for index in operation.refused {
            let name = table.name(of: index)
            room -= WireWriter.size(ofBytes: name.count)
            guard room >= 0 else { return (names, false) }
            names.append(name)
        }
        return (names, true)
    }

    private func removePending(_ operation: NameOperation, _ slot: Int) {
        guard operation.isEnqueued else { return }
        operation.isEnqueued = false
        if sessions[slot].pending.first === operation { sessions[slot].pending.first = operation.successor }
        if sessions[slot].pending.last === operation { sessions[slot].pending.last = nil }
        sessions[slot].pending.count -= 1
        sessions[slot].pending.names -= operation.names.count
        sessions[slot].pending.newNames -= operation.newNames
        if !operation.isSubscribe { sessions[slot].pending.others -= 1 }
    }

    /// Takes the names of a request off again, without effect on what the connection held before.
    private func abandonNames(of operation: NameOperation) {
        subscriptionCount -= operation.newNames
        for index in operation.names {
            table.entries[Int(index)].pendingCount -= 1
            reconsider(index)
        }
    }

    /// Makes the connection receive by every name of the request that was not refused.
    private func join(_ operation: NameOperation) {
        let refused = Set(operation.refused)
        subscriptionCount -= operation.newNames
        for index in operation.names {
            table.entries[Int(index)].pendingCount -= 1
            if refused.contains(index) {
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
            subscriptionCount -= 1
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

    /// Everything the connection held or asked for is given up; its socket is gone or about to go.
    func releaseNames(of slot: Int) {
        while let index = sessions[slot].held.last { leave(slot, index) }
        var next = sessions[slot].pending.first
        while let operation = next {
            next = operation.successor
            removePending(operation, slot)
            operation.successor = nil
            operation.isDone = true
            abandonNames(of: operation)
        }
        sessions[slot].pending = PendingRequests()
    }

    /// Tells a connection that it does not receive by a name any more.
    func revoke(_ index: UInt32, from slot: Int, _ detail: String) {
        let entry = table.entries[Int(index)]
        outboxes.appendControl(
            outboxes.arena.revoked(table.name(of: index), isPattern: entry.isPattern, detail: detail), to: slot)
    }
}
