internal import Configuration
internal import EventLoop
internal import Logging
internal import Posix
internal import RedisWire
internal import RelayCore

/// The connection that publishes. Its commands are gathered in the hub's `PublishQueue` for its node, and written once
/// a turn.
final class PublishLink: NodeLink {
    private lazy var publishSink = PublishSink(link: self)
    // Borrowed for each reply, so not by way of the node.
    fileprivate let feed: HubNode
    private let publishes: PublishQueue
    /// How large a payload the server takes.
    private(set) var payloadLimit: PayloadLimit

    init(node: NodeLinks) {
        feed = node.feed
        publishes = feed.publishes
        let prefix = node.relay.configuration.listener.prefix
        payloadLimit = PayloadLimit(own: node.relay.hub.identity.maxPayloadBytes, prefix: prefix.count)
        super.init(name: "publish", node: node, evidence: .answers, publishesUnder: prefix)
    }

    override var sink: ReplySink { publishSink }
    override var debt: LinkDebt { publishes.debt }
    override var replyLimits: ReplyLimits { .ofShortAnswers }

    override func established() {
        publishSink.isEstablished = true
        payloadLimit.established(machine.greeting.settings)
        applyPayloadLimit()
        node.publishLinkEstablished()
    }

    override func lost(_ failure: LinkFailure, unsent: Int) {
        publishSink.isEstablished = false
        let unsent = unsent + publishes.output.count
        if failure.cause == .closed { payloadLimit.closed(largest: publishes.largestPublish(unsent: unsent)) }
        hub.publishLinkFailed(feed, failure, unsent: unsent)
        node.publishLinkLost()
    }

    override func writePing() { CommandFormatter.format(["PING"]) { hub.sendPing($0, to: feed) } }

    /// Asks whether the server is still a master, and in a cluster whether it is still part of it.
    /// - Returns: false when there was no room for the question.
    func askRole() -> Bool {
        var isAsked = false
        CommandFormatter.format(["ROLE"]) { isAsked = hub.sendRole($0, to: feed) }
        guard isAsked, relay.cluster != nil else { return isAsked }
        CommandFormatter.format(["CLUSTER", "INFO"]) { isAsked = hub.sendClusterInfo($0, to: feed) }
        return isAsked
    }

    /// Names the connection, which was refused when it was new.
    func askForName() { CommandFormatter.format(words(for: .setName)) { _ = hub.sendName($0, to: feed) } }

    // MARK: How large a payload may be

    override var ownPublish: [String] {
        [hub.slots == nil ? "PUBLISH" : "SPUBLISH", relay.redisName(of: node.probeChannel), ""]
    }
    override var trialSize: Int? { payloadLimit.suspect }

    override func greetingBroken(at step: LinkMachine.GreetingStep, _ cause: Cause) {
        guard step == .size else { return }
        payloadLimit.trialEnded(isClosed: cause == .closed)
        applyPayloadLimit()
    }

    override func reconsiderServer() {
        super.reconsiderServer()
        payloadLimit.forget()
        applyPayloadLimit()
    }

    private func applyPayloadLimit() {
        let isNews = feed.maxPayloadBytes != payloadLimit.bytes
        (feed.maxPayloadBytes, feed.faultOfLargePayload) = (payloadLimit.bytes, payloadLimit.fault)
        guard isNews, payloadLimit.isOfServer else { return }
        relay.limitedLog.log(
            .warning, "the server takes smaller payloads than the relay; larger ones are refused", now: relay.now,
            [
                "bytes": "\(payloadLimit.bytes)", "setting": "\(payloadLimit.setting)", "redis": "\(address)",
            ])
    }

    override func didSendBacklog() { publishes.backlog = stream?.unsent ?? 0 }

    /// Writes what has been gathered.
    func flush() {
        let output = publishes.output
        guard output.count > 0, let stream else { return }
        markIfDue()
        hub.counters.bytesToRedis += UInt64(output.count)
        stream.send(UnsafeRawBufferPointer(output.bytes))
        // When writing has failed, the link has been given up and the queue is empty already.
        guard self.stream === stream else { return }
        output.removeAll()
        publishes.backlog = stream.unsent
    }

    // MARK: Markers

    /// Commands after which a marker follows, and nanoseconds, whichever comes first. A marker costs the relay as much as
    /// about five publishes, and Redis one PING.
    private static let (commandsBetweenMarkers, timeBetweenMarkers) = (1024, UInt64(100_000_000))
    private var markedAt: UInt64 = 0

    override func tick() {
        super.tick()
        // Nobody may publish any more: then the last answers are still to be proven.
        if isEstablished, publishes.unmarked > 0, markIfDue() { hub.hasPublishOutput = true }
    }

    /// Appends a marker when apps have publishes in flight, and the last one is far enough behind.
    @discardableResult
    private func markIfDue() -> Bool {
        let unmarked = publishes.unmarked
        guard unmarked > 0, relay.now &- markedAt >= Self.timeBetweenMarkers || unmarked >= Self.commandsBetweenMarkers,
            publishes.publishesInFlight > 0, machine.repeatsTokens
        else { return false }
        markedAt = relay.now
        return publishes.mark()
    }

    // MARK: Replies

    /// A number has answered one of the relay's own commands, or nothing that was asked.
    fileprivate func answered(_ own: Hub.OwnReply?) {
        switch own {
        case Hub.OwnReply.none?: break
        case .probe(let number)?: node.probeAnswered(number)
        case .role? where node.machine.role.unavailable != nil: node.roleAskedAgain(.number(0))
        case .ping?, .role?, .clusterInfo?, .setName?, .marker?: outOfStep()
        case nil: violation()
        }
    }

    func answered(_ value: RedisValue) {
        // A server that is out of step would have publishes answered by what belongs to others.
        var text = ""
        if case .error(let error) = value { text = error } else if publishes.isNumberDue { return outOfStep() }
        let size = publishes.oldestSize
        let isMisplaced = hub.slots != nil && Redirection.isOfTheCluster(text)
        guard let reply = hub.publishRefused(shown(text), isMisplaced: isMisplaced, by: feed) else {
            return violation()
        }
        if case .error(let error) = value,
            let failure = LinkFailure.classify(error: error) ?? LinkFailure.classify(shardedError: error)
        {
            return fail(failure)
        }
        if text.contains("Protocol error") {
            // It says so before it closes, and the command that it means is the one that it answers.
            payloadLimit.refused(command: size)
            applyPayloadLimit()
            return fail(LinkFailure(cause: .closed, "Redis: ", quoting: text))
        }
        let answer = LinkMachine.Reply(value)
        switch reply {
        case .marker(let number):
            // An error says nothing, but that the server cannot do as much just now.
            if text.isEmpty, answer != .text(PingToken.text(of: number)) { outOfStep() }
        case .ping where !LinkMachine.GreetingStep.ping.accepts(answer): violation()
        case .role where node.machine.role.unavailable == nil && !LinkMachine.GreetingStep.role.accepts(answer):
            violation()
        case .ping: if answer.isStatus { pongReceived() }
        case .role: node.roleAnswered(answer)
        case .clusterInfo where !LinkMachine.GreetingStep.clusterInfo.accepts(answer): violation()
        case .clusterInfo: node.clusterInfoAnswered(answer)
        case .probe: node.probeFailed(text)
        case .setName: node.nameAnswered(answer)
        case .none: if isMisplaced { node.publishMisplaced(text) } else { node.publishRefused(text) }
        }
    }

    private func violation() {
        fail(LinkFailure(cause: .malformedReply, reason: "Redis answered what was not asked"))
    }

    /// An answer of the wrong kind, or to another command than the oldest one: one before it is missing, or one too many
    /// has come.
    private func outOfStep() {
        fail(
            LinkFailure(
                cause: .malformedReply,
                reason: "Redis: an answer that belongs to another command: one was lost on the way, or one was added"))
    }
}

private final class PublishSink: ReplySink {
    private unowned let link: PublishLink
    private let hub: Hub
    private let feed: HubNode
    /// Whether the link is. Noted here for the sake of the answers to publishes, which need nothing else of it.
    var isEstablished = false

    init(link: PublishLink) { (self.link, hub, feed) = (link, link.hub, link.feed) }

    override func integer(_ value: Int64) {
        guard isEstablished else { return link.greeted(.integer(value)) }
        let own = hub.publishAnswered(receivers: value, by: feed)
        if case Hub.OwnReply.none? = own { return }
        link.answered(own)
    }

    override func reply(_ value: RedisValue) {
        if isEstablished { link.answered(value) } else { link.greeted(value) }
    }

    override func objection(toArrayOf elements: Int, depth: Int) -> String? {
        if link.machine.greeting.awaited == .user { return nil }
        guard link.isEstablished else { return ReplyLimits.objectionInGreeting(toArrayOf: elements, depth: depth) }
        guard feed.publishes.isRoleDue else { return "of what a publish link asks, ROLE alone is answered with one" }
        return ReplyLimits.objectionInGreeting(toArrayOf: elements, depth: depth)
    }

    override func objectionToString() -> String? {
        guard link.isEstablished, !feed.publishes.isStringDue else { return nil }
        return "what is due is no string"
    }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) { unexpected() }
    override func patternMessage(
        pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) { unexpected() }
    override func oddMessage() { unexpected() }
    override func confirmation(_ kind: SubscriptionKind, name: UnsafeRawBufferPointer?, count: Int64) {
        unexpected()
    }

    private func unexpected() {
        link.fail(LinkFailure(cause: .malformedReply, reason: "Redis sent a message on the publish link"))
    }
}
