extension Hub {
    /// What an answer on the subscribe link meant for the link itself.
    package enum SubscribeReply: Equatable {
        case none
        case probeSubscribed
        case probeRefused(String)
        /// The node has lost the slot of the probe's channel.
        case probeUnsubscribed
        /// The node has lost the slot of a name that was subscribed to.
        case slotLost
        /// The node's slots are not what we took them for; the text says where a slot is, or why nobody has it.
        case misplaced(String)
        /// Redis answered what was not asked.
        case violation(String)
    }

    // MARK: The link comes and goes

    /// The node's subscribe link is ready for commands: its share of everything held is asked for again.
    /// - Parameter asksForProbe: a SUBSCRIBE to the relay's own channel is about to be written, before anything else.
    package func beginRestore(_ node: HubNode, asksForProbe: Bool = false) {
        // Whatever an earlier link left undone belongs to that one.
        if node.phase != .detached { subscribeLinkFailed(node) }
        node.phase = .restoring
        if asksForProbe { self.asksForProbe(node) }
        var names: [UInt32] = []
        table.forEach { index in
            guard table.entries[Int(index)].node == node.index, table.entries[Int(index)].isWanted else { return }
            table.entries[Int(index)].isRestoring = true
            node.restoreRemaining += 1
            names.append(index)
        }
        // A command names channels of one slot.
        if slots != nil { names.sort { table.entries[Int($0)].slot < table.entries[Int($1)].slot } }
        for index in names { queue(index) }
    }

    /// A SUBSCRIBE to another channel of the probe's is about to be written.
    package func asksForProbe(_ node: HubNode) { node.commands.append(.init(kind: .probe, count: 1, remaining: 1)) }

    /// The node is receiving from here on: requests that came during its restore are answered.
    package func goLiveIfRestored(_ node: HubNode) {
        guard node.isRestored else { return }
        node.phase = .live
        for operation in node.takeWaitingForLive() { advance(operation) }
    }

    /// The node will not be receiving in a moment after all: requests that came during its restore are answered PENDING.
    package func answerWaiting(_ node: HubNode) {
        for operation in node.takeWaitingForLive() { advance(operation) }
    }

    /// The node's subscribe link is gone. Requests that wait for it are answered PENDING, once nothing else is missing:
    /// their names are kept and restored.
    package func subscribeLinkFailed(_ node: HubNode) {
        node.detach()
        var waiting: [NameOperation] = []
        table.forEach { index in
            guard table.entries[Int(index)].node == node.index else { return }
            table.entries[Int(index)].phase = .absent
            table.entries[Int(index)].isQueued = false
            table.entries[Int(index)].isRestoring = false
            waiting += waiters.takeAll(from: &table.entries[Int(index)].firstWaiter)
            if table.entries[Int(index)].isWanted { move(index) } else { table.remove(index) }
        }
        for operation in waiting + node.takeWaitingForLive() { advance(operation) }
    }

    // MARK: Telling Redis

    /// A name's wanted state may differ from Redis's.
    func reconsider(_ index: UInt32) {
        let entry = table.entries[Int(index)]
        if entry.isWanted || entry.isQueued { return }
        if entry.phase == .absent { noLongerRestoring(index) }
        switch entry.phase {
        case .absent:
            // Requests whose connections closed before Redis was asked, or had answered, may still wait here.
            _ = waiters.takeAll(from: &table.entries[Int(index)].firstWaiter)
            table.remove(index)
        case .subscribed: queue(index)
        case .subscribing, .unsubscribing: break
        }
    }

    func noLongerRestoring(_ index: UInt32) {
        guard table.entries[Int(index)].isRestoring else { return }
        table.entries[Int(index)].isRestoring = false
        nodes[Int(table.entries[Int(index)].node)].restoreRemaining -= 1
    }

    /// Redis is to be told about a name at the end of the turn. While something is under way for the name, its answer
    /// decides what comes next (`decided`): a name is in one list at a time, or a refusal would put it into two.
    func queue(_ index: UInt32) {
        let phase = table.entries[Int(index)].phase
        guard !table.entries[Int(index)].isQueued, phase == .absent || phase == .subscribed else { return }
        table.entries[Int(index)].isQueued = true
        nodes[Int(table.entries[Int(index)].node)].queuedNames.append(index)
    }

    /// The next command for the node's subscribe link: `begin` gets its verb, then `append` its names, at most `limit` of
    /// them, each as the prefix to put before it and the name.
    /// - Returns: how many names; 0 when there is nothing to tell, and then nothing has been called.
    package func nextSubscribeCommand(
        _ node: HubNode, limit: Int, begin: (SubscribeVerb) -> Void,
        append: (_ prefix: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer) -> Void
    ) -> Int {
        var verb: SubscribeVerb?
        var count = 0
        var slot: UInt16 = 0
        func take(_ index: UInt32, _ needed: SubscribeVerb) {
            if verb == nil { begin(needed) }
            verb = needed
            count += 1
            table.entries[Int(index)].phase = needed.isJoining ? .subscribing : .unsubscribing
            node.unconfirmedNames.append(index)
            let entry = table.entries[Int(index)]
            slot = entry.slot
            (entry.isPattern ? patternPrefix : prefix).withUnsafeBytes { append($0, table.name(of: index)) }
        }
        while count == 0, let batch = node.refusedBatches.popFirst() {
            for index in batch where isQueued(index, at: node) {
                let needed = neededVerb(index)
                // Left behind when its slot moved, and the index is another name's by now.
                if let needed, let verb, needed != verb || table.entries[Int(index)].slot != slot {
                    node.queuedNames.append(index)
                    continue
                }
                table.entries[Int(index)].isQueued = false
                if let needed { take(index, needed) } else { reconsider(index) }
            }
        }
        while node.refusedBatches.isEmpty, count < limit, let index = node.queuedNames.first {
            guard isQueued(index, at: node) else {
                _ = node.queuedNames.popFirst()
                continue
            }
            let needed = neededVerb(index)
            if let needed, let verb, needed != verb || table.entries[Int(index)].slot != slot { break }
            _ = node.queuedNames.popFirst()
            table.entries[Int(index)].isQueued = false
            if let needed { take(index, needed) } else { reconsider(index) }
        }
        guard let verb else { return 0 }
        node.commands.append(SubscribeCommand(kind: .names(verb), count: count, remaining: count))
        return count
    }

    /// Whether what a node's list says of a name still holds: the name may be at another node by now.
    private func isQueued(_ index: UInt32, at node: HubNode) -> Bool {
        table.entries[Int(index)].isQueued && Int(table.entries[Int(index)].node) == node.index
    }

    private func neededVerb(_ index: UInt32) -> SubscribeVerb? {
        let entry = table.entries[Int(index)]
        switch (entry.phase, entry.isWanted) {
        case (.absent, true): return slots != nil ? .ssubscribe : entry.isPattern ? .psubscribe : .subscribe
        case (.subscribed, false): return slots != nil ? .sunsubscribe : entry.isPattern ? .punsubscribe : .unsubscribe
        default: return nil
        }
    }

    // MARK: Redis's answers

    /// Redis has confirmed one name, given as Redis knows it.
    package func confirmed(
        _ verb: SubscribeVerb, redisName: UnsafeRawBufferPointer, by node: HubNode
    ) -> SubscribeReply {
        guard let command = node.commands.first else {
            return .violation("a confirmation of nothing that was asked")
        }
        if case .probe = command.kind, verb.isJoining {
            _ = node.commands.popFirst()
            return .probeSubscribed
        }
        guard case .names(let asked) = command.kind, asked == verb, let index = node.unconfirmedNames.first,
            matches(redisName, index)
        else { return .violation("a confirmation out of order") }
        _ = node.unconfirmedNames.popFirst()
        node.commands.nameAnswered()
        table.entries[Int(index)].phase = verb.isJoining ? .subscribed : .absent
        decided(index)
        return .none
    }

    private func matches(_ redisName: UnsafeRawBufferPointer, _ index: UInt32) -> Bool {
        let start = table.entries[Int(index)].isPattern ? patternStart : nameStart
        return start.rest(of: redisName)?.hasSameBytes(as: table.name(of: index)) ?? false
    }

    /// Redis has answered what was under way for the name.
    private func decided(_ index: UInt32) {
        if move(index) { return }
        let entry = table.entries[Int(index)]
        if entry.phase == .subscribed {
            noLongerRestoring(index)
            for operation in waiters.takeAll(from: &table.entries[Int(index)].firstWaiter) { advance(operation) }
        } else if entry.isWanted {
            queue(index)  // wanted again while the UNSUBSCRIBE was under way
        }
        reconsider(index)
    }

    /// Redis has answered the oldest command with PONG.
    package func pongReceived(from node: HubNode) -> SubscribeReply {
        switch node.commands.popFirst() {
        case let command? where command.kind.isPing: node.pingsAnswered += 1
        case let command? where command.kind.verb == .sunsubscribe: left(command, by: node)
        default: return .violation("a PONG that was not asked for")
        }
        return .none
    }

    /// The PING behind an SUNSUBSCRIBE has its answer.
    private func left(_ command: SubscribeCommand, by node: HubNode) {
        for _ in 0..<command.count {
            guard let index = node.unconfirmedNames.popFirst() else { return }
            table.entries[Int(index)].phase = .absent
            decided(index)
        }
    }

    /// Redis has answered the oldest command with an error. A command of several names is asked again in halves, until
    /// only the names that Redis does refuse are out.
    /// - Parameter shown: what apps may see of the text; nil: all of it.
    package func subscribeRefused(_ text: String, shown: String? = nil, by node: HubNode) -> SubscribeReply {
        // Whatever became of it, the answer to the PING behind it ends it; which may be an error, too (MISCONF).
        let isUnsubscribe = node.commands.first?.kind.verb == .sunsubscribe
        if isUnsubscribe, Redirection.isOfTheCluster(text) || text.lowercased().contains("sunsubscribe") {
            return .none
        }
        guard let command = node.commands.popFirst() else {
            return .violation("an error in answer to nothing: \(shown ?? text)")
        }
        if isUnsubscribe {
            left(command, by: node)
            return .none
        }
        switch command.kind {
        case .ping:
            node.pingsAnswered += 1
            return .none
        case .probe: return .probeRefused(text)
        case .names(let verb):
            guard command.remaining == command.count else {
                return .violation("an error in the middle of a command's confirmations: \(shown ?? text)")
            }
            var names: [UInt32] = []
            for _ in 0..<command.count {
                guard let index = node.unconfirmedNames.popFirst() else { break }
                table.entries[Int(index)].phase = .absent
                names.append(index)
            }
            if slots != nil, Redirection.isOfTheCluster(text) {
                misplaced(names, by: node)
                return .misplaced(text)
            }
            refuse(names, isJoining: verb.isJoining, shown ?? text, by: node)
            return .none
        }
    }

    private func refuse(_ names: [UInt32], isJoining: Bool, _ text: String, by node: HubNode) {
        if names.count > 1, isJoining {
            for index in names { table.entries[Int(index)].isQueued = true }
            node.refusedBatches.append(Array(names[..<(names.count / 2)]))
            node.refusedBatches.append(Array(names[(names.count / 2)...]))
        } else if isJoining {
            for index in names { nameRefused(index, text) }
        } else {
            // Whatever Redis keeps sending on a name that is not in the table is ignored.
            for index in names { decided(index) }
        }
    }

    /// Redis does not allow this one name: those who asked get REFUSED, those who had it Revoked.
    private func nameRefused(_ index: UInt32, _ text: String) {
        table.entries[Int(index)].pendingCount += 1  // keeps the entry alive until we are done with it
        noLongerRestoring(index)
        for operation in waiters.takeAll(from: &table.entries[Int(index)].firstWaiter) {
            operation.refused.append(index)
            operation.refusal = text
            advance(operation)
        }
        while table.entries[Int(index)].memberCount > 0 {
            let slot = Int(table.members(of: index)[0].slot)
            revoke([index], from: slot, text)
            leave(slot, index)
        }
        table.entries[Int(index)].pendingCount -= 1
        reconsider(index)
    }

    /// Redis's words for a refusal, with what they leave out: the usual surprise about patterns under an access list.
    func refusalText(_ text: String, of index: UInt32) -> String {
        guard table.entries[Int(index)].isPattern, text.hasPrefix("NOPERM"), LinkFailure.classify(denied: text) == nil
        else { return text }
        return text + " (an access list of Redis must grant a pattern literally)"
    }
}
