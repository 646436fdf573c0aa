/// One Redis and one relay, connected and UP: what most tests need.
package final class Stage: Sendable {
    package let redis: RedisServer
    package let relay: RelayProcess

    /// - Parameter onPort: whether Redis listens on TCP in place of a Unix socket.
    /// - Throws: `TestFailure` when one of them does not start.
    package init(prefix: String = "t:", options: [String] = [], onPort: Bool = false) throws {
        redis = try RedisServer(onPort: onPort)
        relay = try RelayProcess(redis: redis.url, prefix: prefix, options: options)
    }

    /// Ends both, and proves that the relay ends well: its exit code is 0, and it leaked nothing.
    package func finish(line: UInt = #line) throws {
        // If a test left Redis frozen, the relay would wait for it before it ends.
        redis.thaw()
        try relay.stop(line: line)
        redis.stop()
    }
}

/// Runs `body` with a Redis and a relay of its own, and ends them afterwards, however `body` ends.
/// - Throws: what `body` throws, together with what the relay wrote to standard error; `TestFailure` when the relay
///   does not end with exit code 0.
package func withRelay(
    prefix: String = "t:", options: [String] = [], onPort: Bool = false, line: UInt = #line,
    _ body: (RelayProcess, RedisServer) throws -> Void
) throws {
    let stage = try Stage(prefix: prefix, options: options, onPort: onPort)
    do {
        try body(stage.relay, stage.redis)
    } catch {
        throw TestFailure("\(error)\n--- the relay's standard error ---\n\(stage.relay.process.errors)")
    }
    try stage.finish(line: line)
}
