import TestSupport
import Testing

/// Several servers in one address: the relay uses the one that is the master.
@Suite struct SeveralServersTests {
    private func port(_ server: RedisServer) -> String { server.url.replacing("redis://127.0.0.1:", with: "") }

    @Test func theFirstThatIsAMasterIsUsedAndLeftWhenAnotherOneIs() throws {
        let away = try RedisServer(onPort: true, started: false)
        let first = try RedisServer(onPort: true)
        let second = try RedisServer(onPort: true, settings: ["--replicaof", "127.0.0.1", port(first)])
        let url = "redis://" + [away, second, first].map { "127.0.0.1:" + port($0) }.joined(separator: ",")
        let relay = try RelayProcess(redis: url)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        #expect(try first.client().subscribers(of: "t:c") == 1)
        #expect(try relay.http("/health").body.contains("\"address\":\"\(first.url)\""))

        try first.client().run("REPLICAOF", "127.0.0.1", port(second))
        try second.client().run("REPLICAOF", "NO", "ONE")
        try client.collect(untilState: .down)
        #expect(client.status.cause == .demoted)
        try client.collect(untilState: .up)
        #expect(try second.client().subscribers(of: "t:c") == 1)
        #expect(try client.publish("c", "x").outcome == .ok)
        try relay.stop()
    }

    /// The reason names the server that was tried last, and not only the list.
    @Test func whereNoneIsThereTheReasonNamesOne() throws {
        let servers = try (0..<2).map { _ in try RedisServer(onPort: true, started: false) }
        let url = "redis://" + servers.map { "127.0.0.1:" + port($0) }.joined(separator: ",")
        let relay = try RelayProcess(redis: url)
        try eventually("a reason") {
            let reason = try relay.http("/health").json["reason"]?.text ?? ""
            return reason.hasPrefix(servers[1].url + ", ") && reason.contains("refused")
        }
        try servers[1].start()
        _ = try relay.client()
        try relay.stop()
    }
}
