internal import RESP
internal import RedisWire
internal import RelayCore

/// What happens to a link's replies, by the kind of the link. A sink decides which replies can come at all, so that no
/// reply is gathered in memory that was not asked for, and where replies are reported.
enum LinkSink {
    static func make(for link: Link, relay: Relay) -> ReplySink {
        switch link {
        case let link as PublishLink: PublishSink(link, relay)
        case let link as SubscribeLink: SubscribeSink(link, relay)
        case let link as SentinelLink: SentinelSink(link, relay)
        case let link as ClusterLink: ClusterSink(link, relay)
        default: preconditionFailure("there are four kinds of links")
        }
    }

    /// What a server may say on a link.
    static func limits(for link: Link) -> ReplyLimits {
        switch link {
        case is PublishLink, is SentinelLink: .ofShortAnswers
        case is ClusterLink: .ofClusterSlots
        default: ReplyLimits()
        }
    }
}

private final class PublishSink: ReplySink {
    // Kept here for the answers to publishes, which need nothing else. No cycle remains: see `LinkSocket.dispose`.
    private let link: PublishLink
    private let hub: Hub
    private let node: HubNode
    private unowned let relay: Relay

    init(_ link: PublishLink, _ relay: Relay) {
        (self.link, self.relay, hub, node) = (link, relay, link.hub, link.hubNode)
    }

    override func integer(_ value: Int64) {
        guard link.isEstablished else { return reply(.integer(value)) }
        let owner = hub.publishAnswered(receivers: value, by: node)
        if case .app? = owner { return }
        relay.event { link.numberAnswered(owner) }
    }

    override func reply(_ value: RedisValue) { relay.event { link.replied(value) } }

    override func objection(toArrayOf elements: Int, depth: Int) -> String? {
        if link.machine.greeting.awaited == .user { return nil }
        guard link.isEstablished else { return ReplyLimits.objectionInGreeting(toArrayOf: elements, depth: depth) }
        guard node.publishes.isRoleDue else { return "on a publish link, only the reply to ROLE is an array" }
        return ReplyLimits.objectionInGreeting(toArrayOf: elements, depth: depth)
    }

    override func objectionToString() -> String? {
        guard link.isEstablished, !node.publishes.isStringDue else { return nil }
        return "the reply that is due is not a string"
    }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) { unexpected() }
    override func patternMessage(
        pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) { unexpected() }
    override func oddMessage() { unexpected() }
    override func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) {
        unexpected()
    }

    private func unexpected() { relay.event { link.heardMessage() } }
}

private final class SubscribeSink: ReplySink {
    private let link: SubscribeLink
    private let hub: Hub
    private let node: HubNode
    private unowned let relay: Relay

    init(_ link: SubscribeLink, _ relay: Relay) {
        (self.link, self.relay, hub, node) = (link, relay, link.hub, link.hubNode)
    }

    override func objection(toArrayOf elements: Int, depth: Int) -> String? {
        guard link.isEstablished else { return ReplyLimits.objectionInGreeting(toArrayOf: elements, depth: depth) }
        // A proxy may answer a SUBSCRIBE that it does not know with an array that is not a confirmation.
        let least = node.dueCommand?.isJoining == true ? 0 : 2
        return depth == 0 && least...4 ~= elements
            ? nil : "a subscriber gets arrays of two to four elements, which are not nested"
    }

    override func objectionToString() -> String? {
        !link.isEstablished || node.isPongDue ? nil : "a subscriber gets arrays"
    }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        if let number = hub.deliver(channel: channel, payload: payload, by: node) {
            relay.event { link.node.probeHeard(number) }
        }
        if hub.isOutputHigh { hub.writeOutput() }
    }

    override func patternMessage(
        pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) {
        hub.deliver(pattern: pattern, channel: channel, payload: payload)
        if hub.isOutputHigh { hub.writeOutput() }
    }

    override func oddMessage() { hub.counters.oddMessages += 1 }

    override func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) {
        relay.event { link.confirmed(verb, name) }
    }

    override func integer(_ value: Int64) { reply(.integer(value)) }

    override func reply(_ value: RedisValue) { relay.event { link.replied(value) } }
}

private final class SentinelSink: ReplySink {
    private let link: SentinelLink
    private unowned let relay: Relay

    /// The most elements of an answer: a sentinel describes a master by twenty names and twenty values, or a few more.
    private static let longestAnswer = 256

    init(_ link: SentinelLink, _ relay: Relay) { (self.link, self.relay) = (link, relay) }

    override func objection(toArrayOf elements: Int, depth: Int) -> String? {
        guard link.isEstablished else { return ReplyLimits.objectionInGreeting(toArrayOf: elements, depth: depth) }
        return depth == 0 && elements <= Self.longestAnswer
            ? nil : "a reply about a master is one flat list of at most \(Self.longestAnswer) elements"
    }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        relay.event { if link.isEstablished { link.heard(payload) } else { link.violation() } }
    }

    override func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) {
        relay.event { if link.isEstablished { link.confirmed(verb) } else { link.violation() } }
    }

    override func integer(_ value: Int64) { reply(.integer(value)) }

    override func reply(_ value: RedisValue) { relay.event { link.replied(value) } }
}

private final class ClusterSink: ReplySink {
    private let link: ClusterLink
    private unowned let relay: Relay

    init(_ link: ClusterLink, _ relay: Relay) { (self.link, self.relay) = (link, relay) }

    override func objection(toArrayOf elements: Int, depth: Int) -> String? {
        guard link.isEstablished else { return ReplyLimits.objectionInGreeting(toArrayOf: elements, depth: depth) }
        return link.areSlotsDue ? nil : "the slots were not requested"
    }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) { violation() }
    override func patternMessage(
        pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) { violation() }
    override func oddMessage() { violation() }
    override func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) { violation() }

    private func violation() { relay.event { link.violation() } }

    override func integer(_ value: Int64) { reply(.integer(value)) }

    override func reply(_ value: RedisValue) {
        // A member's answer may end nodes that owe something, and may be read before the tick notices a stall.
        relay.noticeLag()
        relay.event { link.replied(value) }
    }
}
