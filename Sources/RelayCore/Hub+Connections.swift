extension Hub {
    /// A place for a new connection, or nil when there are as many as allowed.
    package func openConnection() -> Int? {
        let slot: Int
        if let vacant = vacantSlots.popLast() {
            slot = vacant
        } else {
            guard slotsUsed < limits.maxConnections else { return nil }
            slot = slotsUsed
            slotsUsed += 1
            (sessions + slot).initialize(to: Session())
            (splitters + slot).initialize(to: FrameSplitter())
        }
        connectionCount += 1
        counters.connectionsAccepted += 1
        outboxes.open(slot)
        sessions[slot].phase = .awaitingHello
        setDeadline(now + limits.helloTimeout, of: slot)
        return slot
    }

    /// The socket is closed, for whatever reason. Nothing of the connection remains, but for many names, which go over the
    /// next turns; then its slot is free.
    package func connectionClosed(_ slot: Int) {
        releaseNames(of: slot)
        setDeadline(0, of: slot)
        outboxes.close(slot)
        leaveRoomQueue(slot)
        dropInput(slot)
        sessions[slot].generation &+= 1
        sessions[slot].phase = .vacant
        connectionCount -= 1
        if sessions[slot].isReleasing { sessions[slot].isClosed = true } else { vacate(slot) }
    }

    /// Nothing refers to the slot as the connection that has closed.
    func vacate(_ slot: Int) {
        let generation = sessions[slot].generation
        let (isBlocked, hasPublishLoss) = (sessions[slot].isBlocked, sessions[slot].hasPublishLoss)
        sessions[slot] = Session()
        sessions[slot].generation = generation
        // Still in these lists; whoever goes through them finds a vacant slot, or its successor.
        (sessions[slot].isBlocked, sessions[slot].hasPublishLoss) = (isBlocked, hasPublishLoss)
        vacantSlots.append(slot)
    }

    /// The app has shut its writing side. Half a frame is discarded; owed replies are sent, then the relay closes.
    package func inputEnded(_ slot: Int) {
        guard sessions[slot].phase == .awaitingHello || sessions[slot].phase == .serving else { return }
        sessions[slot].phase = .ending
        dropInput(slot)
        setDeadline(0, of: slot)
        finishIfNothingIsOwed(slot)
    }

    func finishIfNothingIsOwed(_ slot: Int) {
        guard sessions[slot].phase == .ending, sessions[slot].owedAnswers == 0, sessions[slot].pending.count == 0
        else { return }
        emitPublishLosses(slot, all: true)
        outboxes.seal(slot)
        releaseNames(of: slot)
        environment?.connectionIsFinished(slot, code: nil, detail: "")
    }

    /// What the app of a connection calls itself; empty when it has not said.
    package func clientName(_ slot: Int) -> String { sessions[slot].clientName }

    /// Ends a connection with an Error, once. Its subscriptions end here.
    package func fail(_ slot: Int, _ code: ErrorCode, _ detail: String) {
        switch sessions[slot].phase {
        case .vacant, .failing: return
        case .awaitingHello, .serving, .ending: break
        }
        sessions[slot].phase = .failing
        setDeadline(0, of: slot)
        releaseNames(of: slot)
        emitPublishLosses(slot, all: true)
        outboxes.appendControl(outboxes.arena.error(code, detail: detail), to: slot)
        outboxes.seal(slot)
        counters.connectionsClosed[code] += 1
        environment?.connectionIsFinished(slot, code: code, detail: detail)
    }

    /// Closes those whose unread output has gone past a hard bound: their own, or that of all connections together. What they
    /// have not read may still be read for a while, but that has a bound, too. Not while a frame of theirs is being read.
    func failOverflowed() {
        for slot in outboxes.takeOverflowed() {
            fail(slot, .tooMany, "the app does not read: over \(outboxes.bounds.hardBound) bytes wait for it")
        }
        for slot in outboxes.takeMostUnread() {
            fail(
                slot, .tooMany,
                "the app does not read: unread Replies of all connections take over \(outboxes.bounds.maxBuffered) bytes "
                    + "(--max-buffered), and this one's are among the most")
        }
        for slot in outboxes.takeMostSealed() {
            outboxes.discard(slot)
            outboxes.setBacklog(0, of: slot)
            environment?.connectionIsLost(slot)
        }
    }

    /// The relay shuts down: connections that are owed nothing, and of which nothing is being read, end in peace.
    /// - Parameter hasInput: whether something waits at a connection's socket.
    package func endIdle(hasInput: (_ slot: Int) -> Bool) {
        for slot in 0..<slotsUsed {
            switch sessions[slot].phase {
            case .vacant, .failing, .ending: continue
            case .awaitingHello, .serving: break
            }
            guard sessions[slot].owedAnswers == 0, sessions[slot].pending.count == 0, !sessions[slot].isBlocked,
                splitters[slot].heldBytes == 0, outboxes.unread(slot) == 0, !hasInput(slot)
            else { continue }
            inputEnded(slot)
        }
    }

    /// The relay has begun to stop, or the path has changed: every connection is told.
    package func announce(_ status: RelayStatus) {
        self.status = status
        let frame = outboxes.arena.status(status)
        for slot in 0..<slotsUsed where sessions[slot].phase == .serving || sessions[slot].phase == .ending {
            outboxes.appendControl(frame, to: slot)
        }
    }

    // MARK: Deadlines

    func setDeadline(_ deadline: UInt64, of slot: Int) {
        deadlineCount += (deadline == 0 ? 0 : 1) - (sessions[slot].deadline == 0 ? 0 : 1)
        sessions[slot].deadline = deadline
    }

    /// Whether `failLate` has anything to look at.
    package var hasDeadlines: Bool { deadlineCount > 0 }

    /// Our own loop stood still for so many nanoseconds: what came meanwhile was not read, and nobody is late for that. Nor
    /// has anybody longer than from now on: a deadline may have been set only afterwards, before this was called.
    package func forgive(_ nanoseconds: UInt64) {
        guard deadlineCount > 0 else { return }
        for slot in 0..<slotsUsed where sessions[slot].deadline != 0 {
            let timeout = sessions[slot].phase == .awaitingHello ? limits.helloTimeout : limits.frameTimeout
            sessions[slot].deadline = min(now + timeout, sessions[slot].deadline + nanoseconds)
        }
    }

    /// Closes connections whose Hello or whose started frame has not come in time. To be called a few times a second.
    package func failLate() {
        guard deadlineCount > 0 else { return }
        for slot in 0..<slotsUsed where sessions[slot].deadline != 0 {
            if sessions[slot].phase == .awaitingHello {
                guard now >= sessions[slot].deadline else { continue }
                fail(slot, .timeout, "no Hello within \(limits.helloTimeout / 1_000_000) ms")
            } else if let reason = lateFrame(slot) {
                fail(slot, .timeout, reason)
            } else {
                continue
            }
            dropInput(slot)
        }
    }
}
