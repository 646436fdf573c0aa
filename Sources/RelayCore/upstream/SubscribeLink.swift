internal import Configuration
package import RESP

/// The connection that subscribes and receives messages. The hub gives it the commands about the names of its node, in
/// batches.
package final class SubscribeLink: NodeLink {
    private var batch = SubscribeBatch()
    // Used for each reply, so it is kept here and not taken from the node.
    package let hubNode: HubNode
    private var hasFlushed = false

    init(node: RedisNode) {
        hubNode = node.hubNode
        super.init(kind: .subscribe, node: node, evidence: .bytes)
    }

    /// The most names that are sent to Redis in one turn, and the number of unsent bytes beyond which none are sent: a
    /// restore of 100,000 names must not keep the loop from its other work.
    private static let namesPerTurn = 4096
    private static let highWater = 256 << 10

    override var debt: LinkDebt { hubNode.subscribeDebt }

    /// Whether Redis has answered the SUBSCRIBE to the probe's channel on this connection. Before that, a probe could
    /// be published by the other link and never be heard.
    var isProbeAnswered: Bool { isEstablished && probeAnswersOwed == 0 }
    private var probeAnswersOwed = 0
    /// Whether the node has refused names in this turn because it does not have their slots.
    private(set) var hasMisplacedNames = false

    override func established() {
        node.chooseProbeChannel()
        probeAnswersOwed = 1
        hub.beginRestore(hubNode, asksForProbe: true)
        writeProbeSubscription()
        node.subscribeLinkEstablished()
    }

    /// Subscribes to the probe's channel, because it is a new one or was denied before.
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

    /// Sends Redis commands about names if `RedisNode.needsSubscribeFlush`. Call it once a turn, and `flushed` when its
    /// output has been written.
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
            // The node sends the same confirmations by itself when it loses the slot. So a PING follows the command:
            // the PONG is its answer.
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
        // Names that nobody wants any more have been given up without a command to Redis.
        node.subscribeLinkProgressed()
    }

    // MARK: Replies

    /// Redis has confirmed a command for one of its names.
    package func confirmed(_ verb: SubscribeVerb, _ name: UnsafeRawBufferPointer?) {
        let name = name ?? UnsafeRawBufferPointer(start: nil, count: 0)
        if node.machine.isBlind, hubNode.isNameDue { node.channelSeen() }
        // The answers to the relay's own SUNSUBSCRIBE look like what the node sends when it loses a slot.
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

    /// The argument that an answer to PING repeats, empty if the PING had none; nil for any other answer. On a
    /// connection with subscriptions the answer has another form than on one without.
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

    /// A PING has been answered. Its argument shows which one: an earlier answer may be missing even if messages went
    /// on coming.
    private func ponged(_ token: [UInt8]) {
        guard token.isEmpty || hubNode.isPongDue && token == PingToken.bytes(of: UInt64(hubNode.pingsAnswered + 1))
        else {
            return act(on: .violation("a reply to another command: one was lost on the way"))
        }
        pongReceived()
        act(on: hub.pongReceived(from: hubNode))
    }

    /// A reply that is not a confirmation may be the answer of a proxy to a command that it does not know. If the
    /// command was for the relay's own channel, the link cannot be used; if it was for names of apps, they are refused.
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
