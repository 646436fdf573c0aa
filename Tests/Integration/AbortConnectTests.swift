import TestSupport
import Testing

/// `--abort-connect true`, the default of StackExchange.Redis: if Redis is not there at the start, the relay ends.
@Suite struct AbortConnectTests {
    @Test func aRelayWhoseRedisIsNotThereEnds() throws {
        let redis = try RedisServer(onPort: true, started: false)
        let directory = try TemporaryDirectory()
        let manager = try NotifySocket(in: directory)
        let address = redis.url.replacing("redis://", with: "") + ",abortConnect=true,connectRetry=2"
        let process = try RelayProcess.launch(
            ["serve", "--prefix", "t:", "--socket", directory.path(of: "s"), "--http", "off", "--redis", address],
            log: directory.path(of: "relay"), wrapper: ["env", "NOTIFY_SOCKET=\(manager.path)"])
        #expect(try process.waitForExit() == .code(1))
        let log = process.errors
        #expect(log.contains("critical") && log.contains("connection refused"), "\(log)")
        #expect(manager.next(within: 0) == "STOPPING=1", "it never was READY")
    }

    @Test func aRelayWhoseRedisIsThereIsReadyOnceItIsUpAndStaysWhenRedisGoes() throws {
        let redis = try RedisServer(onPort: true)
        try redis.client().run("CONFIG", "SET", "requirepass", "hush")
        let directory = try TemporaryDirectory()
        let manager = try NotifySocket(in: directory)
        let relay = try RelayProcess(
            redis: redis.url.replacing("redis://", with: "") + ",password=hush", directory: directory,
            options: ["--abort-connect", "true"], wrapper: ["env", "NOTIFY_SOCKET=\(manager.path)"])
        #expect(manager.next(within: TestDeadline.patience) == "READY=1")
        let client = try relay.client()
        redis.stop()
        try client.collect(untilState: .down)
        #expect(manager.wait(forStatus: "DOWN, "), "\(manager.status)")
        // After the start, more attempts fail than the relay would have made at the start.
        #expect(manager.next(within: 1) == nil && relay.process.ended == nil)
        try relay.stop()
    }
}
