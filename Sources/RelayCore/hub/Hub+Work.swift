/// The work of one turn is bounded, whatever connections ask for (contract rule 12).
///
/// Work is counted in names. What a turn cannot do of it goes on in the next one: requests with many names
/// (`SuspendedRequest`), and what is left behind by connections and requests that have ended (`Task`). Until then a connection
/// with such a request is not read from; all others are served in between.
extension Hub {
    /// Names that are worked on in one turn. Each costs some hundred nanoseconds at most, so this is one or two milliseconds.
    package static let workPerTurn = 8192
    /// Requests and connections with no more names than this are dealt with at once.
    static let fewNames = 256

    /// What is done over several turns, and nobody waits for, or only who asked.
    enum Task {
        /// Names of a request that has come to nothing.
        case abandon([UInt32])
        /// An Unsubscribe with many names, whose turn to be answered has come: they go first.
        case leave(NameOperation)
        /// The names of a connection that has ended.
        case release(connection: ConnectionID)
    }

    /// Whether something is left for another turn, which then has to come at once.
    package var hasWork: Bool { !tasks.isEmpty || isWorkAwaited }

    /// Begins a new turn's work: first what has been left behind, which gets half of it at most.
    func workOnTasks() {
        (workLeft, isWorkAwaited) = (Self.workPerTurn, false)
        while workLeft > Self.workPerTurn / 2, let task = tasks.first {
            switch task {
            case .abandon(let names): abandonSome(of: names)
            case .leave(let operation): leaveSome(of: operation)
            case .release(let connection): releaseSome(of: connection)
            }
        }
    }

    /// Takes so many names off the half of this turn's work that is for tasks.
    /// - Returns: how many of them may be worked on now.
    private func takeWork(_ wanted: Int) -> Int {
        let granted = max(0, min(wanted, workLeft - Self.workPerTurn / 2))
        workLeft -= granted
        return granted
    }

    /// The names of a request, or of a connection that has asked for them, are not wanted by it any more.
    func abandon(_ names: [UInt32]) {
        guard names.count > Self.fewNames else {
            for index in names { subscriptions.endPending(index) }
            return
        }
        tasks.append(.abandon(names))
    }

    private func abandonSome(of names: [UInt32]) {
        for index in names[taskProgress...].prefix(takeWork(names.count - taskProgress)) {
            subscriptions.endPending(index)
            taskProgress += 1
        }
        if taskProgress == names.count { endTask() }
    }

    /// An Unsubscribe with many names that had to wait for its turn: the names go, then it is answered.
    func leaveLater(_ operation: NameOperation) { tasks.append(.leave(operation)) }

    private func leaveSome(of operation: NameOperation) {
        // Its connection has ended meanwhile, and its names are another task.
        guard !operation.isDone else { return endTask() }
        let count = operation.names.count
        for index in operation.names[taskProgress...].prefix(takeWork(count - taskProgress)) {
            leave(operation.connection, index)
            taskProgress += 1
        }
        guard taskProgress == count else { return }
        endTask()
        finishLeaving(operation)
    }

    /// Everything that a connection holds or has asked for is given up: it has ended, or is about to.
    func releaseNames(of connection: ConnectionID) {
        guard !sessions[connection].isReleasing else { return }
        if let request = sessions[connection].suspended { drop(request, of: connection) }
        var next = sessions[connection].pending.first
        while let operation = next {
            next = operation.successor
            removePending(operation, connection)
            operation.successor = nil
            operation.isDone = true
            subscriptionCount -= operation.newNames
            abandon(operation.names)
        }
        sessions[connection].pending = PendingRequests()
        if sessions[connection].held.count > Self.fewNames {
            sessions[connection].isReleasing = true
            // They have ended with it, although the table has them for some turns more.
            subscriptionCount -= sessions[connection].held.count
            tasks.append(.release(connection: connection))
        } else {
            while let index = sessions[connection].held.last { leave(connection, index) }
        }
    }

    private func drop(_ request: SuspendedRequest, of connection: ConnectionID) {
        sessions[connection].suspended = nil
        request.operation.isDone = true
        subscriptionCount -= request.operation.newNames
        abandon(request.operation.names)
    }

    private func releaseSome(of connection: ConnectionID) {
        for _ in 0..<takeWork(sessions[connection].held.count) {
            guard let index = sessions[connection].held.last else { break }
            leave(connection, index)
        }
        guard sessions[connection].held.count == 0 else { return }
        sessions[connection].isReleasing = false
        endTask()
        if sessions[connection].isClosed { vacate(connection) }
    }

    private func endTask() {
        _ = tasks.popFirst()
        taskProgress = 0
    }
}
