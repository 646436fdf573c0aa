import Testing

@testable import RelayCore

/// What goes between the hub and Redis, piece by piece, or all of it.
extension HubRig {
    /// Tells Redis about names, all that there is to tell.
    func flushSubscribes() {
        guard isSubscribeLinkUp else { return }
        while hub.hasSubscribeCommands {
            var verb: SubscribeVerb?
            var names: [[UInt8]] = []
            let count = hub.nextSubscribeCommand(limit: options.restoreBatch) {
                precondition(verb == nil)
                verb = $0
            } append: { prefix, name in
                names.append(Array(prefix) + Array(name))
            }
            #expect(count == names.count && count <= options.restoreBatch)
            if let verb { redis.receive(verb, names) } else { #expect(names.isEmpty) }
        }
    }

    /// The next reply on the subscribe link is read; false when there is none.
    @discardableResult
    func readSubscribeReply() -> Bool {
        guard let reply = redis.takeSubscribeReply() else { return false }
        let meaning: Hub.SubscribeReply
        switch reply {
        case .confirmed(let verb, let name): meaning = lending(name) { hub.confirmed(verb, redisName: $0) }
        case .refused(let text): meaning = hub.subscribeRefused(text)
        case .pong: meaning = hub.pongReceived()
        case .message(let channel, let payload):
            lending(channel) { channel in lending(payload) { _ = hub.deliver(channel: channel, payload: $0) } }
            return true
        case .patternMessage(let pattern, let channel, let payload):
            lending(pattern) { pattern in
                lending(channel) { channel in
                    lending(payload) { hub.deliver(pattern: pattern, channel: channel, payload: $0) }
                }
            }
            return true
        }
        #expect(meaning == .none)
        subscribeLinkProgressed()
        return true
    }

    /// The next reply on the publish link is read; false when there is none.
    @discardableResult
    func readPublishReply() -> Bool {
        guard let reply = redis.takePublishReply() else { return false }
        switch reply {
        case .integer(let value): #expect(hub.publishAnswered(receivers: value) != nil)
        case .error(let text): #expect(hub.publishRefused(text) != nil)
        case .pong:
            guard case .ping = hub.publishRefused("PONG") else {
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
            while !redis.subscribeCommands.isEmpty { redis.executeSubscribe() }
            while !redis.publishCommands.isEmpty { redis.executePublish() }
            while readSubscribeReply() {}
            while readPublishReply() {}
            turn()
        } while !redis.isIdle || (isSubscribeLinkUp && hub.hasSubscribeCommands)
    }
}
