/// How far a Subscribe or Unsubscribe is that is carried out name by name.
struct RequestProgress {
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
    var stage = Stage.checking
    /// How far the stage is: bytes of the request's fields, or for `asking` names of the operation.
    var position = 0
    /// Names met so far that count once only, where there are too many to look them through.
    var seen: Set<UInt32> = []
    /// Of an Unsubscribe: whether it is answered after earlier requests.
    var mustWait = false
    /// Of a Subscribe on a cluster: the nodes of its names, by their indices in `Hub.nodes`.
    var nodes: Set<UInt16> = []

    init(_ operation: NameOperation) { self.operation = operation }
}

/// A request with more names than a turn takes on, between two turns. Its frame is kept by the splitter.
final class SuspendedRequest {
    let request: NameRequest
    /// Where the request's fields lie in the body of their frame.
    let place: Range<Int>
    var progress: RequestProgress

    init(_ request: NameRequest, in body: UnsafeRawBufferPointer, _ progress: RequestProgress) {
        (self.request, self.progress) = (request, progress)
        let start = body.baseAddress.flatMap { base in request.content.baseAddress.map { $0 - base } } ?? 0
        place = start..<start + request.content.count
    }

    var operation: NameOperation { progress.operation }
}

/// Subscribe and Unsubscribe, from their frame to where they wait for Redis or are answered.
extension Hub {
    /// Begins a request.
    ///
    /// A Subscribe is answered once every name has Redis's answer; for a node without a subscribe link, or one that will not
    /// be receiving in a moment, nobody waits. An Unsubscribe is in force at once, and once more in its turn, for names that
    /// an unanswered Subscribe of this connection names too.
    func begin(
        _ request: NameRequest, _ kind: NameOperation.Kind, in body: UnsafeRawBufferPointer, from slot: Int
    ) -> FrameSplitter.Verdict {
        workLeft -= 1
        var progress = RequestProgress(NameOperation(kind: kind, id: request.id, slot: slot))
        guard carryOut(request, &progress) else {
            sessions[slot].suspended = SuspendedRequest(request, in: body, progress)
            return hold(slot, for: .work)
        }
        return sessions[slot].phase == .serving ? .goOn : .stop
    }

    /// Goes on with a request whose frame has been kept.
    @inline(never)
    func resume(in body: UnsafeRawBufferPointer, from slot: Int) -> FrameSplitter.Verdict {
        guard let suspended = sessions[slot].suspended else { return .goOn }
        let content = UnsafeRawBufferPointer(rebasing: body[suspended.place])
        guard carryOut(NameRequest(suspended.request, content: content), &suspended.progress) else {
            return hold(slot, for: .work)
        }
        sessions[slot].suspended = nil
        return sessions[slot].phase == .serving ? .goOn : .stop
    }

    /// - Returns: whether the request is over; if not, it goes on in the next turn.
    private func carryOut(_ request: NameRequest, _ progress: inout RequestProgress) -> Bool {
        let (operation, slot) = (progress.operation, progress.operation.slot)
        while true {
            switch progress.stage {
            case .checking:
                var fault = request.count == 0 ? "no channels and no patterns" : self.fault(ofID: request.id)
                let isOver = fault != nil || check(request, &progress, &fault)
                if let fault {
                    answer(request, .invalid, fault, slot)
                    return true
                }
                guard isOver else { return false }
                progress.position = 0
                progress.stage = operation.isSubscribe ? .collecting : .leaving
                progress.mustWait = !operation.isSubscribe && namesWhatIsPending(request, slot)
            case .collecting:
                guard let isOver = collect(request, &progress) else {
                    let text = limitText(operation)
                    subscriptionCount -= operation.newNames
                    abandon(operation.names)
                    answer(request, .limit, text, slot)
                    return true
                }
                guard isOver else { return false }
                (progress.position, progress.stage) = (0, .asking)
                // Not answered before everything has been asked for.
                operation.waiting += 1
            case .asking:
                guard ask(&progress) else { return false }
                awaitRestores(operation, at: progress.nodes)
                enqueue(operation, slot)
                advance(operation)
                return true
            case .leaving:
                guard leave(request, &progress) else { return false }
                guard progress.mustWait else {
                    reply(request.id, .ok, to: slot)
                    return true
                }
                // Among the unanswered ones also when what it waited for has been answered meanwhile: it may take a while.
                operation.waiting += 1
                enqueue(operation, slot)
                advance(operation)
                return true
            }
        }
    }

    // MARK: The stages

    /// Names of a request that are worked on in one go: a part of a turn, so that several large requests, and small ones
    /// beside them, have their share of each. Never less than a small request has, with its id: that has a reserve, and would
    /// not be carried out within it otherwise.
    private var slice: Int { max(Self.smallRequestNames + 1, min(workLeft, Self.workPerTurn / 8)) }

    /// - Returns: whether all names have been looked at, or one of them is not allowed.
    private func check(_ request: NameRequest, _ progress: inout RequestProgress, _ fault: inout String?) -> Bool {
        let before = progress.position
        var found: String?
        // A look at a name is cheap.
        let isOver = request.forEach(from: &progress.position, atMost: 8 * slice) { name, isPattern in
            found = self.fault(of: name, isPattern: isPattern)
            return found == nil
        }
        workLeft -= (progress.position - before) / 64
        fault = found
        return isOver
    }

    private func fault(of name: UnsafeRawBufferPointer, isPattern: Bool) -> String? {
        if isPattern, slots != nil { return "sharded pub/sub has no patterns (--cluster-pubsub classic has)" }
        return nameFault(of: name, isPattern: isPattern)?.text(isPattern ? "a pattern" : "a channel")
    }

    /// Looks names up, or puts them in the table, and counts them as pending.
    /// - Returns: whether these were the last ones; nil when a limit is reached.
    private func collect(_ request: NameRequest, _ progress: inout RequestProgress) -> Bool? {
        let (operation, slot) = (progress.operation, progress.operation.slot)
        let own = sessions[slot].held.count + sessions[slot].pending.newNames
        if operation.names.isEmpty { operation.names.reserveCapacity(min(request.count, 1 << 16)) }
        var isWithinLimits = true
        var position = progress.position
        defer { progress.position = position }
        let isOver = request.forEach(from: &position, atMost: slice) { name, isPattern in
            workLeft -= 1
            let index = table.findOrInsert(name, isPattern: isPattern)
            // A name that is new, or that nobody wants, may be placed anew; the others stay where Redis has them.
            if table.entries[Int(index)].isUnused { place(index) }
            guard isFirst(index, of: request, &progress) else { return true }
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
    private func isFirst(_ index: UInt32, of request: NameRequest, _ progress: inout RequestProgress) -> Bool {
        if request.count > Self.fewNames { return progress.seen.insert(index).inserted }
        return table.entries[Int(index)].pendingCount == 0 || !progress.operation.names.contains(index)
    }

    /// Asks for what Redis does not have.
    /// - Returns: whether that was all.
    private func ask(_ progress: inout RequestProgress) -> Bool {
        let operation = progress.operation
        let end = min(operation.names.count, progress.position + slice)
        for place in progress.position..<end {
            let index = operation.names[place]
            awaitAnswer(on: index, operation)
            if slots != nil { progress.nodes.insert(table.entries[Int(index)].node) }
        }
        workLeft -= end - progress.position
        progress.position = end
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

    /// - Parameter indices: of a cluster, the nodes of the names.
    private func awaitRestores(_ operation: NameOperation, at indices: Set<UInt16>) {
        for node in nodes where node.phase == .restoring && node.isLiveExpected {
            guard slots == nil || indices.contains(UInt16(node.index)) else { continue }
            node.awaitLive(operation)
            operation.waiting += 1
        }
    }

    /// Takes the connection off names.
    /// - Returns: whether these were the last ones.
    private func leave(_ request: NameRequest, _ progress: inout RequestProgress) -> Bool {
        let (operation, slot) = (progress.operation, progress.operation.slot)
        var position = progress.position
        defer { progress.position = position }
        return request.forEach(from: &position, atMost: slice) { name, isPattern in
            workLeft -= 1
            let index = table.find(name, isPattern: isPattern)
            guard index != ChannelTable.none else { return true }
            if progress.mustWait, isFirst(index, of: request, &progress) {
                table.entries[Int(index)].pendingCount += 1
                operation.names.append(index)
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
