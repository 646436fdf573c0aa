internal import Configuration
internal import EventLoop
internal import Posix
internal import RedisWire
internal import RelayCore

/// The connection that subscribes and hears. What Redis is told about names comes from the hub, in batches: the share of
/// its node.
final class SubscribeLink: NodeLink {
    private lazy var subscribeSink = SubscribeSink(link: self)
    private let batch = CommandBatch()
    /// The commands of a turn, written in one go.
    private let output = OutputBuffer()
    // Borrowed for each reply, so not by way of the node.
    fileprivate let feed: HubNode

    init(node: NodeLinks) {
        feed = node.feed
        super.init(name: "subscribe", node: node, evidence: .bytes)
    }

    /// Names told to Redis in one loop turn at most, and unsent bytes beyond which it is told none: a restore of
    /// 100,000 names must not keep the loop from its other work.
    private static let namesPerTurn = 4096
    private static let highWater = 256 << 10

    override var sink: ReplySink { subscribeSink }
    override var debt: LinkDebt { feed.subscribeDebt }

    /// Redis has answered the SUBSCRIBE to the probe's channel on this connection. Before that a probe could be
    /// published by the other link and never be heard.
    var isProbeAnswered: Bool { isEstablished && probeAnswersOwed == 0 }
    private var probeAnswersOwed = 0
    /// The node has not taken names in this turn.
    private(set) var hasMisplacedNames = false

    override func established() {
        node.chooseProbeChannel()
        probeAnswersOwed = 1
        hub.beginRestore(feed, asksForProbe: true)
        node.subscribeLinkEstablished()
        // Writing comes last, also below: it may fail, and end the link before it returns.
        writeProbeSubscription()
    }

    /// Subscribes to the probe's channel, which is another one than before.
    func subscribeToProbe() {
        guard isEstablished else { return }
        probeAnswersOwed += 1
        hub.asksForProbe(feed)
        writeProbeSubscription()
    }

    private func writeProbeSubscription() {
        write([hub.slots == nil ? "SUBSCRIBE" : "SSUBSCRIBE", relay.redisName(of: node.probeChannel)])
    }

    override func lost(_ failure: LinkFailure, unsent: Int) {
        hub.subscribeLinkFailed(feed)
        node.subscribeLinkLost()
    }

    override func writePing() {
        feed.sentPing()
        write(["PING"] + (machine.repeatsTokens ? [PingToken.text(of: UInt64(feed.pingsSent))] : []))
    }

    /// Tells Redis about names, where `NodeLinks.needsSubscribeFlush`. To be called once a turn.
    func flush() {
        guard node.needsSubscribeFlush, isEstablished, let stream else { return }
        if hasMisplacedNames {
            hasMisplacedNames = false
            hub.placeMisplaced(feed)
        }
        let limit = relay.configuration.timings.restoreBatch
        var names = 0
        while feed.hasSubscribeCommands, names < Self.namesPerTurn, stream.unsent + output.count < Self.highWater {
            var verb = SubscribeVerb.subscribe
            let count = hub.nextSubscribeCommand(feed, limit: limit) {
                verb = $0
                batch.begin(SubscriptionKind($0))
            } append: {
                batch.append(prefix: $0, name: $1)
            }
            batch.finish { output.append($0) }
            if verb == .sunsubscribe { CommandFormatter.format(["PING"]) { output.append($0) } }
            names += count
        }
        let bytes = UnsafeRawBufferPointer(output.bytes)
        if !bytes.isEmpty { write(bytes) }
        output.removeAll()
        guard isEstablished else { return }
        if feed.hasSubscribeCommands, stream.unsent < Self.highWater { relay.wakeUp() }
        // Names that nobody wants any more have been given up without a word to Redis.
        node.subscribeLinkProgressed()
    }

    // MARK: Replies

    func confirmed(_ kind: SubscriptionKind, _ name: UnsafeRawBufferPointer?) {
        let name = name ?? UnsafeRawBufferPointer(start: nil, count: 0)
        if node.machine.isBlind, feed.isNameDue { node.channelSeen() }
        // The answers to our own are not told from what the node sends when it loses a slot.
        if kind == .sunsubscribe, hub.slots != nil { return act(on: hub.unsubscribed(redisName: name, by: feed)) }
        act(on: hub.confirmed(SubscribeVerb(kind), redisName: name, by: feed))
    }

    func answered(_ value: RedisValue) {
        switch value {
        case .error(let text):
            if let failure = LinkFailure.classify(error: text) ?? LinkFailure.classify(shardedError: text) {
                return fail(failure)
            }
            act(on: hub.subscribeRefused(text, shown: shown(text), by: feed))
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
        guard token.isEmpty || feed.isPongDue && token == PingToken.bytes(of: UInt64(feed.pingsAnswered + 1)) else {
            return act(on: .violation("an answer that belongs to another command: one was lost on the way"))
        }
        pongReceived()
        act(on: hub.pongReceived(from: feed))
    }

    /// What is no confirmation may be all that a proxy has to say to a command that it does not know. If that was for the
    /// relay's own channel, the link is of no use; if it was for names of apps, they are refused.
    private func answeredOddly(_ value: RedisValue) {
        guard let verb = feed.dueCommand, verb.isJoining else {
            return act(on: .violation("an answer that nothing was asked for"))
        }
        let answer = LinkMachine.Reply(value).description
        let text = feed.isNameDue ? "Redis answers \(SubscriptionKind(verb).command) with \(answer)" : answer
        act(on: hub.subscribeRefused(text, shown: shown(text), by: feed))
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
            relay.cluster?.redirected(text, by: node)
            hasMisplacedNames = true
        case .violation(let text): return fail(LinkFailure(cause: .malformedReply, reason: "Redis: \(text)"))
        }
        node.subscribeLinkProgressed()
    }
}

private final class SubscribeSink: ReplySink {
    private unowned let link: SubscribeLink
    private unowned let relay: Relay
    private let hub: Hub
    private let feed: HubNode

    init(link: SubscribeLink) { (self.link, relay, hub, feed) = (link, link.relay, link.hub, link.feed) }

    override func objection(toArrayOf elements: Int, depth: Int) -> String? {
        guard link.isEstablished else { return ReplyLimits.objectionInGreeting(toArrayOf: elements, depth: depth) }
        // What is no confirmation may be all that a proxy says to a command that it does not know.
        let least = feed.dueCommand?.isJoining == true ? 0 : 2
        return depth == 0 && least...4 ~= elements
            ? nil : "what a subscriber hears are arrays of two to four elements, and none inside of another"
    }

    override func objectionToString() -> String? {
        !link.isEstablished || feed.isPongDue ? nil : "what a subscriber hears are arrays"
    }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        if let number = hub.deliver(channel: channel, payload: payload, by: feed) { link.node.probeHeard(number) }
        if hub.isOutputHigh { hub.writeOutput() }
    }

    override func patternMessage(
        pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) {
        hub.deliver(pattern: pattern, channel: channel, payload: payload)
        if hub.isOutputHigh { hub.writeOutput() }
    }

    override func oddMessage() { hub.counters.oddMessages += 1 }

    override func confirmation(_ kind: SubscriptionKind, name: UnsafeRawBufferPointer?, count: Int64) {
        link.confirmed(kind, name)
    }

    override func integer(_ value: Int64) { reply(.integer(value)) }

    override func reply(_ value: RedisValue) {
        if link.isEstablished { link.answered(value) } else { link.greeted(value) }
    }
}

extension SubscriptionKind {
    init(_ verb: SubscribeVerb) {
        switch verb {
        case .subscribe: self = .subscribe
        case .unsubscribe: self = .unsubscribe
        case .psubscribe: self = .psubscribe
        case .punsubscribe: self = .punsubscribe
        case .ssubscribe: self = .ssubscribe
        case .sunsubscribe: self = .sunsubscribe
        }
    }
}

extension SubscribeVerb {
    init(_ kind: SubscriptionKind) {
        switch kind {
        case .subscribe: self = .subscribe
        case .unsubscribe: self = .unsubscribe
        case .psubscribe: self = .psubscribe
        case .punsubscribe: self = .punsubscribe
        case .ssubscribe: self = .ssubscribe
        case .sunsubscribe: self = .sunsubscribe
        }
    }
}
