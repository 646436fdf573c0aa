extension Hub {
    /// A place for a new connection; nil if there are already as many as allowed.
    package func openConnection() -> ConnectionID? {
        let connection: ConnectionID
        if let vacant = vacantConnections.popLast() {
            connection = vacant
        } else {
            guard connectionsUsed < limits.maxConnections else { return nil }
            connection = ConnectionID(index: connectionsUsed)
            connectionsUsed += 1
            sessions.pointer(to: connection).initialize(to: Session())
            splitters.pointer(to: connection).initialize(to: FrameSplitter())
        }
        connectionCount += 1
        counters.connectionsAccepted += 1
        outboxes.open(connection)
        sessions[connection].phase = .awaitingHello
        sessions[connection].number = counters.connectionsAccepted
        sessions[connection].openedAt = now
        setDeadline(now + limits.helloTimeout, of: connection)
        return connection
    }

    /// The socket is closed, for whatever reason. Removes everything of the connection; only many names are removed
    /// over the next turns. Then a new connection may get its `ConnectionID`.
    package func connectionClosed(_ connection: ConnectionID) {
        releaseNames(of: connection)
        setDeadline(0, of: connection)
        outboxes.close(connection)
        leaveRoomQueue(connection)
        dropInput(connection)
        sessions[connection].generation &+= 1
        sessions[connection].phase = .vacant
        connectionCount -= 1
        if sessions[connection].isReleasing { sessions[connection].isClosed = true } else { vacate(connection) }
    }

    /// Nothing refers to the closed connection any more: a new one may get its `ConnectionID`.
    func vacate(_ connection: ConnectionID) {
        let generation = sessions[connection].generation
        let (isBlocked, hasPublishLoss) = (sessions[connection].isBlocked, sessions[connection].hasPublishLoss)
        sessions[connection] = Session()
        sessions[connection].generation = generation
        // The place may still be in these lists. Code that goes through them finds it vacant, or with a successor.
        (sessions[connection].isBlocked, sessions[connection].hasPublishLoss) = (isBlocked, hasPublishLoss)
        vacantConnections.append(connection)
    }

    /// The app has shut down its write side. Half a frame is discarded; owed replies are sent, then the relay closes.
    package func inputEnded(_ connection: ConnectionID) {
        guard sessions[connection].phase == .awaitingHello || sessions[connection].phase == .serving else { return }
        sessions[connection].phase = .ending
        dropInput(connection)
        setDeadline(0, of: connection)
        finishIfNothingIsOwed(connection)
    }

    func finishIfNothingIsOwed(_ connection: ConnectionID) {
        guard sessions[connection].phase == .ending, sessions[connection].owedAnswers == 0,
            sessions[connection].pending.count == 0
        else { return }
        emitPublishLosses(connection, all: true)
        outboxes.seal(connection)
        releaseNames(of: connection)
        finish(connection)
    }

    /// All output of the connection is in its outbox: it is to be closed after that.
    private func finish(_ connection: ConnectionID, code: ErrorCode? = nil, detail: String = "") {
        hasFinished = true
        act(.finish(connection, code: code, detail: detail))
    }

    /// The name that the app of a connection has given itself; empty if it has given none.
    package func clientName(_ connection: ConnectionID) -> String { sessions[connection].clientName }

    /// Ends a connection with an Error, at most once. Its subscriptions end here.
    package func fail(_ connection: ConnectionID, _ code: ErrorCode, _ detail: String) {
        switch sessions[connection].phase {
        case .vacant, .failing: return
        case .awaitingHello, .serving, .ending: break
        }
        sessions[connection].phase = .failing
        setDeadline(0, of: connection)
        releaseNames(of: connection)
        emitPublishLosses(connection, all: true)
        outboxes.appendControl(outboxes.arena.error(code, detail: detail), to: connection)
        outboxes.seal(connection)
        counters.connectionsClosed[code] += 1
        finish(connection, code: code, detail: detail)
    }

    /// Closes connections whose unread output exceeds a hard bound: their own, or that of all connections together.
    /// They may still read what they have not read for a while, but that has a bound, too. Must not be called while a
    /// frame of such a connection is being read.
    func failOverflowed() {
        for connection in outboxes.takeOverflowed() {
            fail(connection, .tooMany, "the app does not read: over \(outboxes.bounds.hardBound) bytes are unread")
        }
        for connection in outboxes.takeMostUnread() {
            fail(
                connection, .tooMany,
                "the app does not read: unread Replies of all connections take over \(outboxes.bounds.maxBuffered) "
                    + "bytes (--max-buffered), and this connection is one of those with the most")
        }
        for connection in outboxes.takeMostSealed() {
            outboxes.discard(connection)
            outboxes.setBacklog(0, of: connection)
            act(.closeConnection(connection))
        }
    }

    /// The relay shuts down: ends, without an Error, connections that are owed nothing and have no unprocessed input.
    /// - Parameter hasInput: whether bytes wait to be read at a connection's socket.
    package func endIdle(hasInput: (_ connection: ConnectionID) -> Bool) {
        for connection in usedConnections {
            switch sessions[connection].phase {
            case .vacant, .failing, .ending: continue
            case .awaitingHello, .serving: break
            }
            guard sessions[connection].owedAnswers == 0, sessions[connection].pending.count == 0,
                !sessions[connection].isBlocked,
                splitters[connection].heldBytes == 0, outboxes.unread(connection) == 0, !hasInput(connection)
            else { continue }
            inputEnded(connection)
        }
    }

    /// The relay has begun to stop, or the path has changed: every connection gets a Status.
    package func announce(_ status: RelayStatus) {
        self.status = status
        let frame = outboxes.arena.status(status)
        for connection in usedConnections
        where sessions[connection].phase == .serving || sessions[connection].phase == .ending {
            outboxes.appendControl(frame, to: connection)
        }
    }

    // MARK: Deadlines

    func setDeadline(_ deadline: UInt64, of connection: ConnectionID) {
        deadlineCount += (deadline == 0 ? 0 : 1) - (sessions[connection].deadline == 0 ? 0 : 1)
        sessions[connection].deadline = deadline
    }

    /// Whether any connection has a deadline for `failLate` to check.
    package var hasDeadlines: Bool { deadlineCount > 0 }

    /// Time in which the loop did not run (so many nanoseconds) counts toward no timeout: no input was read then. No
    /// deadline is moved past a full timeout from now, since it may have been set only after that time.
    package func forgive(_ nanoseconds: UInt64) {
        guard deadlineCount > 0 else { return }
        for connection in usedConnections where sessions[connection].deadline != 0 {
            let timeout = sessions[connection].phase == .awaitingHello ? limits.helloTimeout : limits.frameTimeout
            sessions[connection].deadline = min(now + timeout, sessions[connection].deadline + nanoseconds)
        }
    }

    /// Closes connections whose Hello or started frame is not complete in time. To be called a few times a second.
    package func failLate() {
        guard deadlineCount > 0 else { return }
        for connection in usedConnections where sessions[connection].deadline != 0 {
            if sessions[connection].phase == .awaitingHello {
                guard now >= sessions[connection].deadline else { continue }
                fail(connection, .timeout, "no Hello within \(limits.helloTimeout / 1_000_000) ms")
            } else if let reason = lateFrame(connection) {
                fail(connection, .timeout, reason)
            } else {
                continue
            }
            dropInput(connection)
        }
    }
}
