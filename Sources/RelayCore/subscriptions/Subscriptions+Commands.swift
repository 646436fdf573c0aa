internal import RESP

/// What Redis is told about a node's names, and what follows from its answers.
extension Subscriptions {
    /// Makes the next command for a node's subscribe link. `begin` gets its verb, then `append` gets its names, at most
    /// `limit` of them.
    /// - Returns: how many names; 0 if there is nothing to send, and then neither of the two has been called.
    func nextCommand(
        for node: HubNode, limit: Int, begin: (SubscribeVerb) -> Void, append: (_ index: UInt32) -> Void
    ) -> Int {
        var verb: SubscribeVerb?
        var count = 0
        var slot: UInt16 = 0
        var hasOwnName = false
        /// Whether a name must go into another command than the names before it.
        func isApart(_ index: UInt32, _ needed: SubscribeVerb?) -> Bool {
            guard let needed, let verb else { return false }
            return needed != verb || self[index].slot != slot || hasOwnName || index == ownName
        }
        func take(_ index: UInt32, _ needed: SubscribeVerb?) {
            guard let needed else { return dequeue(index) }
            if verb == nil { begin(needed) }
            (verb, slot) = (needed, self[index].slot)
            if index == ownName { hasOwnName = true }
            count += 1
            beginCommand(index, isJoining: needed.isJoining, at: node)
            append(index)
        }
        while count == 0, let batch = node.refusedBatches.popFirst() {
            for index in batch where isQueued(index, at: node) {
                let needed = neededVerb(index)
                // A leftover: the name's slot has moved, and another name has the index by now.
                if isApart(index, needed) { node.queuedNames.append(index) } else { take(index, needed) }
            }
        }
        while node.refusedBatches.isEmpty, count < limit, let index = node.queuedNames.first {
            guard isQueued(index, at: node) else {
                _ = node.queuedNames.popFirst()
                continue
            }
            let needed = neededVerb(index)
            if isApart(index, needed) { break }
            _ = node.queuedNames.popFirst()
            take(index, needed)
        }
        guard let verb else { return 0 }
        node.commands.append(SubscribeCommand(kind: .names(verb), count: count, remaining: count))
        return count
    }

    /// Whether an entry in a node's list still holds: the name may be at another node by now.
    private func isQueued(_ index: UInt32, at node: HubNode) -> Bool {
        self[index].isQueued && Int(self[index].node) == node.index
    }

    private func neededVerb(_ index: UInt32) -> SubscribeVerb? {
        let (entry, isSharded) = (self[index], shares.slots != nil)
        switch (entry.phase, entry.isWanted) {
        case (.absent, true): return isSharded ? .ssubscribe : entry.isPattern ? .psubscribe : .subscribe
        case (.subscribed, false): return isSharded ? .sunsubscribe : entry.isPattern ? .punsubscribe : .unsubscribe
        default: return nil
        }
    }

    // MARK: Answers

    /// Redis has confirmed the name that has waited longest; there must be one.
    /// - Returns: the requests that waited for that. Each of them has one thing less to wait for.
    func confirm(isSubscribed: Bool, at node: HubNode) -> [NameOperation] {
        node.commands.nameAnswered()
        guard let index = endCommand(isSubscribed: isSubscribed, at: node) else { return [] }
        return answered(index)
    }

    /// Redis does not have the names of a command any more, `count` of them.
    func confirmLeft(_ count: Int, at node: HubNode) {
        // Nobody waits for the end of a subscription.
        for index in takeUnconfirmed(count, at: node) { _ = answered(index) }
    }

    /// Takes the names of a command that Redis has answered with an error, `count` of them: Redis does not have them.
    func takeUnconfirmed(_ count: Int, at node: HubNode) -> [UInt32] {
        var names: [UInt32] = []
        while names.count < count, let index = endCommand(isSubscribed: false, at: node) { names.append(index) }
        return names
    }

    /// Redis has refused a command of several names. They are asked for again in halves, until only the names that
    /// Redis does refuse are left out.
    func askInHalves(_ names: [UInt32], at node: HubNode) {
        enqueue(refused: names[..<(names.count / 2)], at: node)
        enqueue(refused: names[(names.count / 2)...], at: node)
    }

    /// Redis has answered the command that was under way for the name.
    /// - Returns: the requests that waited for that. Each of them has one thing less to wait for.
    func answered(_ index: UInt32) -> [NameOperation] {
        if moveToItsNode(index) { return [] }
        var waiting: [NameOperation] = []
        if self[index].phase == .subscribed {
            markFound(index)
            waiting = takeWaiters(of: index)
        } else if self[index].isWanted {
            enqueue(index)  // wanted again while the UNSUBSCRIBE was under way
        }
        reconsider(index)
        return waiting
    }
}
