internal import Configuration
package import RESP

/// The connection that subscribes and hears. What Redis is told about names comes from the hub, in batches: the share of
/// its node.
package final class SubscribeLink: NodeLink {
    private var batch = SubscribeBatch()
    // Borrowed for each reply, so not by way of the node.
    package let hubNode: HubNode
    private var hasFlushed = false

    init(node: RedisNode) {
        hubNode = node.hubNode
        super.init(kind: .subscribe, node: node, evidence: .bytes)
    }

    /// Names told to Redis in one loop turn at most, and unsent bytes beyond which it is told none: a restore of
    /// 100,000 names must not keep the loop from its other work.
    private static let namesPerTurn = 4096
    private static let highWater = 256 << 10

    override var debt: LinkDebt { hubNode.subscribeDebt }

    /// Redis has answered the SUBSCRIBE to the probe's channel on this connection. Before that a probe could be
    /// published by the other link and never be heard.
    var isProbeAnswered: Bool { isEstablished && probeAnswersOwed == 0 }
    private var probeAnswersOwed = 0
    /// The node has not taken names in this turn.
    private(set) var hasMisplacedNames = false

    override func established() {
        node.chooseProbeChannel()
        probeAnswersOwed = 1
        hub.beginRestore(hubNode, asksForProbe: true)
        writeProbeSubscription()
        node.subscribeLinkEstablished()
    }

    /// Subscribes to the probe's channel, which is another one than before.
    func subscribeToProbe() {
        guard isEstablished else { return }
        probeAnswersOwed += 1
        hub.asksForProbe(hubNode)
        writeProbeSubscription()
    }

    private func writeProbeSubscription() {
        write([hub.slots == nil ? "SUBSCRIBE" : "SSUBSCRIBE", upstream.redisName(of: node.probeChannel)])
    }

    override func lost(_ failure: LinkFailure, unsent: Int) {
        hub.subscribeLinkFailed(hubNode)
        node.subscribeLinkLost()
    }

    override func writePing() {
        hubNode.sentPing()
        write(["PING"] + (machine.repeatsTokens ? [PingToken.text(of: UInt64(hubNode.pingsSent))] : []))
    }

    /// Tells Redis about names, where `RedisNode.needsSubscribeFlush`. To be called once a turn, and `flushed` when that has
    /// been written.
    func flush() {
        guard node.needsSubscribeFlush, isEstablished else { return }
        hasFlushed = true
        if hasMisplacedNames {
            hasMisplacedNames = false
            hub.placeMisplaced(hubNode)
        }
        let limit = upstream.timings.restoreBatch
        var names = 0
        while hubNode.hasSubscribeCommands, names < Self.namesPerTurn, backlog + output.count < Self.highWater {
            var verb = SubscribeVerb.subscribe
            let count = hub.nextSubscribeCommand(hubNode, limit: limit) {
                verb = $0
                batch.begin($0)
            } append: {
                batch.append(prefix: $0, name: $1)
            }
            batch.finish { output.append($0) }
            // Its confirmations may be those that the node sends by itself when it loses the slot: the PONG behind them ends it.
            if verb == .sunsubscribe { output.append(command: ["PING"]) }
            names += count
        }
        askToWrite()
    }

    /// What `flush` gathered has been written.
    func flushed() {
        guard hasFlushed else { return }
        hasFlushed = false
        guard isEstablished else { return }
        if hubNode.hasSubscribeCommands, backlog < Self.highWater { upstream.act(.takeAnotherTurn) }
        // Names that nobody wants any more have been given up without a word to Redis.
        node.subscribeLinkProgressed()
    }

    // MARK: Replies

    /// Redis has done what one name of a command asked for.
    package func confirmed(_ verb: SubscribeVerb, _ name: UnsafeRawBufferPointer?) {
        let name = name ?? UnsafeRawBufferPointer(start: nil, count: 0)
        if node.machine.isBlind, hubNode.isNameDue { node.channelSeen() }
        // The answers to our own are not told from what the node sends when it loses a slot.
        if verb == .sunsubscribe, hub.slots != nil { return act(on: hub.unsubscribed(redisName: name, by: hubNode)) }
        act(on: hub.confirmed(verb, redisName: name, by: hubNode))
    }

    override func answered(_ value: RedisValue) {
        switch value {
        case .error(let text):
            if let failure = LinkFailure.classify(error: text) ?? LinkFailure.classify(shardedError: text) {
                return fail(failure)
            }
            act(on: hub.subscribeRefused(text, shown: shown(text), by: hubNode))
        default:
            guard let token = Self.tokenOfPong(value) else { return answeredOddly(value) }
            ponged(token)
        }
    }

    /// What an answer to PING repeats, nothing where the PING had no argument; nil for any other answer. It has another form
    /// on a connection that has subscriptions than on one that has none.
    private static func tokenOfPong(_ value: RedisValue) -> [UInt8]? {
        switch value {
        case .status("PONG"): return []
        case .bulk(let token) where PingToken.isToken(token): return token
        case .array(let parts):
            guard parts.count == 2, parts[0] == .bulk(Array("pong".utf8)), case .bulk(let token) = parts[1] else {
                return nil
            }
            return token
        default: return nil
        }
    }

    /// A PING has its answer. By the argument it is known which one: an earlier answer may be missing, although messages
    /// have gone on coming.
    private func ponged(_ token: [UInt8]) {
        guard token.isEmpty || hubNode.isPongDue && token == PingToken.bytes(of: UInt64(hubNode.pingsAnswered + 1))
        else {
            return act(on: .violation("a reply to another command: one was lost on the way"))
        }
        pongReceived()
        act(on: hub.pongReceived(from: hubNode))
    }

    /// What is no confirmation may be all that a proxy has to say to a command that it does not know. If that was for the
    /// relay's own channel, the link is of no use; if it was for names of apps, they are refused.
    private func answeredOddly(_ value: RedisValue) {
        guard let verb = hubNode.dueCommand, verb.isJoining else {
            return act(on: .violation("a reply that was not requested"))
        }
        let answer = LinkMachine.Reply(value).description
        let text = hubNode.isNameDue ? "Redis answers \(verb.command) with \(answer)" : answer
        act(on: hub.subscribeRefused(text, shown: shown(text), by: hubNode))
    }

    private func act(on reply: Hub.SubscribeReply) {
        switch reply {
        case .none: break
        case .probeSubscribed:
            probeAnswersOwed -= 1
            node.ownChannelGranted()
        case .probeRefused(let text) where hub.slots != nil && Redirection.isOfTheCluster(text):
            probeAnswersOwed -= 1
            node.probeMisplaced(text)
            guard isEstablished else { return }
        case .probeRefused(let text):
            if let failure = LinkFailure.classify(denied: text) { return fail(failure) }
            guard text.hasPrefix("NOPERM") else {
                return fail(.notAnswered(hub.slots == nil ? "SUBSCRIBE" : "SSUBSCRIBE", text))
            }
            probeAnswersOwed -= 1
            node.ownChannelDenied(text)
        case .probeUnsubscribed: node.probeChannelLost()
        case .slotLost: node.slotLost()
        case .misplaced(let text):
            upstream.cluster?.redirected(text, by: node)
            hasMisplacedNames = true
        case .violation(let text): return fail(LinkFailure(cause: .protocolError, reason: "Redis: \(text)"))
        }
        node.subscribeLinkProgressed()
    }
}
