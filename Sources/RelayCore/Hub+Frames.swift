extension Hub {
    /// Bytes from an app, whole frames or not.
    package func receive(_ bytes: UnsafeRawBufferPointer, from slot: Int) {
        counters.bytesFromApps += UInt64(bytes.count)
        guard sessions[slot].phase == .awaitingHello || sessions[slot].phase == .serving else { return }
        let heldBefore = splitters[slot].heldBytes
        do throws(FrameSplitter.Violation) {
            try splitters[slot].feed(bytes) {
                sessions[slot].phase == .awaitingHello ? maxHelloBytes : identity.maxFrameBytes
            } consume: { body in
                consume(body, from: slot)
            }
        } catch {
            let limit = sessions[slot].phase == .awaitingHello ? maxHelloBytes : identity.maxFrameBytes
            switch error {
            case .empty: fail(slot, .malformed, "a frame of length 0")
            case .tooLarge: fail(slot, .frameTooLarge, "a frame of over \(limit) bytes")
            }
        }
        if sessions[slot].phase == .failing { splitters[slot].reset() }
        let held = splitters[slot].heldBytes
        if held | heldBefore != 0 {
            inputHeld += held - heldBefore
            keepRoom(for: slot)
        }
        updateFrameDeadline(slot)
    }

    /// Half a frame has a deadline from its first byte on; one that waits for us has none.
    private func updateFrameDeadline(_ slot: Int) {
        guard sessions[slot].phase == .serving else { return }
        if splitters[slot].heldBytes == 0 || sessions[slot].isBlocked {
            setDeadline(0, of: slot)
        } else if sessions[slot].deadline == 0 {
            setDeadline(now + limits.frameTimeout, of: slot)
        }
    }

    /// - Returns: `.stop` when the connection is over, or when this frame must wait.
    private func consume(_ body: UnsafeRawBufferPointer, from slot: Int) -> FrameSplitter.Verdict {
        if sessions[slot].phase == .serving, let publish = PlainPublish(body) {
            return carryOut(publish.channel, publish.payload, publish.id, from: slot)
        }
        return consumeAny(body, from: slot)
    }

    /// A Publish, as nearly all frames are.
    @inline(__always)
    private func carryOut(
        _ channel: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ id: UInt64, from slot: Int
    ) -> FrameSplitter.Verdict {
        // Whatever a frame adds replaces a deadline that belonged to it while it was incomplete.
        setDeadline(0, of: slot)
        sessions[slot].isPublisher = true
        guard mayTake(slot) else { return block(slot) }
        let isTaken = withNode(of: channel) { node in
            if slots != nil {
                sessions[slot].congestedNode = node.isCongested ? UInt16(node.index) : Hub.nowhere
                if node.isCongested { return false }
            }
            publish(channel: channel, payload: payload, id: id, from: slot, to: node)
            return true
        }
        guard isTaken else { return block(slot) }
        return sessions[slot].phase == .serving ? .goOn : .stop
    }

    @inline(never)
    private func consumeAny(_ body: UnsafeRawBufferPointer, from slot: Int) -> FrameSplitter.Verdict {
        if sessions[slot].suspended != nil { return resume(in: body, from: slot) }
        // Decoding takes a while, too, of many names or of many fields that nobody knows.
        let isLarge = body.count > Self.smallFrameBytes
        guard !isLarge || workLeft > 0 else { return hold(slot, for: .work) }
        workLeft -= body.count / 64
        let decoded: ClientFrame?
        do throws(WireError) { decoded = try ClientFrame.decodeAny(body) } catch {
            fail(slot, .malformed, "not a ClientFrame: \(error.explanation)")
            return .stop
        }
        guard let frame = decoded else {
            fail(slot, .malformed, "a ClientFrame of no kind that this relay knows")
            return .stop
        }
        guard sessions[slot].phase == .serving else { return greet(frame, slot) }
        setDeadline(0, of: slot)
        switch frame {
        case .hello:
            fail(slot, .helloExpected, "a second Hello")
            return .stop
        case .publish(let channel, let payload, let id): return carryOut(channel, payload, id, from: slot)
        case .subscribe(let request), .unsubscribe(let request):
            guard mayTake(slot) else { return block(slot) }
            guard isLarge || mayBegin(request) else { return hold(slot, for: .work) }
            if case .subscribe = frame { return begin(request, .subscribe, in: body, from: slot) }
            return begin(request, .unsubscribe, in: body, from: slot)
        case .ping(let id, let settled):
            // An Unsubscribe that waits for nothing but our own work comes first.
            if let first = sessions[slot].pending.first, first.waiting == 0 { return hold(slot, for: .work) }
            guard !settled || sessions[slot].owedAnswers == 0 else { return hold(slot, for: .answers) }
            if settled { emitPublishLosses(slot, all: true) }
            reply(id, id > maxRequestID ? .invalid : .ok, to: slot)
        }
        return sessions[slot].phase == .serving ? .goOn : .stop
    }

    /// Whether there is work left for a request. Small ones have a reserve, so that they need not stand behind large ones.
    private func mayBegin(_ request: NameRequest) -> Bool {
        workLeft > (request.count <= Self.smallRequestNames ? -Self.workPerTurn / 8 : 0)
    }

    /// A request with no more names than this is small.
    static let smallRequestNames = 16

    /// Frames with more than this wait for a turn that has work left.
    private static let smallFrameBytes = 16 << 10

    private func greet(_ frame: ClientFrame, _ slot: Int) -> FrameSplitter.Verdict {
        guard case .hello(let version, let name) = frame else {
            fail(slot, .helloExpected, "the first frame must be a Hello")
            return .stop
        }
        guard version >= protocolVersion else {
            fail(slot, .version, "version \(version) is not spoken here; this relay speaks \(protocolVersion)")
            return .stop
        }
        guard name.count <= maxClientNameBytes else {
            fail(slot, .malformed, "client_name is over \(maxClientNameBytes) bytes")
            return .stop
        }
        sessions[slot].phase = .serving
        sessions[slot].clientName = String(decoding: name, as: UTF8.self)
        setDeadline(0, of: slot)
        outboxes.appendControl(outboxes.arena.welcome(identity, status: status), to: slot)
        return .goOn
    }

    // MARK: Replies

    @inline(__always)
    func reply(_ id: UInt64, _ outcome: Outcome, receivers: UInt64 = 0, to slot: Int) {
        guard id != 0 else { return }
        outboxes.appendControl(outboxes.arena.reply(id: id, outcome: outcome, receivers: receivers), to: slot)
    }

    func reply(_ id: UInt64, _ outcome: Outcome, detail: String, names: NameLists = NameLists(), to slot: Int) {
        guard id != 0 else { return }
        outboxes.appendControl(
            outboxes.arena.reply(id: id, outcome: outcome, detail: detail, names: names), to: slot)
    }

    // MARK: Pushing back

    /// Whether frames of this connection may be taken now; if not, its socket is not read.
    @inline(__always)
    package func mayProceed(_ slot: Int) -> Bool {
        mayTake(slot) && (sessions[slot].hold == .none || isHoldOver(slot))
    }

    /// The same for a frame of a connection that waits for nothing but congestion, if at all.
    @inline(__always)
    private func mayTake(_ slot: Int) -> Bool {
        !(sessions[slot].isPublisher && isHeldBack(slot)) && !sessions[slot].pending.isFull(limit: pendingLimit)
    }

    /// What a connection waits for, beside congestion.
    @inline(never)
    private func isHoldOver(_ slot: Int) -> Bool {
        switch sessions[slot].hold {
        case .none: true
        case .work: workLeft > 0
        case .answers: sessions[slot].owedAnswers == 0
        case .room: hasRoom(for: slot)
        }
    }

    /// A connection is not read from, and its frame is kept, until something has come about.
    func hold(_ slot: Int, for hold: Session.Hold) -> FrameSplitter.Verdict {
        sessions[slot].hold = hold
        if hold == .work { isWorkAwaited = true }
        return block(slot)
    }

    /// Notes that a connection waits; `unblock` lets it go on.
    @discardableResult
    package func block(_ slot: Int) -> FrameSplitter.Verdict {
        if !sessions[slot].isBlocked {
            sessions[slot].isBlocked = true
            blocked.append(slot)
        }
        return .stop
    }

    package func isBlocked(_ slot: Int) -> Bool { sessions[slot].isBlocked }

    /// Lets connections go on that waited and need not any more, the one that has waited longest first.
    func unblock() {
        let waiting = blocked
        var notYet: [Int] = []
        var hasNoRoom = false
        blocked.removeAll(keepingCapacity: true)
        for slot in waiting {
            guard sessions[slot].phase == .serving else {
                sessions[slot].isBlocked = false
                leaveRoomQueue(slot)
                // A new connection in the slot of one that was blocked.
                if sessions[slot].phase == .awaitingHello { environment?.resumeReading(slot) }
                continue
            }
            let awaitsRoom = sessions[slot].hold == .room
            // Who waits for little memory does not overtake who waits for much.
            if awaitsRoom && hasNoRoom || !letGoOn(slot) { notYet.append(slot) }
            hasNoRoom = hasNoRoom || awaitsRoom && sessions[slot].hold == .room && !hasRoom(for: slot)
        }
        // Those that had a turn and are stopped again stand behind those that had none.
        if !notYet.isEmpty { blocked = notYet + blocked }
    }

    /// - Returns: whether the connection had its turn.
    private func letGoOn(_ slot: Int) -> Bool {
        let hold = sessions[slot].hold
        guard mayTake(slot), hold == .work || isHoldOver(slot) else { return false }
        guard workLeft > 0 else {
            isWorkAwaited = true
            return false
        }
        if hold == .room { takeRoom(for: slot) }
        leaveRoomQueue(slot)
        sessions[slot].isBlocked = false
        // What it publishes next may be another node's; if not, it is stopped again.
        sessions[slot].congestedNode = Self.nowhere
        let before = splitters[slot].heldBytes
        receive(UnsafeRawBufferPointer(start: nil, count: 0), from: slot)
        // What it had written already is work, too: thousands may go on at once when a link fails.
        workLeft -= max(0, before - splitters[slot].heldBytes) / 64
        if !sessions[slot].isBlocked { environment?.resumeReading(slot) }
        if isOutputHigh { writeGathered() }
        return true
    }

    /// Writes the output of all connections in the middle of a turn. Whoever does not read it is closed before there is too
    /// much, and not only at the end of the turn, in which thousands may be read from. Not while a frame is being encoded.
    package func writeGathered() {
        writeOutput()
        if outboxes.hasOverflowed { failOverflowed() }
    }

    /// Writes the output of all connections and voids the arena. Safe wherever no frame is being encoded: at the end of a
    /// turn, and between two messages with very much output.
    package func writeOutput() {
        outboxes.writeAll()
        outboxes.arena.reset()
    }
}

extension WireError {
    /// For people, in an Error frame.
    var explanation: String {
        switch self {
        case .truncated: "a field ends beyond its message"
        case .varintTooLong: "a varint of over ten bytes"
        case .badFieldNumber: "a field number out of range"
        case .badWireType: "a group or an unknown wire type"
        case .badUTF8: "a string that is not UTF-8"
        }
    }
}
