extension Hub {
    // MARK: From apps

    /// The caller has found the channel's node, and made sure that its queue is not congested.
    @inline(__always)
    func publish(
        channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, id: UInt64, from connection: ConnectionID,
        to node: HubNode
    ) {
        sessions[connection].published &+= 1
        if let fault = nameFault(of: channel, isPattern: false) {
            return tell(connection, id, .invalid, cause: .invalid) { fault.text("channel") }
        }
        guard payload.count <= node.maxPayloadBytes, id <= maxRequestID else {
            return tell(connection, id, .invalid, cause: .invalid) {
                fault(ofID: id) ?? node.faultOfLargePayload
            }
        }
        guard node.isPublishing else {
            return tell(connection, id, .notConnected, cause: node.cause) { status.reason }
        }
        let owner = PublishQueue.Owner.app(connection: connection, generation: sessions[connection].generation, id: id)
        sessions[connection].owedAnswers += 1
        let publishes = node.publishes
        hasPublishOutput = true
        prefix.withUnsafeBytes { publishes.publish(prefix: $0, channel: channel, payload: payload, owner: owner) }
        if publishes.output.count > PublishQueue.flushThreshold, !node.isFlushAsked {
            node.isFlushAsked = true
            act(.flushPublishes(node))
        }
    }

    /// What is wrong with a name in a request, or nil. Without its text, which costs more than the rest of the request.
    @inline(__always)
    func nameFault(of name: UnsafeRawBufferPointer, isPattern: Bool) -> NameFault? {
        if name.isEmpty { return .empty }
        if name.count > maxNameBytes { return .tooLong }
        if isReservedName(name) { return reservedNameFault(of: name, isPattern: isPattern) }
        return nil
    }

    /// Fences may be named if the relay has them (PROTOCOL.md, rule 12).
    @inline(never)
    private func reservedNameFault(of name: UnsafeRawBufferPointer, isPattern: Bool) -> NameFault? {
        guard !isPattern, hasPrefix(name, fenceNamePrefix) else { return .reserved }
        guard identity.features.contains(Feature.fence) else { return .fenceOnCluster }
        let rest = name.count - fenceNamePrefix.utf8CodeUnitCount
        return 1...maxFenceNameBytes ~= rest ? nil : .fenceLength
    }

    @inline(__always)
    func fault(ofID id: UInt64) -> String? { id <= maxRequestID ? nil : "id is over 2^53 - 1" }

    /// A publish was in flight, and Redis has not taken it, or perhaps not. Counted even if its connection has ended.
    private func publishEnded(
        _ connection: ConnectionID, _ generation: UInt32, _ id: UInt64, _ outcome: Outcome, detail: String, cause: Cause
    ) {
        guard sessions[connection].generation == generation else { return count(id, outcome, cause) }
        sessions[connection].owedAnswers -= 1
        tell(connection, id, outcome, cause: cause) { detail }
        if sessions[connection].phase == .ending { finishIfNothingIsOwed(connection) }
    }

    /// Reports a publish that Redis has not taken: by a Reply if it has an id, otherwise by a Loss.
    private func tell(_ connection: ConnectionID, _ id: UInt64, _ outcome: Outcome, cause: Cause, detail: () -> String)
    {
        count(id, outcome, cause)
        guard id == 0 else { return reply(id, outcome, detail: detail(), to: connection) }
        guard sessions[connection].phase == .serving || sessions[connection].phase == .ending else { return }
        let losses = sessions[connection].publishLosses ?? PublishLosses()
        losses.add(cause, isUnknown: outcome == .interrupted) {
            let detail = detail()
            return detail.isEmpty ? cause.lossReason : detail
        }
        sessions[connection].publishLosses = losses
        guard !sessions[connection].hasPublishLoss else { return }
        sessions[connection].hasPublishLoss = true
        owedPublishLoss.append(connection)
    }

    private func count(_ id: UInt64, _ outcome: Outcome, _ cause: Cause) {
        if id == 0 { counters.publishesLost[cause] += 1 } else { counters.publishes[outcome] += 1 }
    }

    // MARK: Loss of publishes without an id

    /// Reports to connections which of their publishes were not taken, to each at most once a second.
    /// - Parameter all: the relay ends, so everything is reported at once.
    package func emitPublishLosses(all: Bool = false) {
        let owed = owedPublishLoss
        owedPublishLoss.removeAll(keepingCapacity: true)
        for connection in owed {
            emitPublishLosses(connection, all: all)
            sessions[connection].hasPublishLoss = sessions[connection].publishLosses.map { !$0.isEmpty } ?? false
            if sessions[connection].hasPublishLoss { owedPublishLoss.append(connection) }
        }
    }

    /// - Parameter all: the connection ends, so everything is reported at once.
    func emitPublishLosses(_ connection: ConnectionID, all: Bool) {
        guard let losses = sessions[connection].publishLosses else { return }
        while !losses.isEmpty, all || now >= losses.notBefore {
            outboxes.appendControl(outboxes.arena.loss(losses.takeFirst()), to: connection)
            losses.notBefore = now + 1_000_000_000
        }
    }

    // MARK: From Redis

    /// Redis has answered the oldest command with an integer: for a PUBLISH, the number of its receivers.
    /// - Returns: the owner of that command; nil if no answer was due. If the owner is an app, it has been notified.
    package func publishAnswered(receivers: Int64, by node: HubNode) -> PublishQueue.Owner? {
        guard let owner = node.publishes.popAnswered() else { return nil }
        guard case .app(let connection, let generation, let id) = owner else { return owner }
        if id == 0 { counters.publishesUnacknowledged += 1 } else { counters.publishes[.ok] += 1 }
        guard sessions[connection].generation == generation else { return owner }
        sessions[connection].owedAnswers -= 1
        reply(id, .ok, receivers: UInt64(max(0, receivers)), to: connection)
        if sessions[connection].phase == .ending { finishIfNothingIsOwed(connection) }
        return owner
    }

    /// Redis has answered the oldest command with an error, or with anything else that is not an integer.
    /// - Parameter text: the error, as apps may see it.
    /// - Parameter isMisplaced: the node has not taken the command, because the slot is not, or not yet, its own.
    /// - Returns: the owner of that command; nil if no answer was due. If the owner is an app, it has been notified.
    package func publishRefused(_ text: String, isMisplaced: Bool = false, by node: HubNode) -> PublishQueue.Owner? {
        guard let owner = node.publishes.popAnswered() else { return nil }
        if case .app(let connection, let generation, let id) = owner {
            let (outcome, cause) = isMisplaced ? (Outcome.notConnected, Cause.topology) : (.refused, .refused)
            publishEnded(connection, generation, id, outcome, detail: text, cause: cause)
        }
        return owner
    }

    /// The publish link has failed: everything in flight is answered now, once.
    /// - Parameter unsent: bytes of the link's output that never left.
    package func publishLinkFailed(_ node: HubNode, _ failure: LinkFailure, unsent: Int) {
        node.publishes.abandon(unsent: unsent) { owner, hadLeft in
            guard case .app(let connection, let generation, let id) = owner else { return }
            let outcome: Outcome = hadLeft ? .interrupted : .notConnected
            let cause = hadLeft ? failure.cause : node.cause
            publishEnded(connection, generation, id, outcome, detail: failure.reason, cause: cause)
        }
        // Connections that waited for the node need not wait any more. They are checked in the next turn at the latest.
        if !blocked.isEmpty { isWorkAwaited = true }
    }

    // MARK: The relay's own commands

    /// Appends one of the relay's own commands, already formatted, to the publish link's output. If the ring has no
    /// place left, nothing is appended: the answers that are due prove as much as the answer to this command.
    /// - Parameter owner: which command it is.
    /// - Returns: whether it was appended.
    @discardableResult
    package func send(_ bytes: UnsafeRawBufferPointer, as owner: PublishQueue.Owner, to node: HubNode) -> Bool {
        hasPublishOutput = true
        return node.publishes.own(bytes, owner: owner)
    }

    /// Publishes probe `number` on the probe channel.
    /// - Returns: false if the ring has no place left: the probe was not sent and must be tried again.
    package func sendProbe(number: UInt64, channel: String, to node: HubNode) -> Bool {
        publish(Array(String(number).utf8), on: channel, as: .probe(number: number), to: node)
    }

    /// Publishes a message of the relay's own.
    /// - Returns: false if the ring has no place left: the message was not sent.
    func publish(_ payload: [UInt8], on channel: String, as owner: PublishQueue.Owner, to node: HubNode) -> Bool {
        let publishes = node.publishes
        guard publishes.hasRoom else { return false }
        hasPublishOutput = true
        var channel = channel
        prefix.withUnsafeBytes { prefix in
            channel.withUTF8 { channel in
                payload.withUnsafeBytes { payload in
                    publishes.publish(
                        prefix: prefix, channel: UnsafeRawBufferPointer(channel), payload: payload, owner: owner)
                }
            }
        }
        return true
    }
}
