internal import Synchronization

/// A Redis Cluster of the test's own: masters that share the slots, and a replica for each if a test wants replicas.
///
/// Each node is started with a nodes.conf that lists all nodes, so they need not find each other. Every master waits
/// for two seconds before it says that the cluster is well. Pub/sub works before that, so the tests do not wait for it.
package final class ClusterScene: Sendable {
    package typealias Place = SentinelScene.Place

    /// Settings that are the same for all nodes.
    package struct Options: Sendable {
        /// Milliseconds of silence after which a node is taken for dead. This is long unless a test waits for it: on a
        /// busy machine, a node that lives must not be taken for dead.
        package var nodeTimeout = 10_000
        /// Whether a slot without a master stops the whole cluster, as it does by default.
        package var needsAllSlots = true
        /// The password of the default user on all nodes; nil if there is no password.
        package var password: String?
        /// How relays reach the nodes, and how the nodes reach each other; nil if they do not use TLS.
        package var tls: ServerTLS?
        /// The name that all nodes announce, to be used in place of their addresses; nil if they announce no name.
        package var hostname: String?
        /// Further settings, as on redis-server's command line.
        package var settings: [String] = []

        package init() {}

        /// For tests in which a replica replaces its master: with these options that takes about two to three seconds.
        package static var failingOver: Options {
            var options = Options()
            options.nodeTimeout = 1500
            return options
        }
    }

    package let options: Options
    let running = Mutex<[ClusterNode]>([])

    /// Starts the nodes and waits until all of them are in touch with each other.
    /// - Parameters:
    ///   - masters: how many masters there are, each with an equal share of the slots.
    ///   - hasReplicas: whether each master has a replica.
    ///   - places: where each node runs. Further nodes run on the host of the tests.
    /// - Throws: `TestFailure` when the nodes do not come up.
    package init(
        masters: Int = 3, hasReplicas: Bool = true, places: [Place] = [], options: Options = Options()
    ) throws {
        self.options = options
        let count = hasReplicas ? 2 * masters : masters
        let members = try (0..<count).map { try ClusterNode.Member($0 < places.count ? places[$0] : Place()) }
        for index in members.indices {
            var view = members.indices.map { other in
                let isMaster = other < masters
                let slots = 16384 * (other % masters) / masters...16384 * (other % masters + 1) / masters - 1
                return Self.line(
                    members[other], flags: (other == index ? "myself," : "") + (isMaster ? "master" : "slave"),
                    master: isMaster ? nil : members[other - masters].id, epoch: other % masters + 1,
                    slots: isMaster ? slots : nil)
            }
            view.append("vars currentEpoch \(masters) lastVoteEpoch 0")
            let node = try node(members[index], view: view)
            running.withLock { $0.append(node) }
        }
        try awaitAgreement(isFresh: true)
    }

    /// The line of one node in nodes.conf.
    private static func line(
        _ member: ClusterNode.Member, flags: String, master: String?, epoch: Int, slots: ClosedRange<Int>?
    ) -> String {
        "\(member.entry(inShard: master ?? member.id)) \(flags) \(master ?? "-") 0 0 \(epoch) "
            + "connected" + (slots.map { " \($0.lowerBound)-\($0.upperBound)" } ?? "")
    }

    /// Starts a node that knows `view` about the cluster.
    func node(_ member: ClusterNode.Member, view: [String]) throws -> ClusterNode {
        let login = options.password.map { ["--requirepass", $0, "--masterauth", $0] } ?? []
        let secured = options.tls == nil ? [] : ["--tls-cluster", "yes"]
        let named =
            options.hostname.map {
                ["--cluster-announce-hostname", $0, "--cluster-preferred-endpoint-type", "hostname"]
            } ?? []
        let ours = [
            "--cluster-node-timeout", "\(options.nodeTimeout)",
            "--cluster-require-full-coverage", options.needsAllSlots ? "yes" : "no",
            // The test alone decides which node is whose replica, and which node has no replica.
            "--cluster-allow-replica-migration", "no", "--cluster-replica-validity-factor", "0",
            "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
        ]
        return try ClusterNode(
            member, view: view, password: options.password, tls: options.tls,
            settings: ours + login + secured + named + options.settings)
    }

    // MARK: What `--redis` takes

    /// The URL with all nodes that exist now.
    package var url: String { url(of: nodes.map(\.endpoint)) }

    /// The URL with these nodes to begin with, each as `host:port`.
    /// - Parameter login: "user:password", if it is not the default user's.
    package func url(of seeds: [String], login: String? = nil) -> String {
        let login = login ?? options.password.map { ":" + $0 }
        return "redis\(options.tls == nil ? "" : "s")-cluster://" + (login.map { $0 + "@" } ?? "")
            + seeds.joined(separator: ",")
    }

    // MARK: Who is who

    /// At the start these are the masters in the order of their slots, and then a replica of each.
    package var nodes: [ClusterNode] { running.withLock { $0 } }

    /// The nodes that the test has neither killed nor stopped.
    package var present: [ClusterNode] { nodes.filter { !$0.isAway } }

    /// What the first node that is present knows about the cluster.
    package func view() throws -> ClusterNodeView {
        guard let node = present.first else { throw TestFailure("no node is present") }
        return try node.view()
    }

    /// The masters that have slots, in the order of their first slots.
    package func masters() throws -> [ClusterNode] {
        let slots = try view().slots
        return try slots.sorted { $0.value[0].lowerBound < $1.value[0].lowerBound }.map { try node($0.key) }
    }

    /// The replicas of a node.
    package func replicas(of master: ClusterNode) throws -> [ClusterNode] {
        try view().masterOfReplica.filter { $0.value == master.id }.map { try node($0.key) }
    }

    /// The master that has a slot.
    /// - Throws: `TestFailure` when no master has it.
    package func master(of slot: Int) throws -> ClusterNode { try node(view().owner(of: slot) ?? "") }

    /// The slots that a node has.
    package func slots(of node: ClusterNode) throws -> [ClosedRange<Int>] { try view().slots[node.id] ?? [] }

    /// The node with an id.
    package func node(_ id: String) throws -> ClusterNode {
        guard let node = nodes.first(where: { $0.id == id }) else { throw TestFailure("no node \"\(id)\"") }
        return node
    }

    /// Runs a command on every node that is present.
    package func onEveryNode(_ words: String...) throws {
        for node in present { try node.client().run(words) }
    }

    // MARK: Waiting

    /// Waits until the nodes agree: all nodes that are present, or those given, say that they have the slots, say the
    /// same about who has which, reach each other, and say that the cluster is well. Also waits until the replicas are
    /// in step with their masters, so that they can replace them.
    /// - Parameter isFresh: some masters have just been started, and need not say yet that the cluster is well.
    package func awaitAgreement(
        among some: [ClusterNode]? = nil, isFresh: Bool = false, line: UInt = #line
    ) throws {
        let some = some ?? present
        let ids = Set(some.map(\.id))
        var words = ""
        do {
            try eventually("the cluster agrees", line: line) {
                let views = try some.map { try $0.view() }
                words = "\(views)"
                guard views.allSatisfy({ $0.slots == views[0].slots && $0.unreached.isDisjoint(with: ids) }),
                    views.allSatisfy({ ids.isSubset(of: $0.members) && $0.masterOfReplica == views[0].masterOfReplica })
                else { return false }
                guard ids.isSuperset(of: views[0].slots.keys) else { return false }
                let isFullOrNeedNot = try !options.needsAllSlots || some[0].clusterInfo("cluster_slots_ok") == "16384"
                return try isFullOrNeedNot
                    && some.allSatisfy { node in
                        try (isFresh || node.clusterInfo("cluster_state") == "ok")
                            && (node.replication("role") == "master"
                                || node.replication("master_link_status") == "up")
                    }
            }
        } catch { throw TestFailure("\(error): \(words)") }
    }

    /// Waits until all nodes that are present agree on a new master for the slots of a master that is away.
    /// - Parameter slot: one of the slots that the old master had.
    /// - Returns: the new master.
    @discardableResult
    package func awaitFailover(of slot: Int, from old: ClusterNode, line: UInt = #line) throws -> ClusterNode {
        try eventually("another master has slot \(slot)", line: line) {
            try present.allSatisfy { try ![nil, old.id].contains($0.view().owner(of: slot)) }
        }
        try awaitAgreement(line: line)
        return try master(of: slot)
    }
}
