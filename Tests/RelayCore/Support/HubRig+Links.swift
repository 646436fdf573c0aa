import RESP
import Testing

@testable import RelayCore

/// Links that come and go. The default is the first node.
extension HubRig {
    /// All links come up, and everything held is restored.
    func bringUp() {
        for number in nodes.indices {
            openPublishLink(number)
            openSubscribeLink(number)
        }
        settle()
    }

    func isPublishLinkUp(_ number: Int) -> Bool { redisNode(number).publishLink.isEstablished }
    func isSubscribeLinkUp(_ number: Int) -> Bool { redisNode(number).subscribeLink.isEstablished }

    func openPublishLink(_ number: Int = 0) { open(redisNode(number).publishLink) }

    /// The subscribe link is ready for commands; the restore begins.
    func openSubscribeLink(_ number: Int = 0) {
        let link = redisNode(number).subscribeLink!
        guard !link.isEstablished else { return }
        open(link)
        // The relay's own channel comes first, and tests do not care about it.
        nodes[number].redis.executeOwn()
        while nodes[number].redis.isOwnReplyNext { readSubscribeReply(number) }
    }

    /// The server takes the link's connection, and answers its greeting.
    private func open(_ link: NodeLink) {
        guard !link.isEstablished else { return }
        attempt(link)
        #expect(link.isEstablished, "\(link.failure?.reason ?? "")")
    }

    /// The server takes the link's connection, and answers its greeting, whatever the outcome.
    func attempt(_ link: RelayCore.Link) {
        awaitConnecting(link)
        event { link.connected() }
    }

    /// The server does not take the link's connection.
    func refuse(_ link: RelayCore.Link) {
        awaitConnecting(link)
        event { link.connectingFailed("refused") }
    }

    private func awaitConnecting(_ link: RelayCore.Link) {
        while !socket(of: link).isConnecting, let due = socket(of: link).wakesAt {
            hub.now = max(hub.now, due)
            event { link.wake() }
        }
    }

    func loseSubscribeLink(_ number: Int = 0) { event { redisNode(number).subscribeLink.fail(Self.failure) } }

    /// - Parameter unsent: bytes that Redis got, but that count as unsent, in addition to those that are unsent.
    func losePublishLink(_ number: Int = 0, unsent: Int = 0) {
        let link = redisNode(number).publishLink!
        socket(of: link).alsoUnsent = unsent
        event { link.fail(Self.failure) }
        socket(of: link).alsoUnsent = 0
    }

    static let failure = LinkFailure(cause: .closed, reason: "Redis closed the connection")

    func loseBothLinks(_ number: Int = 0) {
        loseSubscribeLink(number)
        losePublishLink(number)
    }

    // MARK: Sockets

    func socket(of link: RelayCore.Link) -> SimulatedSocket {
        if let socket = link.socket as? SimulatedSocket { return socket }
        let node = (link as? NodeLink).flatMap { link in
            nodes.first { options.shards == nil || link.node.endpoint == SimulatedNode.endpoint($0.number) }
        }
        // The link holds its socket, which must not hold the link.
        let (publishes, subscribes) = (link is PublishLink, link is SubscribeLink)
        let socket = SimulatedSocket { [weak node] in
            publishes ? node?.publishBacklog.count ?? 0 : 0
        } onClose: { [weak node] in
            if subscribes { node?.redis.dropSubscribeLink() }
            if publishes {
                node?.redis.dropPublishLink()
                node?.publishBacklog = []
            }
        }
        link.socket = socket
        return socket
    }

    /// The output of a link goes to its server, which answers a greeting at once.
    func write(_ link: RelayCore.Link) {
        guard let link = link as? NodeLink, link.attempt == .connected else { return }
        guard link.isEstablished else {
            for command in take(link.output) { link.replied(answerToGreeting(command)) }
            return
        }
        let number = nodes.firstIndex {
            options.shards == nil || link.node.endpoint == SimulatedNode.endpoint($0.number)
        }!
        if link is SubscribeLink { return take(link.output).forEach(nodes[number].redis.receiveOnSubscribeLink) }
        guard takesPublishes else { return }
        nodes[number].publishBacklog += link.output.bytes
        link.output.removeAll()
        transmit(isNetworkSlow ? 0 : nodes[number].publishBacklog.count, to: number)
    }

    /// Takes the commands that have been gathered.
    func take(_ output: OutputBuffer) -> [[[UInt8]]] {
        var rest = Array(output.bytes)[...]
        output.removeAll()
        var commands: [[[UInt8]]] = []
        while let (command, more) = FakeRedis.parseCommand(rest) {
            commands.append(command)
            rest = more
        }
        return commands
    }

    /// `count` bytes of the publish link's backlog get to Redis.
    func transmit(_ count: Int, to number: Int = 0) {
        let node = nodes[number]
        node.redis.receive(node.publishBacklog.prefix(count))
        node.publishBacklog.removeFirst(min(count, node.publishBacklog.count))
        redisNode(number).publishLink.backlogChanged(to: node.publishBacklog.count)
    }

    /// `count` bytes of the publish link's backlog leave, and the relay is not notified.
    func takeSilently(_ count: Int, to number: Int = 0) { nodes[number].publishBacklog.removeFirst(count) }

    /// Answers like a master that repeats no tokens and reports no settings.
    func answerToGreeting(_ command: [[UInt8]]) -> RedisValue {
        if let answer = answersGreeting(command.map { String(decoding: $0, as: UTF8.self) }) { return answer }
        return switch String(decoding: command[0], as: UTF8.self) {
        case "CLIENT": .status("OK")
        case "ROLE": FakeRedis.role("master")
        case "CLUSTER": FakeRedis.clusterInfo
        case "PING" where command.count < 3: .status("PONG")
        case "PUBLISH", "SPUBLISH": .integer(0)
        default: .error("ERR unknown command")
        }
    }
}
