package import RESP

/// What Redis sends on a subscribe link, except messages.
extension Hub {
    /// What an answer on the subscribe link means for the link itself.
    package enum SubscribeReply: Equatable {
        case none
        case probeSubscribed
        case probeRefused(String)
        /// The node has lost the slot of the probe's channel.
        case probeUnsubscribed
        /// The node has lost the slot of a name that was subscribed to.
        case slotLost
        /// The node's slots are not those that we assumed; the text says where a slot is, or why no node has it.
        case misplaced(String)
        /// Redis has answered something that was not asked.
        case violation(String)
    }

    /// Redis has confirmed one name, given as Redis knows it.
    package func confirmed(
        _ verb: SubscribeVerb, redisName: UnsafeRawBufferPointer, by node: HubNode
    ) -> SubscribeReply {
        guard let command = node.commands.first else {
            return .violation("a confirmation that was not requested")
        }
        if case .probe = command.kind, verb.isJoining {
            _ = node.commands.popFirst()
            return .probeSubscribed
        }
        guard case .names(let asked) = command.kind, asked == verb, let index = node.unconfirmedNames.first,
            matches(redisName, index)
        else { return .violation("a confirmation out of order") }
        advance(subscriptions.confirm(isSubscribed: verb.isJoining, at: node))
        return .none
    }

    private func matches(_ redisName: UnsafeRawBufferPointer, _ index: UInt32) -> Bool {
        let start = subscriptions[index].isPattern ? patternStart : nameStart
        return start.rest(of: redisName)?.hasSameBytes(as: subscriptions.name(of: index)) ?? false
    }

    /// The node itself has ended our subscription to a name, since it has lost the slot (`sunsubscribe`).
    package func unsubscribed(redisName: UnsafeRawBufferPointer, by node: HubNode) -> SubscribeReply {
        guard let name = nameStart.rest(of: redisName) else { return .none }
        let index = subscriptions.find(name, isPattern: false)
        guard index != ChannelTable.none else { return isReservedName(name) ? .probeUnsubscribed : .none }
        return subscriptions.lost(index, by: node) ? .slotLost : .none
    }

    /// Redis has answered the oldest command with PONG.
    package func pongReceived(from node: HubNode) -> SubscribeReply {
        switch node.commands.popFirst() {
        case let command? where command.kind.isPing: node.pingsAnswered += 1
        // The PING behind a SUNSUBSCRIBE has its answer.
        case let command? where command.kind.verb == .sunsubscribe: subscriptions.confirmLeft(command.count, at: node)
        default: return .violation("a PONG that was not requested")
        }
        return .none
    }

    /// Redis has answered the oldest command with an error. If the command has several names, they are asked for again
    /// in halves, until only the names that Redis does refuse are left out.
    /// - Parameter shown: what apps may see of the text; nil if they may see all of it.
    package func subscribeRefused(_ text: String, shown: String? = nil, by node: HubNode) -> SubscribeReply {
        // Whatever its outcome, a SUNSUBSCRIBE ends with the answer to the PING behind it, which may be an error, too
        // (MISCONF).
        let isUnsubscribe = node.commands.first?.kind.verb == .sunsubscribe
        if isUnsubscribe, Redirection.isOfTheCluster(text) || text.lowercased().contains("sunsubscribe") {
            return .none
        }
        guard let command = node.commands.popFirst() else {
            return .violation("an error that answers no command: \(shown ?? text)")
        }
        if isUnsubscribe {
            subscriptions.confirmLeft(command.count, at: node)
            return .none
        }
        switch command.kind {
        case .ping:
            node.pingsAnswered += 1
            return .none
        case .probe: return .probeRefused(text)
        case .names(let verb):
            guard command.remaining == command.count else {
                return .violation("an error between the confirmations of a command: \(shown ?? text)")
            }
            let names = subscriptions.takeUnconfirmed(command.count, at: node)
            if slots != nil, Redirection.isOfTheCluster(text) {
                subscriptions.misplaced(names, by: node)
                return .misplaced(text)
            }
            refuse(names, isJoining: verb.isJoining, shown ?? text, by: node)
            return .none
        }
    }

    private func refuse(_ names: [UInt32], isJoining: Bool, _ text: String, by node: HubNode) {
        if names.count > 1, isJoining {
            subscriptions.askInHalves(names, at: node)
        } else if isJoining {
            for index in names { nameRefused(index, text) }
        } else {
            // What Redis still sends on a name that is not in the table is ignored.
            for index in names { advance(subscriptions.answered(index)) }
        }
    }

    /// Redis refuses this one name: those who asked for it get REFUSED, those who had it get Revoked.
    private func nameRefused(_ index: UInt32, _ text: String) {
        subscriptions.beginPending(index)  // keeps the entry until the end of this function
        subscriptions.markFound(index)
        for operation in subscriptions.takeWaiters(of: index) {
            operation.refused.append(index)
            operation.refusal = text
            advance(operation)
        }
        while subscriptions[index].memberCount > 0 {
            let connection = subscriptions.members(of: index)[0].connection
            revoke([index], from: connection, text)
            leave(connection, index)
        }
        if index == subscriptions.ownName { fleet?.subscribeDenial = text }
        subscriptions.endPending(index)
    }
}
