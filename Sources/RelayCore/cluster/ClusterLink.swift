package import Configuration
internal import RESP

/// The connection that asks one member of the cluster, any that can be reached, about the state of the cluster. It asks
/// `CLUSTER INFO` as its heartbeat. It asks which node has which slots if that answer has changed, if another part of
/// the relay wants to know, and from time to time.
package final class ClusterLink: Link {
    private unowned let cluster: Cluster

    private enum Step { case info, slots }
    /// The question whose answer is owed; nil if there is none.
    private var owed: Step? { didSet { if owed != nil { asked += 1 } } }
    /// How many questions have been asked, including this one.
    private var asked: UInt64 = 0
    private var topologyToldAt: UInt64 = 0
    private var wantsTopology = true
    /// The slots have been found to be other than the relay believes: it asks again after this many nanoseconds, until
    /// it gets news or this has grown to `longestPause`. nil if it does not ask for that reason.
    private var pause: UInt64?
    /// The member's last answer to CLUSTER INFO.
    private var info: ClusterInfo?

    /// Nanoseconds between two questions about the slots: if nothing happens, and while the path is not UP.
    private static let (interval, intervalWhileNotUp): (UInt64, UInt64) = (10_000_000_000, 5_000_000_000)
    /// The time for an answer, in nanoseconds. Any other member can be asked, so nothing is lost by leaving a member
    /// that is only slow. And it may be the very member whose failure the others are about to report.
    private static let timeout: UInt64 = 1_000_000_000
    /// The pause between the first two questions if the slots have changed, and the longest pause; it doubles with each
    /// further question. What one member knows, the others know some milliseconds later; a failover takes seconds.
    private static let (shortestPause, longestPause): (UInt64, UInt64) = (10_000_000, 1_000_000_000)

    init(of cluster: Cluster) {
        self.cluster = cluster
        let timings = cluster.upstream.timings
        super.init(
            kind: .cluster, upstream: cluster.upstream,
            machine: Self.machine(
                timings, heartbeat: timings.heartbeatInterval, timeout: Self.timeout, expects: .clusterMember))
    }

    override package var address: String {
        destination.map { "cluster member \($0.endpoint)" } ?? upstream.redis.displayAddress
    }
    override var location: Location { .at(cluster.candidates(after: destination?.endpoint, mastersFirst: true)) }
    override package var credentials: RedisConfiguration.Credentials { upstream.redis.credentials }
    override var debt: LinkDebt { LinkDebt(asked: asked, answered: owed == nil ? asked : asked - 1) }

    override func established() {
        wantsTopology = true
        ask()
    }

    override func writePing() { ask() }
    override func lost(_ failure: LinkFailure, unsent: Int) { (owed, info, pause) = (nil, nil, nil) }
    override func failed(_ failure: LinkFailure, wasEstablished: Bool) { cluster.failed() }

    /// The slots are other than the relay believes: asks for them now, and again until there is news or the pause has
    /// grown to `longestPause`.
    func refresh() {
        guard pause == nil else { return }
        pause = Self.shortestPause
        wantsTopology = true
        ask()
    }

    private func ask() {
        guard isEstablished, owed == nil else { return }
        owed = .info
        write(["CLUSTER", "INFO"])
    }

    // MARK: Replies

    /// Whether the next answer is the one about the slots.
    package var areSlotsDue: Bool { owed == .slots }

    override func answered(_ value: RedisValue) {
        let step = owed
        owed = nil
        switch (step, value) {
        case (.info, .bulk(let bytes)): told(String(decoding: bytes, as: UTF8.self))
        case (.slots, .array): told(value)
        case (.info?, .error(let text)), (.slots?, .error(let text)): refused(text)
        default: violation()
        }
    }

    private func told(_ text: String) {
        if let failure = LinkFailure.classify(clusterInfo: text) { return fail(failure) }
        pongReceived()
        let previous = info
        info = ClusterInfo(text)
        let interval = upstream.path.status.state == .up ? Self.interval : Self.intervalWhileNotUp
        if wantsTopology || info != previous || upstream.now >= topologyToldAt + interval {
            askForSlots()
        }
    }

    /// SLOTS, not SHARDS: see `ClusterTopology.init(slots:host:)`.
    private func askForSlots() {
        wantsTopology = false
        owed = .slots
        write(["CLUSTER", "SLOTS"])
    }

    private func told(_ value: RedisValue) {
        guard let host = destination?.endpoint.host, let topology = ClusterTopology(slots: value, host: host) else {
            return fail(LinkFailure(cause: .protocolError, reason: "Redis: invalid reply to CLUSTER SLOTS"))
        }
        guard !topology.masters.isEmpty else {
            let hint =
                upstream.redis.tls == nil
                ? "" : "; over TLS they need a tls-port, with Redis 7.0 tls-cluster yes as well"
            return fail(LinkFailure(cause: .topology, reason: "no master has a port for connections like this\(hint)"))
        }
        // Nodes that were reported before may still owe answers.
        guard topology.masters.count + cluster.leaving.count <= 2 * Cluster.maxMasters else {
            return fail(
                LinkFailure(
                    cause: .topology,
                    reason: "over \(Cluster.maxMasters) masters, or masters that keep changing: not a working cluster"))
        }
        told(topology)
    }

    private func told(_ topology: ClusterTopology) {
        topologyToldAt = upstream.now
        switch cluster.answered(topology, epoch: info?.currentEpoch ?? 0) {
        case .unchanged: askAgain()
        case .changed: pause = nil
        case .outdated:
            fail(LinkFailure(cause: .topology, reason: "this member of the cluster is behind the others"))
        }
    }

    /// Asks again after a random time, so that the relays do not all ask at once.
    private func askAgain() {
        guard let pause else { return }
        self.pause = pause < Self.longestPause ? pause * 2 : nil
        let after = UInt64.random(in: pause / 2...pause, using: &upstream.random)
        upstream.act(.startTimer(.refresh, after: after))
    }

    /// The pause before the next question is over.
    func refreshNow() {
        wantsTopology = true
        ask()
    }

    private func refused(_ text: String) {
        fail(
            LinkFailure.classify(clusterError: text) ?? LinkFailure.classify(error: text)
                ?? LinkFailure(cause: .auth, "Redis does not report which node has which slots: ", quoting: text))
    }

}
