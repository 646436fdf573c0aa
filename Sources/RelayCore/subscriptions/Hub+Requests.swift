/// Subscribe and Unsubscribe, from their frame until they wait for Redis or are answered.
extension Hub {
    /// Begins a request.
    ///
    /// A Subscribe is answered once Redis has answered for every name. It does not wait for a node without a subscribe
    /// link, or for one that will not be receiving in a moment. An Unsubscribe takes effect at once. For names that an
    /// unanswered Subscribe of this connection names too, it takes effect again in its turn.
    func begin(
        _ request: NameRequest, _ kind: NameOperation.Kind, in body: UnsafeRawBufferPointer,
        from connection: ConnectionID
    ) -> FrameSplitter.Verdict {
        workLeft -= 1
        var progress = RequestProgress(NameOperation(kind: kind, id: request.id, connection: connection))
        guard carryOut(request, &progress) else {
            sessions[connection].suspended = SuspendedRequest(request, in: body, progress)
            return hold(connection, for: .work)
        }
        return sessions[connection].phase == .serving ? .goOn : .stop
    }

    /// Continues a request whose frame has been kept.
    @inline(never)
    func resume(in body: UnsafeRawBufferPointer, from connection: ConnectionID) -> FrameSplitter.Verdict {
        guard let suspended = sessions[connection].suspended else { return .goOn }
        let content = UnsafeRawBufferPointer(rebasing: body[suspended.range])
        guard carryOut(NameRequest(suspended.request, content: content), &suspended.progress) else {
            return hold(connection, for: .work)
        }
        sessions[connection].suspended = nil
        return sessions[connection].phase == .serving ? .goOn : .stop
    }

    /// - Returns: whether the request is over; if not, it goes on in the next turn.
    private func carryOut(_ request: NameRequest, _ progress: inout RequestProgress) -> Bool {
        let (operation, connection) = (progress.operation, progress.operation.connection)
        while true {
            switch progress.stage {
            case .checking:
                var fault = request.count == 0 ? "no channels and no patterns" : self.fault(ofID: request.id)
                let isOver = fault != nil || check(request, &progress, &fault)
                if let fault {
                    if operation.isSubscribe { countSubscribe(request.count, .invalid, connection) }
                    answer(request, .invalid, fault, connection)
                    return true
                }
                guard isOver else { return false }
                progress.position = 0
                progress.stage = operation.isSubscribe ? .collecting : .leaving
                progress.mustWait = !operation.isSubscribe && namesWhatIsPending(request, connection)
            case .collecting:
                guard let isOver = collect(request, &progress) else {
                    let text = limitText(operation)
                    countSubscribe(request.count, .limit, connection)
                    subscriptionCount -= operation.newNames
                    abandon(operation.names)
                    answer(request, .limit, text, connection)
                    return true
                }
                guard isOver else { return false }
                (progress.position, progress.stage) = (0, .asking)
                // It must not be answered before every name has been asked for.
                operation.waiting += 1
            case .asking:
                guard ask(&progress) else { return false }
                subscriptions.awaitRestores(operation, at: progress.nodes)
                enqueue(operation, connection)
                advance(operation)
                return true
            case .leaving:
                guard leave(request, &progress) else { return false }
                if tellsClientEvents { act(.tell(connection, .unsubscribed(names: request.count))) }
                guard progress.mustWait else {
                    reply(request.id, .ok, to: connection)
                    return true
                }
                // It counts as unanswered even if what it waited for has its answer: its own answer may take a while.
                operation.waiting += 1
                enqueue(operation, connection)
                advance(operation)
                return true
            }
        }
    }

    // MARK: The stages

    /// How many names of a request are worked on in one go: a part of a turn's work, so that several large requests,
    /// and small ones beside them, get their share. It is never less than the fields of a small request, which are its
    /// names and its id. A small request may use a reserve, and has to be complete within it.
    private var slice: Int { max(Self.smallRequestNames + 1, min(workLeft, Self.workPerTurn / 8)) }

    /// - Returns: whether all names have been checked, or one of them is not allowed.
    private func check(_ request: NameRequest, _ progress: inout RequestProgress, _ fault: inout String?) -> Bool {
        let before = progress.position
        var found: String?
        // Checking a name is cheap.
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

    /// Looks names up, or adds them to the table, and counts them as pending.
    /// - Returns: whether these were the last names; nil if a limit is exceeded.
    private func collect(_ request: NameRequest, _ progress: inout RequestProgress) -> Bool? {
        let (operation, connection) = (progress.operation, progress.operation.connection)
        let own = sessions[connection].held.count + sessions[connection].pending.newNames
        if operation.names.isEmpty { operation.names.reserveCapacity(min(request.count, 1 << 16)) }
        var isWithinLimits = true
        var position = progress.position
        defer { progress.position = position }
        let isOver = request.forEach(from: &position, atMost: slice) { name, isPattern in
            workLeft -= 1
            let index = subscriptions.findOrAdd(name, isPattern: isPattern)
            guard isFirst(index, of: request, &progress) else { return true }
            subscriptions.beginPending(index)
            operation.names.append(index)
            guard !subscriptions.isMember(connection, of: index) else { return true }
            operation.newNames += 1
            subscriptionCount += 1
            isWithinLimits =
                own + operation.newNames <= limits.maxSubscriptionsPerConnection
                && subscriptionCount <= limits.maxSubscriptions
            return isWithinLimits
        }
        return isWithinLimits ? isOver : nil
    }

    /// Whether the request has not named this before.
    private func isFirst(_ index: UInt32, of request: NameRequest, _ progress: inout RequestProgress) -> Bool {
        if request.count > Self.fewNames { return progress.seen.insert(index).inserted }
        return subscriptions[index].pendingCount == 0 || !progress.operation.names.contains(index)
    }

    /// Asks Redis for the names that it does not have.
    /// - Returns: whether these were the last names.
    private func ask(_ progress: inout RequestProgress) -> Bool {
        let operation = progress.operation
        let end = min(operation.names.count, progress.position + slice)
        for index in operation.names[progress.position..<end] {
            subscriptions.awaitAnswer(about: index, operation)
            if slots != nil { progress.nodes.insert(subscriptions[index].node) }
        }
        workLeft -= end - progress.position
        progress.position = end
        return end == operation.names.count
    }

    /// Removes the connection from the members of names.
    /// - Returns: whether these were the last names.
    private func leave(_ request: NameRequest, _ progress: inout RequestProgress) -> Bool {
        let (operation, connection) = (progress.operation, progress.operation.connection)
        var position = progress.position
        defer { progress.position = position }
        return request.forEach(from: &position, atMost: slice) { name, isPattern in
            workLeft -= 1
            let index = subscriptions.find(name, isPattern: isPattern)
            guard index != ChannelTable.none else { return true }
            if progress.mustWait, isFirst(index, of: request, &progress) {
                subscriptions.beginPending(index)
                operation.names.append(index)
            }
            leave(connection, index)
            return true
        }
    }

    // MARK: Order

    /// Whether a request must be answered after others of the same connection, since it names a channel that they name
    /// too, or might name.
    private func namesWhatIsPending(_ request: NameRequest, _ connection: ConnectionID) -> Bool {
        guard sessions[connection].pending.count > 0 else { return false }
        guard sessions[connection].pending.others == 0, request.count <= Self.fewNames else { return true }
        var isPending = false
        request.forEach { name, isPattern in
            let index = subscriptions.find(name, isPattern: isPattern)
            isPending = index != ChannelTable.none && subscriptions[index].pendingCount > 0
            return !isPending
        }
        return isPending
    }

    /// Answers a request that has no effect: at once, or in its turn.
    private func answer(_ request: NameRequest, _ outcome: Outcome, _ detail: String, _ connection: ConnectionID) {
        guard request.id != 0, namesWhatIsPending(request, connection) else {
            return reply(request.id, outcome, detail: detail, to: connection)
        }
        let operation = NameOperation(kind: .answer(outcome, detail: detail), id: request.id, connection: connection)
        enqueue(operation, connection)
        if operation.waiting == 0 { finish(operation) }
    }

    /// Which limit the request has exceeded, as text.
    private func limitText(_ operation: NameOperation) -> String {
        let connection = operation.connection
        let own = sessions[connection].held.count + sessions[connection].pending.newNames + operation.newNames
        return own > limits.maxSubscriptionsPerConnection
            ? "over \(limits.maxSubscriptionsPerConnection) subscriptions of this connection"
            : "over \(limits.maxSubscriptions) subscriptions of this relay"
    }
}
