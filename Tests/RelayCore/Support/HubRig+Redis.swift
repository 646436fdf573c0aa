import RESP
import Testing

@testable import RelayCore

/// What goes between the relay and Redis, piece by piece, or all of it.
extension HubRig {
    /// The next reply on the subscribe link is read; false if there is none.
    @discardableResult
    func readSubscribeReply(_ number: Int = 0) -> Bool {
        guard let reply = nodes[number].redis.takeSubscribeReply() else { return false }
        let link = redisNode(number).subscribeLink!
        switch reply {
        case .confirmed(let verb, let name):
            event { lending(name) { link.confirmed(verb, $0) } }
        case .refused(let text): event { link.replied(.error(text)) }
        case .pong: event { link.replied(.status("PONG")) }
        case .message(let channel, let payload):
            lending(channel) { channel in
                lending(payload) { payload in
                    guard let probe = hub.deliver(channel: channel, payload: payload, by: link.hubNode) else { return }
                    event { redisNode(number).probeHeard(probe) }
                }
            }
        case .patternMessage(let pattern, let channel, let payload):
            lending(pattern) { pattern in
                lending(channel) { channel in
                    lending(payload) { hub.deliver(pattern: pattern, channel: channel, payload: $0) }
                }
            }
        }
        return true
    }

    /// The next reply on the publish link is read; false if there is none.
    @discardableResult
    func readPublishReply(_ number: Int = 0) -> Bool {
        guard let reply = nodes[number].redis.takePublishReply() else { return false }
        let link = redisNode(number).publishLink!
        switch reply {
        case .integer(let value):
            let owner = hub.publishAnswered(receivers: value, by: link.hubNode)
            if case .app? = owner { return true }
            event { link.numberAnswered(owner) }
        case .error(let text): event { link.replied(.error(text)) }
        case .pong: event { link.replied(.status("PONG")) }
        case .text(let text): event { link.replied(.bulk(text)) }
        case .role(let role): event { link.replied(FakeRedis.role(role)) }
        case .clusterInfo: event { link.replied(FakeRedis.clusterInfo) }
        }
        return true
    }

    /// Sends Redis all commands about names that there are, although no turn ends.
    func flushSubscribes() {
        for node in nodes where isSubscribeLinkUp(node.number) && node.takesCommands {
            let link = redisNode(node.number).subscribeLink!
            repeat {
                event { link.flush() }
                event { link.flushed() }
            } while link.hubNode.hasSubscribeCommands
        }
    }

    /// Lets Redis answer everything, and turns pass, until nothing changes any more.
    func settle() {
        repeat {
            turn()
            for (number, node) in nodes.enumerated() {
                node.redis.executeOwn()
                while !node.redis.subscribeCommands.isEmpty { node.redis.executeSubscribe() }
                while !node.redis.publishCommands.isEmpty { node.redis.executePublish() }
                while readSubscribeReply(number) {}
                while readPublishReply(number) {}
            }
            turn()
        } while hub.hasWork
            || nodes.contains {
                !$0.redis.isIdle
                    || isSubscribeLinkUp($0.number) && $0.takesCommands && hubNode($0.number).hasSubscribeCommands
            }
    }
}
