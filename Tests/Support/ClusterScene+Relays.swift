// The relays of a scene, and their connections to its nodes.

extension ClusterScene {
    /// The values of `--cluster-pubsub`.
    package enum PubSub: String, Sendable, CaseIterable { case sharded, classic }

    /// Runs `body` with relays of this scene, and ends them afterwards.
    /// - Parameters:
    ///   - hosts: one relay runs on each of these hosts. nil means the host that the tests run on.
    ///   - redis: the value of `--redis`. nil means the URL with all nodes.
    /// - Throws: what `body` throws, together with what the relays wrote to standard error; `TestFailure` when a relay
    ///   does not end with exit code 0.
    package func withRelays(
        _ pubsub: PubSub, on hosts: [NetworkHost?] = [nil, nil], prefix: String = "t:", redis url: String? = nil,
        options: [String] = [], line: UInt = #line, _ body: ([RelayProcess]) throws -> Void
    ) throws {
        let relays = try hosts.map {
            try RelayProcess(
                redis: url ?? self.url, prefix: prefix, options: ["--cluster-pubsub", pubsub.rawValue] + options, on: $0
            )
        }
        do {
            try body(relays)
        } catch {
            let logs = relays.map { "--- a relay's standard error ---\n\($0.process.errors)" }
            throw TestFailure("\(error)\n\(logs.joined(separator: "\n"))")
        }
        for relay in relays { try relay.stop(line: line) }
    }

    /// Runs `body` with one relay of this scene, and ends it afterwards.
    package func withRelay(
        _ pubsub: PubSub, prefix: String = "t:", redis url: String? = nil, options: [String] = [],
        line: UInt = #line, _ body: (RelayProcess) throws -> Void
    ) throws {
        try withRelays(pubsub, on: [nil], prefix: prefix, redis: url, options: options, line: line) { try body($0[0]) }
    }
}

extension ClusterNode {
    /// The names of a relay's connections to this node, without the part that tells relays apart: "publish",
    /// "subscribe" and so on, in alphabetical order.
    package func connections(ofRelay id: String) throws -> [String] {
        try names(ofRelay: id).map(\.name).sorted()
    }

    /// Cuts the relay's subscribe link to this node, and no other connection.
    package func cutSubscriber(ofRelay id: String) throws {
        guard let client = try names(ofRelay: id).first(where: { $0.name == "subscribe" })?.client else {
            throw TestFailure("the relay has no subscribe link at \(endpoint)")
        }
        try self.client().run("CLIENT", "KILL", "ID", client)
    }

    private func names(ofRelay id: String) throws -> [(client: String, name: String)] {
        let (head, tail) = ("hubrelay-", "-\(id.prefix(8))@")
        return try (client().run("CLIENT", "LIST").text ?? "").split(separator: "\n").compactMap { line in
            func field(_ name: String) -> String {
                line.split(separator: " ").first { $0.hasPrefix(name + "=") }.map {
                    String($0.dropFirst(name.count + 1))
                }
                    ?? ""
            }
            let name = field("name")
            guard name.hasPrefix(head), let end = name.firstRange(of: tail)?.lowerBound else { return nil }
            return (field("id"), String(name[..<end].dropFirst(head.count)))
        }
    }
}

extension RedisClient {
    /// How many clients of this node are subscribed to each of these sharded channels (PUBSUB SHARDNUMSUB).
    package func shardSubscribers(ofEach channels: [String], line: UInt = #line) throws -> [Int] {
        try run(["PUBSUB", "SHARDNUMSUB"] + channels, line: line).array?.compactMap(\.integer) ?? []
    }

    /// Publishes to a sharded channel (SPUBLISH).
    /// - Returns: how many clients of this node got it.
    @discardableResult
    package func shardPublish(_ channel: String, _ payload: String, line: UInt = #line) throws -> Int {
        try run("SPUBLISH", channel, payload, line: line).integer ?? -1
    }
}
