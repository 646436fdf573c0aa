internal import Configuration
internal import RelayCore

/// One of the two links to a Redis node.
class NodeLink: RedisLink {
    unowned let node: NodeLinks

    /// - Parameters:
    ///   - evidence: what says that the other end lives.
    ///   - prefix: of all channels, for the link that publishes.
    init(name: String, node: NodeLinks, evidence: AnswerClock.Evidence, publishesUnder prefix: [UInt8]? = nil) {
        self.node = node
        let configuration = node.relay.configuration
        super.init(
            name: name, relay: node.relay,
            machine: Self.machine(
                configuration.timings, heartbeat: configuration.timings.heartbeatInterval,
                expects: node.expectedServer, evidence: evidence, usesTokens: true, publishesUnder: prefix))
    }

    override var address: String { node.address(of: place) }
    override var location: Location { node.location(of: self) }
    override var credentials: RedisConfiguration.Credentials { relay.configuration.redis.credentials }
    override func noteFallbacks() { node.noteFallbacks(of: self) }
    override func failed(_ failure: LinkFailure, wasEstablished: Bool) {
        // What an attempt says changes nothing but the reason: once a turn will do, however many nodes are away.
        if wasEstablished {
            relay.evaluatePath()
            node.lost(self, failure)
        } else {
            relay.needsEvaluation = true
        }
        if let told = self.failure { relay.attemptFailed(self, told) }
        if failure.cause == .demoted, !wasEstablished { node.foundReplica(failure, by: self) }
    }
}
