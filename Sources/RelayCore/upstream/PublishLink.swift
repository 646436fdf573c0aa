internal import Configuration
internal import RESP

/// The connection that publishes. Its commands are gathered in the hub's `PublishQueue` for its node, and written once
/// a turn.
package final class PublishLink: NodeLink {
    // Used for each reply, so it is kept here and not taken from the node.
    package let hubNode: HubNode
    private let publishes: PublishQueue
    /// The size of the largest payload that the server takes.
    package private(set) var payloadLimit: PayloadLimit

    init(node: RedisNode) {
        hubNode = node.hubNode
        publishes = hubNode.publishes
        let upstream = node.upstream
        payloadLimit = PayloadLimit(own: upstream.hub.identity.maxPayloadBytes, prefix: upstream.prefix.count)
        super.init(
            kind: .publish, node: node, evidence: .answers, publishesUnder: upstream.prefix, output: publishes.output)
    }

    override var debt: LinkDebt { publishes.debt }

    override func established() {
        payloadLimit.established(machine.greeting.settings)
        applyPayloadLimit()
        node.publishLinkEstablished()
    }

    override func lost(_ failure: LinkFailure, unsent: Int) {
        if failure.cause == .closed { payloadLimit.closed(largest: publishes.largestPublish(unsent: unsent)) }
        hub.publishLinkFailed(hubNode, failure, unsent: unsent)
        node.publishLinkLost()
    }

    override func writePing() {
        RedisCommand.bytes(["PING"]).withUnsafeBytes { _ = hub.send($0, as: .ping, to: hubNode) }
    }

    /// Asks whether the server is still a master, and in a cluster whether it is still part of it.
    /// - Returns: false if there was no room for the question.
    func askRole() -> Bool {
        let isAsked = RedisCommand.bytes(["ROLE"]).withUnsafeBytes { hub.send($0, as: .role, to: hubNode) }
        guard isAsked, upstream.cluster != nil else { return isAsked }
        return RedisCommand.bytes(["CLUSTER", "INFO"]).withUnsafeBytes { hub.send($0, as: .clusterInfo, to: hubNode) }
    }

    /// Sets the name of the connection, which the server refused in the greeting.
    func askForName() {
        RedisCommand.bytes(words(for: .setName)).withUnsafeBytes { _ = hub.send($0, as: .setName, to: hubNode) }
    }

    // MARK: How large a payload may be

    override var ownPublish: [String] {
        [hub.slots == nil ? "PUBLISH" : "SPUBLISH", upstream.redisName(of: node.probeChannel), ""]
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
        let isNews = hubNode.maxPayloadBytes != payloadLimit.bytes
        (hubNode.maxPayloadBytes, hubNode.faultOfLargePayload) = (payloadLimit.bytes, payloadLimit.fault)
        guard isNews, payloadLimit.isOfServer else { return }
        upstream.log(
            .warning, "the server accepts only smaller payloads than the relay; larger ones are refused",
            ["bytes": "\(payloadLimit.bytes)", "setting": payloadLimit.setting, "redis": address])
    }

    // MARK: Writing

    override func backlogChanged() { publishes.backlog = backlog }

    /// Asks for the gathered commands to be written.
    func flush() {
        guard output.count > 0, attempt == .connected else { return }
        markIfDue()
        askToWrite()
    }

    /// A marker follows after this many commands, or this many nanoseconds, whichever comes first. A marker costs the
    /// relay as much as about five publishes, and it costs Redis one PING.
    private static let (commandsBetweenMarkers, timeBetweenMarkers) = (1024, UInt64(100_000_000))
    private var markedAt: UInt64 = 0

    override func tick() {
        super.tick()
        // Apps may have stopped publishing: the last answers must still be proven.
        if isEstablished, publishes.unmarked > 0, markIfDue() { hub.hasPublishOutput = true }
    }

    /// Appends a marker if apps have publishes in flight and the last marker is far enough behind.
    @discardableResult
    private func markIfDue() -> Bool {
        let unmarked = publishes.unmarked
        guard unmarked > 0, hub.now &- markedAt >= Self.timeBetweenMarkers || unmarked >= Self.commandsBetweenMarkers,
            publishes.publishesInFlight > 0, machine.repeatsTokens
        else { return false }
        markedAt = hub.now
        return publishes.mark()
    }

    // MARK: Replies

    /// A number has come: as the answer to one of the relay's own commands, or although nothing was asked.
    /// - Parameter owner: the result of `Hub.publishAnswered`.
    package func numberAnswered(_ owner: PublishQueue.Owner?) {
        switch owner {
        case .app?: break
        case .probe(let number)?: node.probeAnswered(number)
        case .announcement?: upstream.announcementAnswered(nil, by: node)
        case .role? where node.machine.role.unavailable != nil: node.roleAskedAgain(.number(0))
        case .ping?, .role?, .clusterInfo?, .setName?, .marker?: outOfStep()
        case nil: violation()
        }
    }

    /// A reply that is not a number has come.
    override func answered(_ value: RedisValue) {
        // If the server is out of step, its answers to other commands would be taken for answers to publishes.
        var text = ""
        if case .error(let error) = value { text = error } else if publishes.isNumberDue { return outOfStep() }
        let size = publishes.oldestSize
        let isMisplaced = hub.slots != nil && Redirection.isOfTheCluster(text)
        guard let owner = hub.publishRefused(shown(text), isMisplaced: isMisplaced, by: hubNode) else {
            return violation()
        }
        if case .error(let error) = value,
            let failure = LinkFailure.classify(error: error) ?? LinkFailure.classify(shardedError: error)
        {
            return fail(failure)
        }
        if text.contains("Protocol error") {
            // Redis sends this error before it closes the connection, as the answer to the command that the error
            // means.
            payloadLimit.refused(command: size)
            applyPayloadLimit()
            return fail(LinkFailure(cause: .closed, "Redis: ", quoting: text))
        }
        let answer = LinkMachine.Reply(value)
        switch owner {
        case .marker(let number):
            // An error proves nothing: the server just cannot answer the PING at the moment.
            if text.isEmpty, answer != .text(PingToken.text(of: number)) { outOfStep() }
        case .ping where !LinkMachine.GreetingStep.ping.accepts(answer): violation()
        case .role where node.machine.role.unavailable == nil && !LinkMachine.GreetingStep.role.accepts(answer):
            violation()
        case .ping: if answer.isStatus { pongReceived() }
        case .role: node.roleAnswered(answer)
        case .clusterInfo where !LinkMachine.GreetingStep.clusterInfo.accepts(answer): violation()
        case .clusterInfo: node.clusterInfoAnswered(answer)
        case .probe: node.probeFailed(text)
        case .announcement: upstream.announcementAnswered(text, isMisplaced: isMisplaced, by: node)
        case .setName: node.nameAnswered(answer)
        case .app: if isMisplaced { node.publishMisplaced(text) } else { node.publishRefused(text) }
        }
    }

    /// An answer has come that is of the wrong kind, or that belongs to another command than the oldest one: an earlier
    /// answer is missing, or there was one too many.
    private func outOfStep() {
        fail(
            LinkFailure(
                cause: .protocolError,
                reason: "Redis: a reply to another command: one was lost on the way, or one was added"))
    }

    /// Redis has sent a message, which only a link that subscribes receives.
    package func heardMessage() {
        fail(LinkFailure(cause: .protocolError, reason: "Redis sent a message on the publish link"))
    }
}
