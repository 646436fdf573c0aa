/// The order in which requests are answered, and their answers.
extension Hub {
    /// Puts a request behind the connection's earlier ones, since they are answered in order.
    func enqueue(_ operation: NameOperation, _ connection: ConnectionID) {
        if let last = sessions[connection].pending.last {
            last.successor = operation
            operation.waiting += 1
        }
        guard operation.waiting > 0 else { return }
        if sessions[connection].pending.first == nil { sessions[connection].pending.first = operation }
        sessions[connection].pending.last = operation
        sessions[connection].pending.count += 1
        countPending(1)
        sessions[connection].pending.names += operation.names.count
        sessions[connection].pending.newNames += operation.newNames
        if !operation.isSubscribe { sessions[connection].pending.others += 1 }
        operation.isEnqueued = true
    }

    // MARK: Answers

    /// For each operation, one of the things that it waits for has come.
    func advance(_ operations: [NameOperation]) {
        for operation in operations { advance(operation) }
    }

    /// One of the things that `operation` waits for has come.
    func advance(_ operation: NameOperation) {
        operation.waiting -= 1
        if operation.waiting == 0, !operation.isDone { finish(operation) }
    }

    /// Answers a request, and the requests behind it that waited for nothing else.
    func finish(_ first: NameOperation) {
        var next: NameOperation? = first
        while let operation = next {
            next = nil
            if case .unsubscribe = operation.kind, operation.names.count > Self.fewNames {
                return leaveLater(operation)
            }
            conclude(operation)
            if let successor = operation.successor {
                operation.successor = nil
                successor.waiting -= 1
                if successor.waiting == 0, !successor.isDone { next = successor }
            }
        }
    }

    /// The names of an Unsubscribe have gone: answers it, and the requests behind it that waited for nothing else.
    func finishLeaving(_ operation: NameOperation) {
        let names = operation.names
        removePending(operation, operation.connection)
        operation.names = []
        abandon(names)
        finish(operation)
    }

    /// Makes the outcome of a request take effect, and answers the request.
    private func conclude(_ operation: NameOperation) {
        operation.isDone = true
        let connection = operation.connection
        removePending(operation, connection)
        switch operation.kind {
        case .unsubscribe:
            for index in operation.names {
                leave(connection, index)
                subscriptions.endPending(index)
            }
            reply(operation.id, .ok, to: connection)
        case .answer(let outcome, let detail): reply(operation.id, outcome, detail: detail, to: connection)
        case .subscribe where operation.refused.isEmpty || operation.id == 0:
            revoke(operation.refused, from: connection, operation.refusal)
            let isInForce = operation.names.allSatisfy { subscriptions.isInForce($0) }
            join(operation)
            let outcome: Outcome = !operation.refused.isEmpty ? .refused : isInForce ? .ok : .pending
            countSubscribe(operation.names.count, outcome, connection)
            reply(operation.id, isInForce ? .ok : .pending, to: connection)
        case .subscribe:
            let names = refusedNames(of: operation)
            let patterns = operation.refused.lazy.filter { self.subscriptions[$0].isPattern }
            let text = refusalText(operation.refusal, of: patterns.first ?? operation.refused[0])
            let (listed, count) = (names.channels.count + names.patterns.count, operation.refused.count)
            let detail = text + (listed == count ? "" : " (\(listed) of \(count) names are listed)")
            countSubscribe(operation.names.count, .refused, connection)
            reply(operation.id, .refused, detail: detail, names: names, to: connection)
            subscriptionCount -= operation.newNames
            abandon(operation.names)
        }
        if sessions[connection].phase == .ending { finishIfNothingIsOwed(connection) }
    }

    /// Counts the answer to a Subscribe.
    func countSubscribe(_ names: Int, _ outcome: Outcome, _ connection: ConnectionID) {
        counters.subscribes[outcome] += 1
        if tellsClientEvents { act(.tell(connection, .subscribed(names: names, outcome))) }
    }

    /// The names that Redis has refused, as many as fit a frame.
    private func refusedNames(of operation: NameOperation) -> NameLists {
        // `frameOverheadBytes` leaves room for everything else: the detail is at most 700 bytes long.
        var room = identity.maxFrameBytes - 1024
        var names = NameLists()
        for index in operation.refused {
            let name = subscriptions.name(of: index)
            room -= WireWriter.size(ofBytes: name.count)
            guard room >= 0 else { break }
            if subscriptions[index].isPattern { names.patterns.append(name) } else { names.channels.append(name) }
        }
        return names
    }

    private func countPending(_ change: Int) {
        pendingRequests += change
        pendingLimit =
            pendingRequests < PendingRequests.maxTotal ? PendingRequests.maxCount : PendingRequests.crowdedCount
    }

    func removePending(_ operation: NameOperation, _ connection: ConnectionID) {
        guard operation.isEnqueued else { return }
        operation.isEnqueued = false
        if sessions[connection].pending.first === operation { sessions[connection].pending.first = operation.successor }
        if sessions[connection].pending.last === operation { sessions[connection].pending.last = nil }
        sessions[connection].pending.count -= 1
        countPending(-1)
        // The connection may be able to go on, which the next turn checks.
        if sessions[connection].isBlocked { isWorkAwaited = true }
        sessions[connection].pending.names -= operation.names.count
        sessions[connection].pending.newNames -= operation.newNames
        if !operation.isSubscribe { sessions[connection].pending.others -= 1 }
    }
}
