/// The work of one turn is bounded, whatever connections ask for (PROTOCOL.md, rule 13).
///
/// Work is counted in names. What does not fit one turn goes on in the next one: requests with many names
/// (`SuspendedRequest`), and the names that ended connections and requests leave behind (`Task`). A connection with
/// such a request is not read from until it is done; all others are served in between.
extension Hub {
    /// Names worked on in one turn. Each costs some hundred nanoseconds at most, so this is one or two milliseconds.
    package static let workPerTurn = 8192
    /// Requests and connections with no more names than this are dealt with at once.
    static let fewNames = 256

    /// Work that takes several turns. Nobody waits for it, except perhaps the connection that asked.
    enum Task {
        /// Names of a request that does not need them any more.
        case abandon([UInt32])
        /// An Unsubscribe with many names, whose turn to be answered has come: first its names go.
        case leave(NameOperation)
        /// The names of a connection that has ended.
        case release(connection: ConnectionID)
    }

    /// Whether work is left for another turn, which then must come at once.
    package var hasWork: Bool { !tasks.isEmpty || isWorkAwaited }

    /// Begins a new turn's work. Tasks come first, and get half of it at most.
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

    /// Takes up to so many names from the half of this turn's work that is for tasks.
    /// - Returns: how many names may be worked on now.
    private func takeWork(_ wanted: Int) -> Int {
        let granted = max(0, min(wanted, workLeft - Self.workPerTurn / 2))
        workLeft -= granted
        return granted
    }

    /// A request, or the connection that has made it, does not want these names any more.
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

    /// An Unsubscribe with many names, whose turn has come: its names go over several turns, then it is answered.
    func leaveLater(_ operation: NameOperation) { tasks.append(.leave(operation)) }

    private func leaveSome(of operation: NameOperation) {
        // Its connection has ended meanwhile, and another task removes its names.
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

    /// Gives up everything that a connection holds or has asked for: it has ended, or is about to.
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
            // These subscriptions end now, although the table has them for some turns more.
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
