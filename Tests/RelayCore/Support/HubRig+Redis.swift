import Testing

@testable import RelayCore

/// What goes between the hub and Redis, piece by piece, or all of it.
extension HubRig {
    /// Tells Redis about names, all that there is to tell.
    func flushSubscribes() {
        for node in nodes where node.isSubscribeLinkUp && node.takesCommands { flushSubscribes(to: node) }
    }

    private func flushSubscribes(to node: SimulatedNode) {
        while node.feed.hasSubscribeCommands {
            var verb: SubscribeVerb?
            var names: [[UInt8]] = []
            let count = hub.nextSubscribeCommand(node.feed, limit: options.restoreBatch) {
                precondition(verb == nil)
                verb = $0
            } append: { prefix, name in
                names.append(Array(prefix) + Array(name))
            }
            #expect(count == names.count && count <= options.restoreBatch)
            if let verb { node.redis.receive(verb, names) } else { #expect(names.isEmpty) }
            if verb == .sunsubscribe { node.redis.receiveSubscriberPing() }
        }
        // Names that nobody wants any more have been given up without a word to Redis.
        if let number = nodes.firstIndex(where: { $0 === node }) { subscribeLinkProgressed(number) }
    }

    /// The next reply on the subscribe link is read; false when there is none.
    @discardableResult
    func readSubscribeReply(_ number: Int = 0) -> Bool {
        let feed = nodes[number].feed
        guard let reply = nodes[number].redis.takeSubscribeReply() else { return false }
        let meaning: Hub.SubscribeReply
        switch reply {
        case .confirmed(.sunsubscribe, let name):
            meaning = lending(name) { hub.unsubscribed(redisName: $0, by: feed) }
        case .confirmed(let verb, let name): meaning = lending(name) { hub.confirmed(verb, redisName: $0, by: feed) }
        case .refused(let text): meaning = hub.subscribeRefused(text, by: feed)
        case .pong: meaning = hub.pongReceived(from: feed)
        case .message(let channel, let payload):
            lending(channel) { channel in lending(payload) { _ = hub.deliver(channel: channel, payload: $0, by: feed) }
            }
            return true
        case .patternMessage(let pattern, let channel, let payload):
            lending(pattern) { pattern in
                lending(channel) { channel in
                    lending(payload) { hub.deliver(pattern: pattern, channel: channel, payload: $0) }
                }
            }
            return true
        }
        switch meaning {
        case .none: break
        case .misplaced(let text):
            redirected(text)
            hub.placeMisplaced(feed)
        case .slotLost:
            slotsLost += 1
            if tellsThatItIsMaster { hub.retryMisplaced(feed, isPatient: true) }
        case .probeUnsubscribed: probesLost += 1
        case .probeSubscribed, .probeRefused, .violation: Issue.record("\(meaning)")
        }
        subscribeLinkProgressed(number)
        return true
    }

    /// The next reply on the publish link is read; false when there is none.
    @discardableResult
    func readPublishReply(_ number: Int = 0) -> Bool {
        let feed = nodes[number].feed
        guard let reply = nodes[number].redis.takePublishReply() else { return false }
        switch reply {
        case .integer(let value): #expect(hub.publishAnswered(receivers: value, by: feed) != nil)
        case .error(let text):
            let isMisplaced = hub.slots != nil && Redirection.isOfTheCluster(text)
            #expect(hub.publishRefused(text, isMisplaced: isMisplaced, by: feed) != nil)
            if isMisplaced { redirected(text) }
        case .pong:
            guard case .ping = hub.publishRefused("PONG", by: feed) else {
                Issue.record("a PONG that was not asked for")
                return true
            }
        }
        return true
    }

    /// Lets Redis answer everything, and turns pass, until nothing moves.
    func settle() {
        repeat {
            turn()
            for (number, node) in nodes.enumerated() {
                while !node.redis.subscribeCommands.isEmpty { node.redis.executeSubscribe() }
                while !node.redis.publishCommands.isEmpty { node.redis.executePublish() }
                while readSubscribeReply(number) {}
                while readPublishReply(number) {}
            }
            turn()
        } while hub.hasWork
            || nodes.contains {
                !$0.redis.isIdle || ($0.isSubscribeLinkUp && $0.takesCommands && $0.feed.hasSubscribeCommands)
            }
    }
}
