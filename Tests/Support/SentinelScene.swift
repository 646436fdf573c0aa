/// Three servers, of which the first is the master at the start, and three sentinels that watch them.
package final class SentinelScene: Sendable {
    /// Where a server or a sentinel runs: its host (nil means the host of the tests) and its address.
    package struct Place: Sendable {
        package var host: NetworkHost?
        package var address: String

        package init(_ host: NetworkHost? = nil, _ address: String = "127.0.0.1") {
            (self.host, self.address) = (host, address)
        }
    }

    package static let service = "mymaster"

    package let nodes: [RedisServer]
    package let sentinels: [SentinelServer]
    /// The port of each node.
    package let ports: [UInt16]
    private let places: [Place]
    private let tls: ServerTLS?

    /// Starts the servers and the sentinels, and waits until the sentinels know each other and the replicas.
    /// - Parameters:
    ///   - nodePlaces: where each server runs.
    ///   - sentinelPlaces: where each sentinel runs.
    ///   - settings: further settings of the servers, as on redis-server's command line.
    ///   - password: the password of the servers; nil if they have none.
    ///   - sentinelPassword: the password of the sentinels; nil if they have none.
    ///   - tls: how all of them are reached, and reach each other; nil if they do not use TLS.
    ///   - downAfter: milliseconds of silence after which a sentinel takes a server for dead.
    /// - Throws: `TestFailure` when they do not come up.
    package init(
        nodePlaces: [Place] = [Place(), Place(), Place()], sentinelPlaces: [Place] = [Place(), Place(), Place()],
        settings: [String] = [], password: String? = nil, sentinelPassword: String? = nil, tls: ServerTLS? = nil,
        downAfter: Int = 1000
    ) throws {
        self.tls = tls
        places = nodePlaces
        let ports = try nodePlaces.map { _ in try freePort() }
        self.ports = ports
        let login = password.map { ["--requirepass", $0, "--masterauth", $0] } ?? []
        nodes = try nodePlaces.enumerated().map { index, place in
            let master = index == 0 ? [] : ["--replicaof", nodePlaces[0].address, "\(ports[0])"]
            return try RedisServer(
                on: place.host, address: place.address, port: ports[index], password: password, groupTLS: tls,
                settings: master + login + Self.quickReplication + settings)
        }
        // Sentinels ask about the replicas when they start, and then only every ten seconds.
        for replica in nodes.dropFirst() {
            let client = try replica.client()
            try eventually("the replica is in step") {
                let role = try client.run("ROLE").array ?? []
                return role.count == 5 && role[3].text == "connected" && role[4].integer ?? 0 > 0
            }
        }
        let members = try sentinelPlaces.map { SentinelServer.Member(place: $0, port: try freePort()) }
        let replicas = zip(nodePlaces, ports).dropFirst().map { "\($0.address) \($1)" }
        sentinels = try members.indices.map { index in
            try SentinelServer(
                members[index], others: members.indices.filter { $0 != index }.map { members[$0] },
                master: "\(nodePlaces[0].address) \(ports[0])", replicas: replicas, password: password,
                sentinelPassword: sentinelPassword, tls: tls, downAfter: downAfter)
        }
        for sentinel in sentinels { try sentinel.awaitReadiness(others: 2, replicas: 2) }
    }

    private static let quickReplication = [
        "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--replica-priority", "100",
    ]

    /// The value of `--redis` with all sentinels.
    package var url: String { url(of: sentinels.map(\.endpoint)) }

    /// The value of `--redis` with these sentinels, each as `host:port`.
    package func url(of sentinels: [String], service: String = SentinelScene.service) -> String {
        "redis\(tls == nil ? "" : "s")-sentinel://\(sentinels.joined(separator: ","))/\(service)"
    }

    /// `host:port` of a node.
    package func endpoint(of node: Int) -> String { "\(places[node].address):\(ports[node])" }

    /// The node that a sentinel names as the master.
    package func master(by sentinel: Int = 0) throws -> Int {
        let named = try sentinels[sentinel].master()
        guard let index = places.indices.first(where: { endpoint(of: $0) == named }) else {
            throw TestFailure("the sentinel names \(named) as the master")
        }
        return index
    }

    /// Waits until all three sentinels, or those given, name a master other than `node`.
    /// - Returns: the new master.
    package func awaitFailover(from node: Int, by sentinels: [Int] = [0, 1, 2], line: UInt = #line) throws -> Int {
        var current = node
        try eventually("the sentinels name another master", line: line) {
            let named = try sentinels.map { try master(by: $0) }
            current = named[0]
            return Set(named).count == 1 && current != node
        }
        return current
    }

    /// Makes the sentinels promote a replica to master, as an operator does (SENTINEL FAILOVER).
    package func failOver() throws { try sentinels[0].client().run("SENTINEL", "FAILOVER", Self.service) }
}
