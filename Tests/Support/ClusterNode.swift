internal import Synchronization

/// One node of a `ClusterScene`: redis-server in cluster mode. Its view of the cluster is in a file of its own, which
/// outlives a restart.
package final class ClusterNode: Sendable {
    /// Forty hexadecimal digits, as Redis requires.
    package let id: String
    package let place: SentinelScene.Place
    package let port: UInt16
    let busPort: UInt16
    private let directory: TemporaryDirectory
    private let server: RedisServer
    private let absence = Mutex<Absence?>(nil)

    private enum Absence { case killed, stopped }

    /// The address and the id of a node: what the other nodes have to know before the node runs.
    struct Member {
        let place: SentinelScene.Place
        let port: UInt16
        let busPort: UInt16
        let id = String((0..<40).map { _ in "0123456789abcdef".randomElement() ?? "0" })

        /// The beginning of the node's line in nodes.conf.
        /// - Parameters:
        ///   - shard: the id of the node's master, or its own id if it is a master.
        ///   - isAlone: the node does not know its own address yet.
        func entry(inShard shard: String, isAlone: Bool = false) -> String {
            // From 7.2 on, each node knows its shard. A master without replicas that does not know it ends at the first
            // SPUBLISH, by a failed assertion (seen with Valkey 9.1.2).
            "\(id) \(isAlone ? ":0@0" : "\(place.address):\(port)@\(busPort)")"
                + (serverVersion >= (7, 2) ? ",,shard-id=\(shard)" : "")
        }

        init(_ place: SentinelScene.Place) throws {
            self.place = place
            port = try freePort()
            busPort = try freePort()
        }
    }

    /// Starts the node and waits until it answers. It might not be in touch with the other nodes yet.
    /// - Parameters:
    ///   - view: what the node knows about the cluster, as the lines of its nodes.conf.
    ///   - settings: further settings, as on redis-server's command line.
    /// - Throws: `TestFailure` when the node does not come up.
    init(_ member: Member, view: [String], password: String?, tls: ServerTLS?, settings: [String]) throws {
        (id, place, port, busPort) = (member.id, member.place, member.port, member.busPort)
        directory = try TemporaryDirectory()
        let file = directory.path(of: "nodes.conf")
        try writeFile(file, view.joined(separator: "\n") + "\n")
        let cluster = ["--cluster-enabled", "yes", "--cluster-config-file", file, "--cluster-port", "\(busPort)"]
        server = try RedisServer(
            on: place.host, address: place.address, port: port, password: password, groupTLS: tls,
            settings: cluster + settings)
    }

    /// `host:port`.
    package var endpoint: String { "\(place.address):\(port)" }

    /// Whether the test has killed or stopped the node.
    package var isAway: Bool { absence.withLock { $0 != nil } }

    /// A new plain client, logged in. It stays at this node, which answers MOVED to a command that belongs to another
    /// node.
    package func client() throws -> RedisClient { try server.client() }

    /// Kills the node as a crash would (SIGKILL), and with it all connections to it.
    package func kill() {
        absence.withLock { $0 = .killed }
        server.stop()
    }

    /// Stops the node (SIGSTOP): its sockets stay open, and nothing answers.
    package func freeze() {
        absence.withLock { $0 = .stopped }
        server.freeze()
    }

    /// Lets the node continue after `freeze` (SIGCONT), or starts it again after `kill` with what it knew about the
    /// cluster. A master that was started again waits for two seconds before it says that the cluster is well.
    package func comeBack() throws {
        if absence.withLock({ $0 == .killed }) { try server.start() } else { server.thaw() }
        absence.withLock { $0 = nil }
    }

    /// What the node knows about the cluster (CLUSTER NODES).
    package func view() throws -> ClusterNodeView { ClusterNodeView(try client().run("CLUSTER", "NODES").text ?? "") }

    /// One field of CLUSTER INFO; empty if there is no such field.
    package func clusterInfo(_ name: String) throws -> String {
        Self.field(name, of: try client().run("CLUSTER", "INFO"))
    }

    /// One field of INFO's section "replication"; empty if there is no such field.
    package func replication(_ name: String) throws -> String {
        Self.field(name, of: try client().run("INFO", "replication"))
    }

    private static func field(_ name: String, of info: RedisValue) -> String {
        let lines = info.text?.split(whereSeparator: \.isNewline) ?? []
        return lines.first { $0.hasPrefix(name + ":") }.map { String($0.dropFirst(name.count + 1)) } ?? ""
    }
}

/// What one node knows about all nodes of the cluster.
package struct ClusterNodeView {
    /// The slots of each master that has slots, by its id.
    package private(set) var slots: [String: [ClosedRange<Int>]] = [:]
    /// The id of each replica's master, by the replica's id.
    package private(set) var masterOfReplica: [String: String] = [:]
    /// The ids of all nodes.
    package private(set) var members: Set<String> = []
    /// The ids of the nodes that this node suspects, or has no connection to.
    package private(set) var unreached: Set<String> = []

    /// - Parameter text: what CLUSTER NODES answers.
    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 8 else { continue }
            let (id, flags) = (words[0], words[2].split(separator: ","))
            members.insert(id)
            if flags.contains("slave") { masterOfReplica[id] = words[3] }
            if words[7] != "connected" || !flags.allSatisfy({ ["myself", "master", "slave"].contains($0) }) {
                unreached.insert(id)
            }
            // A slot that moves from one node to another is in brackets, after the other slots.
            let ranges = words.dropFirst(8).filter { !$0.hasPrefix("[") }.map(Self.range)
            if !ranges.isEmpty { slots[id] = ranges }
        }
    }

    /// The id of the master that has a slot; nil if no master has it.
    package func owner(of slot: Int) -> String? {
        slots.first { $0.value.contains { $0.contains(slot) } }?.key
    }

    private static func range(_ word: String) -> ClosedRange<Int> {
        let ends = word.split(separator: "-").compactMap { Int($0) }
        return (ends.first ?? 0)...(ends.last ?? 0)
    }
}
