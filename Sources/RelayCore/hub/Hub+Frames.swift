extension Hub {
    /// Bytes from an app, whole frames or not.
    package func receive(_ bytes: UnsafeRawBufferPointer, from connection: ConnectionID) {
        counters.bytesFromApps += UInt64(bytes.count)
        guard sessions[connection].phase == .awaitingHello || sessions[connection].phase == .serving else { return }
        let heldBefore = splitters[connection].heldBytes
        do throws(FrameSplitter.Violation) {
            try splitters[connection].feed(bytes) {
                sessions[connection].phase == .awaitingHello ? maxHelloBytes : identity.maxFrameBytes
            } consume: { body in
                consume(body, from: connection)
            }
        } catch {
            let limit = sessions[connection].phase == .awaitingHello ? maxHelloBytes : identity.maxFrameBytes
            switch error {
            case .empty: fail(connection, .malformed, "a frame of length 0")
            case .tooLarge: fail(connection, .frameTooLarge, "a frame of over \(limit) bytes")
            }
        }
        if sessions[connection].phase == .failing { splitters[connection].reset() }
        let held = splitters[connection].heldBytes
        if held | heldBefore != 0 {
            inputHeld += held - heldBefore
            keepRoom(for: connection)
        }
        updateFrameDeadline(connection)
    }

    /// Half a frame has a deadline, counted from its first byte. A frame that waits for the relay has none.
    private func updateFrameDeadline(_ connection: ConnectionID) {
        guard sessions[connection].phase == .serving else { return }
        if splitters[connection].heldBytes == 0 || sessions[connection].isBlocked {
            setDeadline(0, of: connection)
        } else if sessions[connection].deadline == 0 {
            setDeadline(now + limits.frameTimeout, of: connection)
        }
    }

    /// - Returns: `.stop` if the connection has ended, or if this frame must wait.
    private func consume(_ body: UnsafeRawBufferPointer, from connection: ConnectionID) -> FrameSplitter.Verdict {
        if sessions[connection].phase == .serving, let publish = PlainPublish(body) {
            return carryOut(publish.channel, publish.payload, publish.id, from: connection)
        }
        return consumeAny(body, from: connection)
    }

    /// Carries out a Publish. Nearly all frames are of this kind.
    @inline(__always)
    private func carryOut(
        _ channel: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ id: UInt64,
        from connection: ConnectionID
    ) -> FrameSplitter.Verdict {
        // The frame is complete, so the deadline that it had while it was incomplete ends.
        setDeadline(0, of: connection)
        sessions[connection].isPublisher = true
        guard mayTake(connection) else { return block(connection) }
        let isTaken = withNode(of: channel) { node in
            if slots != nil {
                sessions[connection].congestedNode = node.isCongested ? UInt16(node.index) : Hub.nowhere
                if node.isCongested { return false }
            }
            publish(channel: channel, payload: payload, id: id, from: connection, to: node)
            return true
        }
        guard isTaken else { return block(connection) }
        return sessions[connection].phase == .serving ? .goOn : .stop
    }

    @inline(never)
    private func consumeAny(_ body: UnsafeRawBufferPointer, from connection: ConnectionID) -> FrameSplitter.Verdict {
        if sessions[connection].suspended != nil { return resume(in: body, from: connection) }
        // Decoding takes a while, too, if there are many names or many unknown fields.
        let isLarge = body.count > Self.smallFrameBytes
        guard !isLarge || workLeft > 0 else { return hold(connection, for: .work) }
        workLeft -= body.count / 64
        let decoded: ClientFrame?
        do throws(WireError) { decoded = try ClientFrame.decodeAny(body) } catch {
            fail(connection, .malformed, FrameFault(in: body)?.text ?? error.explanation)
            return .stop
        }
        guard let frame = decoded else {
            fail(connection, .malformed, "a ClientFrame of a kind that this relay does not know")
            return .stop
        }
        guard sessions[connection].phase == .serving else { return greet(frame, connection) }
        setDeadline(0, of: connection)
        switch frame {
        case .hello:
            fail(connection, .helloExpected, "a second Hello")
            return .stop
        case .publish(let channel, let payload, let id): return carryOut(channel, payload, id, from: connection)
        case .subscribe(let request), .unsubscribe(let request):
            guard mayTake(connection) else { return block(connection) }
            guard isLarge || mayBegin(request) else { return hold(connection, for: .work) }
            if case .subscribe = frame { return begin(request, .subscribe, in: body, from: connection) }
            return begin(request, .unsubscribe, in: body, from: connection)
        case .ping(let id, let settled):
            // An Unsubscribe that waits only for the relay's own work comes first.
            if let first = sessions[connection].pending.first, first.waiting == 0 {
                return hold(connection, for: .work)
            }
            guard !settled || sessions[connection].owedAnswers == 0 else { return hold(connection, for: .answers) }
            if settled { emitPublishLosses(connection, all: true) }
            reply(id, id > maxRequestID ? .invalid : .ok, to: connection)
        }
        return sessions[connection].phase == .serving ? .goOn : .stop
    }

    /// Whether there is work left for a request. Small ones have a reserve, so they need not wait behind large ones.
    private func mayBegin(_ request: NameRequest) -> Bool {
        workLeft > (request.count <= Self.smallRequestNames ? -Self.workPerTurn / 8 : 0)
    }

    /// A request with no more names than this is small.
    static let smallRequestNames = 16

    /// Frames with more bytes than this wait for a turn that has work left.
    private static let smallFrameBytes = 16 << 10

    private func greet(_ frame: ClientFrame, _ connection: ConnectionID) -> FrameSplitter.Verdict {
        guard case .hello(let version, let name) = frame else {
            fail(connection, .helloExpected, "the first frame must be a Hello")
            return .stop
        }
        guard version >= protocolVersion else {
            fail(connection, .version, "version \(version) is not supported; this relay supports \(protocolVersion)")
            return .stop
        }
        guard name.count <= maxClientNameBytes else {
            fail(connection, .malformed, "client_name is over \(maxClientNameBytes) bytes")
            return .stop
        }
        sessions[connection].phase = .serving
        sessions[connection].clientName = String(decoding: name, as: UTF8.self)
        setDeadline(0, of: connection)
        outboxes.appendControl(outboxes.arena.welcome(identity, status: status), to: connection)
        if tellsClientEvents { act(.tell(connection, .greeted)) }
        return .goOn
    }

    // MARK: Replies

    @inline(__always)
    func reply(_ id: UInt64, _ outcome: Outcome, receivers: UInt64 = 0, to connection: ConnectionID) {
        guard id != 0 else { return }
        outboxes.appendControl(outboxes.arena.reply(id: id, outcome: outcome, receivers: receivers), to: connection)
    }

    func reply(
        _ id: UInt64, _ outcome: Outcome, detail: String, names: NameLists = NameLists(), to connection: ConnectionID
    ) {
        guard id != 0 else { return }
        outboxes.appendControl(
            outboxes.arena.reply(id: id, outcome: outcome, detail: detail, names: names), to: connection)
    }

    // MARK: Pushing back

    /// Whether frames of this connection may be taken now; if not, its socket is not read.
    @inline(__always)
    package func mayProceed(_ connection: ConnectionID) -> Bool {
        mayTake(connection) && (sessions[connection].hold == .none || isHoldOver(connection))
    }

    /// Whether neither congestion nor unanswered requests hold the connection back. Its `hold` is not checked.
    @inline(__always)
    private func mayTake(_ connection: ConnectionID) -> Bool {
        !(sessions[connection].isPublisher && isHeldBack(connection))
            && !sessions[connection].pending.isFull(limit: pendingLimit)
    }

    /// Whether a connection's `hold` is over.
    @inline(never)
    private func isHoldOver(_ connection: ConnectionID) -> Bool {
        switch sessions[connection].hold {
        case .none: true
        case .work: workLeft > 0
        case .answers: sessions[connection].owedAnswers == 0
        case .room: hasRoom(for: connection)
        }
    }

    /// Stops reading from a connection and keeps its frame, until the reason for the hold is over.
    func hold(_ connection: ConnectionID, for hold: Session.Hold) -> FrameSplitter.Verdict {
        sessions[connection].hold = hold
        if hold == .work { isWorkAwaited = true }
        return block(connection)
    }

    /// Notes that a connection waits; `unblock` lets it go on.
    @discardableResult
    package func block(_ connection: ConnectionID) -> FrameSplitter.Verdict {
        if !sessions[connection].isBlocked {
            sessions[connection].isBlocked = true
            blocked.append(connection)
        }
        return .stop
    }

    package func isBlocked(_ connection: ConnectionID) -> Bool { sessions[connection].isBlocked }

    /// Lets waiting connections go on that need not wait any more, beginning with the one that has waited longest.
    func unblock() {
        let waiting = blocked
        var notYet: [ConnectionID] = []
        var hasNoRoom = false
        blocked.removeAll(keepingCapacity: true)
        for connection in waiting {
            guard sessions[connection].phase == .serving else {
                sessions[connection].isBlocked = false
                leaveRoomQueue(connection)
                // A new connection in the place of one that was blocked.
                if sessions[connection].phase == .awaitingHello { act(.resumeReading(connection)) }
                continue
            }
            let awaitsRoom = sessions[connection].hold == .room
            // A connection that waits for little memory does not overtake one that waits for much.
            if awaitsRoom && hasNoRoom || !letGoOn(connection) { notYet.append(connection) }
            hasNoRoom = hasNoRoom || awaitsRoom && sessions[connection].hold == .room && !hasRoom(for: connection)
        }
        // Connections that had a turn and have stopped again stand behind those that had none.
        if !notYet.isEmpty { blocked = notYet + blocked }
    }

    /// - Returns: whether the connection had its turn.
    private func letGoOn(_ connection: ConnectionID) -> Bool {
        let hold = sessions[connection].hold
        guard mayTake(connection), hold == .work || isHoldOver(connection) else {
            // It may go on once the gathered output is written, which is done before the next turn.
            if awaitsFlush(connection) { isWorkAwaited = true }
            return false
        }
        guard workLeft > 0 else {
            isWorkAwaited = true
            return false
        }
        if hold == .room { takeRoom(for: connection) }
        leaveRoomQueue(connection)
        sessions[connection].isBlocked = false
        // Its next publish may go to another node; if not, it is stopped again.
        sessions[connection].congestedNode = Self.nowhere
        let before = splitters[connection].heldBytes
        receive(UnsafeRawBufferPointer(start: nil, count: 0), from: connection)
        // Frames that it had already written are work, too: thousands may go on at once when a link fails.
        workLeft -= max(0, before - splitters[connection].heldBytes) / 64
        if !sessions[connection].isBlocked { act(.resumeReading(connection)) }
        if isOutputHigh { writeGathered() }
        return true
    }

    /// Writes the output of all connections in the middle of a turn. So a connection that does not read it is closed
    /// before there is too much, and not only at the end of the turn, in which thousands may be read from. Must not be
    /// called while a frame is being encoded.
    package func writeGathered() {
        writeOutput()
        if outboxes.hasOverflowed { failOverflowed() }
    }

    /// Writes the output of all connections and resets the arena. Safe whenever no frame is being encoded: at the end
    /// of a turn, and between two messages if there is very much output.
    package func writeOutput() {
        outboxes.writeAll()
        outboxes.arena.reset()
    }
}
