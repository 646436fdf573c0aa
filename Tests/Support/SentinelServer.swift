/// A sentinel of the test's own: redis-server in sentinel mode.
package final class SentinelServer: Sendable {
    /// What the sentinels of a scene know about each other.
    struct Member: Sendable {
        let place: SentinelScene.Place
        let port: UInt16
        /// Forty hexadecimal digits, as Redis requires.
        let id = String((0..<40).map { _ in "0123456789abcdef".randomElement() ?? "0" })

        var endpoint: String { "\(place.address):\(port)" }
    }

    private let member: Member
    private let directory: TemporaryDirectory
    private let password: String?
    private let process = ServerProcess()

    /// Starts the sentinel. `awaitReadiness` waits until it knows the others.
    init(
        _ member: Member, others: [Member], master: String, replicas: [String], password: String?,
        sentinelPassword: String?, tls: ServerTLS?, downAfter: Int
    ) throws {
        (self.member, self.password) = (member, sentinelPassword)
        directory = try TemporaryDirectory()
        let service = SentinelScene.service
        var lines = [
            tls == nil ? "port \(member.port)" : "port 0", "bind \(member.place.address)", "protected-mode no",
            "dir \(directory.path)",
            "unixsocket \(directory.path(of: "socket"))", "sentinel myid \(member.id)",
            "sentinel monitor \(service) \(master) 2",
            "sentinel down-after-milliseconds \(service) \(downAfter)",
            "sentinel failover-timeout \(service) 3000", "sentinel parallel-syncs \(service) 2",
        ]
        if let tls { lines += Self.settings(tls, port: member.port) }
        if let password { lines.append("sentinel auth-pass \(service) \(password)") }
        if let sentinelPassword { lines.append("requirepass \(sentinelPassword)") }
        // The sentinels would find out the following by themselves, but only after some seconds.
        lines += replicas.map { "sentinel known-replica \(service) \($0)" }
        lines += others.map { "sentinel known-sentinel \(service) \($0.place.address) \($0.port) \($0.id)" }
        try writeFile(configuration, lines.joined(separator: "\n") + "\n")
        try start()
    }

    /// The settings of TLS for all connections, including those between sentinels and those to the servers.
    private static func settings(_ tls: ServerTLS, port: UInt16) -> [String] {
        let words = tls.settings(port: port) + ["--tls-replication", "yes"]
        return stride(from: 0, to: words.count, by: 2).map { index in
            "\(words[index].dropFirst(2)) \"\(words[index + 1])\""
        }.filter { !$0.hasPrefix("bind ") }
    }

    // The sentinel has to end before its directory and its host are removed.
    deinit { stop() }

    /// `host:port`.
    package var endpoint: String { member.endpoint }

    private var configuration: String { directory.path(of: "sentinel.conf") }

    /// Starts the sentinel. If it ran before, it still has what it knew when it ended.
    package func start() throws {
        let command = [serverProgram, configuration, "--sentinel"]
        try process.start(command, on: member.place.host, log: directory.path(of: "sentinel")) {
            (try? client()) != nil
        }
    }

    /// Kills the sentinel as a crash would (SIGKILL).
    package func stop() { process.kill() }

    /// Stops the sentinel (SIGSTOP).
    package func freeze() { process.freeze() }

    /// Lets the sentinel continue (SIGCONT).
    package func thaw() { process.thaw() }

    /// A new plain client, logged in.
    package func client() throws -> RedisClient {
        let client = try RedisClient(.unix(directory.path(of: "socket")))
        if let password { try client.run("AUTH", password) }
        return client
    }

    /// `host:port` of the master, as this sentinel names it.
    func master() throws -> String {
        let answer = try client().run("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SentinelScene.service)
        return answer.array?.compactMap(\.text).joined(separator: ":") ?? ""
    }

    /// Waits until the sentinel is in touch with this many other sentinels, with the master, and with this many
    /// replicas.
    func awaitReadiness(others: Int, replicas: Int) throws {
        let client = try client()
        try eventually("sentinel \(endpoint) knows all, and all are well") {
            let sentinels = try client.run("SENTINEL", "SENTINELS", SentinelScene.service).array ?? []
            let nodes = try client.run("SENTINEL", "REPLICAS", SentinelScene.service).array ?? []
            guard sentinels.count == others, nodes.count == replicas else { return false }
            return sentinels.allSatisfy { Self.field("flags", of: $0) == "sentinel" }
                && nodes.allSatisfy { Self.field("flags", of: $0) == "slave" && Self.isInStep($0) }
        }
    }

    /// Whether a replica has copied the master. Otherwise the sentinels would not choose it.
    private static func isInStep(_ replica: RedisValue) -> Bool {
        field("master-link-status", of: replica) == "ok" && field("slave-repl-offset", of: replica) != "0"
    }

    private static func field(_ name: String, of value: RedisValue) -> String? {
        let words = value.array?.map { $0.text ?? "" } ?? []
        guard let index = words.firstIndex(of: name), index + 1 < words.count else { return nil }
        return words[index + 1]
    }
}
