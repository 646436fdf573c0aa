/// A Subscribe or Unsubscribe that is being carried out, name by name: mostly at once, but over several turns when it has
/// more names than a turn takes on.
final class SuspendedRequest {
    enum Stage {
        /// Is every name one that may be asked for? Nothing has taken effect before that is known.
        case checking
        /// Subscribe: every name is looked up or put in the table, and counted for the limits.
        case collecting
        /// Subscribe: what Redis does not have is asked for.
        case asking
        /// Unsubscribe: the names go.
        case leaving
    }

    let operation: NameOperation
    let request: NameRequest
    /// Where the request's fields lie in the body of their frame.
    let place: Range<Int>
    var stage = Stage.checking
    /// How far the stage is: bytes of the fields, or for `asking` names of the operation.
    var progress = 0
    /// Names met so far that count once only, where there are too many to look them through.
    var seen: Set<UInt32> = []
    /// Of an Unsubscribe: whether it is answered after earlier requests.
    var mustWait = false

    init(_ request: NameRequest, in body: UnsafeRawBufferPointer, _ operation: NameOperation) {
        (self.request, self.operation) = (request, operation)
        let start = body.baseAddress.flatMap { base in request.content.baseAddress.map { $0 - base } } ?? 0
        place = start..<start + request.content.count
    }

    var hasManyNames: Bool { request.count > Hub.fewNames }
}

/// Subscribe and Unsubscribe, from their frame to where they wait for Redis or are answered.
extension Hub {
    private enum Progress { case done, suspended }

    /// A Subscribe. It is answered once every name has Redis's answer; for a node without a subscribe link, or one that
    /// will not be receiving in a moment, nobody waits.
    func subscribe(_ request: NameRequest, in body: UnsafeRawBufferPointer, from slot: Int) -> FrameSplitter.Verdict {
        let operation = NameOperation(kind: .subscribe, id: request.id, slot: slot)
        return begin(SuspendedRequest(request, in: body, operation), request, slot)
    }

    /// An Unsubscribe: in force at once, and once more in its turn, for names that an unanswered Subscribe of this
    /// connection names too.
    func unsubscribe(_ request: NameRequest, in body: UnsafeRawBufferPointer, from slot: Int) -> FrameSplitter.Verdict {
        let operation = NameOperation(kind: .unsubscribe, id: request.id, slot: slot)
        return begin(SuspendedRequest(request, in: body, operation), request, slot)
    }

    private func begin(_ suspended: SuspendedRequest, _ request: NameRequest, _ slot: Int) -> FrameSplitter.Verdict {
        // Decoding has looked at each name, too.
        workLeft -= 1 + request.count / 16
        return verdict(carryOut(suspended, request, slot), suspended, slot)
    }

    /// Goes on with a request whose frame has been kept.
    func resume(
        _ suspended: SuspendedRequest, in body: UnsafeRawBufferPointer, from slot: Int
    ) -> FrameSplitter.Verdict {
        let content = UnsafeRawBufferPointer(rebasing: body[suspended.place])
        return verdict(carryOut(suspended, NameRequest(suspended.request, content: content), slot), suspended, slot)
    }

    private func verdict(_ progress: Progress, _ suspended: SuspendedRequest, _ slot: Int) -> FrameSplitter.Verdict {
        switch progress {
        case .done:
            sessions[slot].suspended = nil
            return sessions[slot].phase == .serving ? .goOn : .stop
        case .suspended:
            sessions[slot].suspended = suspended
            return hold(slot, for: .work)
        }
    }

    private func carryOut(_ suspended: SuspendedRequest, _ request: NameRequest, _ slot: Int) -> Progress {
        while true {
            switch suspended.stage {
            case .checking:
                var fault = request.count == 0 ? "no channels and no patterns" : self.fault(ofID: request.id)
                let isOver = fault != nil || check(suspended, request, &fault)
                if let fault {
                    answer(request, .invalid, fault, slot)
                    return .done
                }
                guard isOver else { return .suspended }
                suspended.progress = 0
                suspended.stage = suspended.operation.isSubscribe ? .collecting : .leaving
                suspended.mustWait = !suspended.operation.isSubscribe && namesWhatIsPending(request, slot)
            case .collecting:
                guard let isOver = collect(suspended, request, slot) else {
                    let text = limitText(suspended.operation)
                    subscriptionCount -= suspended.operation.newNames
                    abandon(suspended.operation.names)
                    answer(request, .limit, text, slot)
                    return .done
                }
                guard isOver else { return .suspended }
                (suspended.progress, suspended.stage) = (0, .asking)
                // Not answered before everything has been asked for.
                suspended.operation.waiting += 1
            case .asking:
                guard ask(suspended) else { return .suspended }
                awaitRestores(suspended.operation)
                enqueue(suspended.operation, slot)
                advance(suspended.operation)
                return .done
            case .leaving:
                guard leave(suspended, request, slot) else { return .suspended }
                guard suspended.mustWait else {
                    reply(request.id, .ok, to: slot)
                    return .done
                }
                // Among the unanswered ones also when what it waited for has been answered meanwhile: it may take a while.
                suspended.operation.waiting += 1
                enqueue(suspended.operation, slot)
                advance(suspended.operation)
                return .done
            }
        }
    }

    // MARK: The stages

    /// - Returns: whether all names have been looked at, or one of them is not allowed.
    private func check(_ suspended: SuspendedRequest, _ request: NameRequest, _ fault: inout String?) -> Bool {
        let before = suspended.progress
        var found: String?
        // A look at a name is cheap.
        let isOver = request.forEach(from: &suspended.progress, atMost: 8 * max(1, workLeft)) { name, isPattern in
            found = self.fault(of: name, isPattern: isPattern)
            return found == nil
        }
        workLeft -= (suspended.progress - before) / 64
        fault = found
        return isOver
    }

    private func fault(of name: UnsafeRawBufferPointer, isPattern: Bool) -> String? {
        if isPattern, slots != nil { return "sharded pub/sub has no patterns (--cluster-pubsub classic has)" }
        return nameFault(of: name, isPattern: isPattern)?.text(isPattern ? "a pattern" : "a channel")
    }

    /// Looks names up, or puts them in the table, and counts them as pending.
    /// - Returns: whether these were the last ones; nil when a limit is reached.
    private func collect(_ suspended: SuspendedRequest, _ request: NameRequest, _ slot: Int) -> Bool? {
        let operation = suspended.operation
        let own = sessions[slot].held.count + sessions[slot].pending.newNames
        if operation.names.isEmpty { operation.names.reserveCapacity(min(request.count, 1 << 16)) }
        var isWithinLimits = true
        let isOver = request.forEach(from: &suspended.progress, atMost: max(1, workLeft)) { name, isPattern in
            workLeft -= 1
            let index = table.findOrInsert(name, isPattern: isPattern)
            // A name that is new, or that nobody wants, may be placed anew; the others stay where Redis has them.
            if table.entries[Int(index)].isUnused { place(index) }
            guard isFirst(index, of: suspended) else { return true }
            table.entries[Int(index)].pendingCount += 1
            operation.names.append(index)
            guard table.memberPlace(slot, of: index) == nil else { return true }
            operation.newNames += 1
            subscriptionCount += 1
            isWithinLimits =
                own + operation.newNames <= limits.maxSubscriptionsPerConnection
                && subscriptionCount <= limits.maxSubscriptions
            return isWithinLimits
        }
        return isWithinLimits ? isOver : nil
    }

    /// Whether the request has not named it before.
    private func isFirst(_ index: UInt32, of suspended: SuspendedRequest) -> Bool {
        if suspended.hasManyNames { return suspended.seen.insert(index).inserted }
        return table.entries[Int(index)].pendingCount == 0 || !suspended.operation.names.contains(index)
    }

    /// Asks for what Redis does not have.
    /// - Returns: whether that was all.
    private func ask(_ suspended: SuspendedRequest) -> Bool {
        let operation = suspended.operation
        let end = min(operation.names.count, suspended.progress + max(1, workLeft))
        for place in suspended.progress..<end { awaitAnswer(on: operation.names[place], operation) }
        workLeft -= end - suspended.progress
        suspended.progress = end
        return end == operation.names.count
    }

    /// A name that Redis does not have yet is asked for, or left to the restore that begins when its node is back.
    private func awaitAnswer(on index: UInt32, _ operation: NameOperation) {
        let entry = table.entries[Int(index)]
        guard entry.phase != .subscribed, nodes[Int(entry.node)].phase != .detached else { return }
        waiters.add(operation, to: &table.entries[Int(index)].firstWaiter)
        operation.waiting += 1
        queue(index)
    }

    private func awaitRestores(_ operation: NameOperation) {
        for node in nodes where node.phase == .restoring && node.isLiveExpected && concerns(operation, node) {
            node.awaitLive(operation)
            operation.waiting += 1
        }
    }

    private func concerns(_ operation: NameOperation, _ node: HubNode) -> Bool {
        slots == nil || operation.names.contains { table.entries[Int($0)].node == node.index }
    }

    /// Takes the connection off names.
    /// - Returns: whether these were the last ones.
    private func leave(_ suspended: SuspendedRequest, _ request: NameRequest, _ slot: Int) -> Bool {
        request.forEach(from: &suspended.progress, atMost: max(1, workLeft)) { name, isPattern in
            workLeft -= 1
            let index = table.find(name, isPattern: isPattern)
            guard index != ChannelTable.none else { return true }
            if suspended.mustWait, isFirst(index, of: suspended) {
                table.entries[Int(index)].pendingCount += 1
                suspended.operation.names.append(index)
            }
            leave(slot, index)
            return true
        }
    }

    // MARK: Order

    /// Whether a request has to be answered after others of the same connection, since it names a channel that they
    /// name too, or may do so.
    private func namesWhatIsPending(_ request: NameRequest, _ slot: Int) -> Bool {
        guard sessions[slot].pending.count > 0 else { return false }
        guard sessions[slot].pending.others == 0, request.count <= Self.fewNames else { return true }
        var isPending = false
        request.forEach { name, isPattern in
            let index = table.find(name, isPattern: isPattern)
            isPending = index != ChannelTable.none && table.entries[Int(index)].pendingCount > 0
            return !isPending
        }
        return isPending
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
}
