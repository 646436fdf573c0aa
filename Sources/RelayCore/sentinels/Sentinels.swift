package import Configuration

/// The connections to all sentinels, and what they say together: where the master is. Nothing depends on them while the
/// path works. If none can be reached, the master that was named last is used.
package final class Sentinels {
    unowned let upstream: Upstream
    /// The name by which the sentinels know the master.
    let service: String
    package private(set) var view: SentinelView
    package private(set) var links: [SentinelLink] = []
    /// Whether the log last said that the sentinels disagree, and the time before which it does not say so again.
    private var isDisagreementTold = false
    private var isDisagreementToldFrom: UInt64 = 0

    /// How many sentinels a reason names, since it goes into every Status; /health names all of them.
    private static let reasonsTold = 3
    /// Nanoseconds between two questions to a sentinel if nothing happens. What it announces comes at once anyway.
    private static let heartbeat: UInt64 = 5_000_000_000
    /// The least time between two log lines about a disagreement, in nanoseconds.
    private static let disagreementPause: UInt64 = 10_000_000_000

    init(_ endpoints: [RedisConfiguration.Endpoint], service: String, upstream: Upstream) {
        (self.upstream, self.service) = (upstream, service)
        view = SentinelView(sentinels: endpoints.count)
        for (index, endpoint) in endpoints.enumerated() {
            links.append(SentinelLink(endpoint, index: index, of: self, heartbeat: Self.heartbeat))
        }
    }

    /// Where the master is; nil while no sentinel has named it.
    package var master: RedisConfiguration.Endpoint? { view.master.map(RedisConfiguration.Endpoint.init) }

    /// Where links to the master are to connect.
    var location: Link.Location {
        if let master { return .at([master]) }
        // Some sentinel may still answer.
        return links.contains { $0.failure == nil } ? .pending(failure) : .nowhere(failure)
    }

    /// Why the master is not known.
    private var failure: LinkFailure {
        let failures = links.compactMap(\.failure)
        let told = failures.prefix(Self.reasonsTold).map(\.reason).joined(separator: "; ")
        let more = failures.count > Self.reasonsTold ? "; and so on, see /health" : ""
        let reasons = failures.isEmpty ? "they have not answered yet" : told + more
        // A sentinel that answers but does not help is to blame, rather than one that is away.
        let cause = failures.first { $0.cause != .unreachable }?.cause ?? .topology
        return LinkFailure(cause: cause, reason: "no sentinel reports where the master is: \(reasons)")
    }

    func start() {
        for link in links { link.start() }
    }

    func stop(_ failure: LinkFailure) {
        for link in links { link.stop(failure) }
    }

    /// Called several times per heartbeat interval.
    func tick() {
        for link in links { link.tick() }
        tellDisagreement()
    }

    /// The loop did not run for `nanoseconds`: this time counts toward no timeout.
    func forgive(_ nanoseconds: UInt64) {
        for link in links { link.forgive(nanoseconds) }
    }

    /// There is a reason to try again at once.
    func hasten() {
        for link in links { link.hasten() }
    }

    // MARK: What the links hear

    func answered(_ link: SentinelLink, _ master: SentinelView.Master, epoch: UInt64) {
        let hasMoved = view.answered(link.index, master: master, epoch: epoch)
        tellDisagreement()
        guard hasMoved, let endpoint = self.master else { return }
        upstream.log(
            .notice, "the sentinels name the master",
            ["master": "\(endpoint)", "epoch": "\(epoch)", "told_by": "\(link.endpoint)"])
        for node in upstream.nodes { node.masterMoved() }
    }

    func withdrew(_ link: SentinelLink) { view.withdrew(link.index) }

    func knowsNothing(_ link: SentinelLink) {
        view.knowsNothing(link.index)
        failed()
    }

    /// Whether sentinels name different masters with the same epoch, so that nothing shows which of them is right.
    package var disagree: Bool { view.candidates.count > 1 }

    /// Logs that the sentinels disagree, or agree again. A disagreement is logged at most once in `disagreementPause`,
    /// whatever the sentinels say.
    private func tellDisagreement() {
        guard disagree != isDisagreementTold, let master else { return }
        guard disagree else {
            isDisagreementTold = false
            return upstream.log(.notice, "the sentinels agree again", ["master": "\(master)"], pace: .asTold)
        }
        guard upstream.now >= isDisagreementToldFrom else { return }
        isDisagreementTold = true
        isDisagreementToldFrom = upstream.now + Self.disagreementPause
        let words = links.compactMap { link in
            view.master(by: link.index).map { "\(link.endpoint) names \(RedisConfiguration.Endpoint($0))" }
        }
        upstream.log(
            .warning, "the sentinels disagree: they name different masters with the same epoch, and this one is used",
            ["master": "\(master)", "sentinels": words.joined(separator: ", ")], pace: .asTold)
    }

    /// A sentinel cannot help now. If no sentinel can name the master, links that wait for it need not wait any longer.
    func failed() {
        guard master == nil, case .nowhere = location else { return }
        for node in upstream.nodes { node.masterUnknown() }
    }
}

extension RedisConfiguration.Endpoint {
    package init(_ master: SentinelView.Master) { self = .tcp(host: master.host, port: master.port) }
}
