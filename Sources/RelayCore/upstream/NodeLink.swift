package import Configuration

/// One of the two links to a Redis node.
package class NodeLink: Link {
    package unowned let node: RedisNode

    /// - Parameters:
    ///   - evidence: what counts as a sign that the peer lives.
    ///   - prefix: what all channels begin with, for the link that publishes.
    init(
        kind: LinkKind, node: RedisNode, evidence: AnswerClock.Evidence, publishesUnder prefix: [UInt8]? = nil,
        output: OutputBuffer = OutputBuffer()
    ) {
        self.node = node
        let timings = node.upstream.timings
        super.init(
            kind: kind, upstream: node.upstream,
            machine: Self.machine(
                timings, heartbeat: timings.heartbeatInterval, expects: node.expectedServer, evidence: evidence,
                usesTokens: true, publishesUnder: prefix),
            output: output)
    }

    override package var address: String { node.address(of: destination) }
    override var location: Location { node.location(of: self) }
    override package var credentials: RedisConfiguration.Credentials { upstream.redis.credentials }
    override func noteFallbacks() { node.noteFallbacks(of: self) }
    override func failed(_ failure: LinkFailure, wasEstablished: Bool) {
        // A failed attempt changes only the reason: one evaluation in each turn is enough, however many nodes are away.
        if wasEstablished {
            upstream.evaluatePath()
            node.lost(self, failure)
        } else {
            upstream.needsEvaluation = true
        }
        if let told = self.failure { upstream.attemptFailed(self, told) }
        if failure.cause == .demoted, !wasEstablished { node.foundReplica(failure, by: self) }
    }
}
