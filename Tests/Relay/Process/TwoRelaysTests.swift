import Configuration
import EventLoop
import Glibc
import Posix
import TestSupport
import Testing

@testable import Relay

/// One process has two listening sockets, each with its own prefix. No option asks for that, but nothing prevents it.
@Suite struct TwoRelaysTests {
    @Test func eachServesItsOwnPrefixAndBothStop() throws {
        let directory = try TemporaryDirectory()
        let redis = try RedisServer()
        let flags = [
            "--prefix": ["a:"], "--socket": [directory.path(of: "a")], "--redis": [redis.url], "--http": ["off"],
        ]
        let configuration = try RelayConfiguration.parse(flags: flags)
        var second = configuration.listener
        (second.socketPath, second.prefix) = (directory.path(of: "b"), Array("b:".utf8))
        let recorder = LogRecorder()
        let daemon = try Daemon(
            configuration, listeners: [configuration.listener, second], logger: recorder.logger(),
            output: LogOutput(descriptor: STDERR_FILENO))
        defer { daemon.close() }
        try daemon.listen()

        let paths = ["a", "b"].map(directory.path)
        let apps = try Background { try converse(by: paths, redis: redis) }
        let look = Timer(loop: daemon.loop) {
            if !daemon.isStopping, (try? apps.steps()) != 0 { daemon.stopRequested(by: "the test") }
        }
        look.start(after: 10_000_000, every: 10_000_000)
        daemon.serve()
        look.close()
        try apps.stop()

        #expect(daemon.exitCode == 0)
        #expect(!fileExists(paths[0]) && !fileExists(paths[1]))
        let lines = recorder.take()
        #expect(lines.filter { $0.message == "listening" }.map { $0.metadata["prefix"] } == ["a:", "b:"])
        #expect(lines.filter { $0.message == "stopping" }.map { $0.metadata["connections"] } == ["2"])
    }
}

/// An app of each relay, on threads of their own, while the loop runs on the thread of the test.
/// - Returns: what the apps do after they have heard only their own prefix: they wait for the stop, and leave.
private func converse(by paths: [String], redis: RedisServer) throws -> () throws -> Void {
    var apps = try paths.map(connectAndSubscribe)
    let channels = try redis.client().run("PUBSUB", "CHANNELS", "*:c").array?.compactMap(\.text)
    #expect(channels?.sorted() == ["a:c", "b:c"])
    for (number, app) in apps.enumerated() { #expect(try app.publish("c", "from \(number)").outcome == .ok) }
    for (number, app) in apps.enumerated() {
        #expect(try app.expectMessage().text == "from \(number)")
        try app.ping()
        let more = try app.nextIfAny(within: 0)?.summary
        #expect(more == nil, "of the other prefix")
    }
    var isToldToStop = false
    // The first step does nothing. After it, the relays are stopped.
    func step() throws {
        defer { isToldToStop = true }
        guard isToldToStop else { return }
        for app in apps { try app.collect(untilState: .stopping) }
        apps = []
    }
    return step
}

private func connectAndSubscribe(path: String) throws -> TestConnection {
    let app = try TestConnection(path: path)
    try app.hello()
    if app.status.state != .up { try app.collect(untilState: .up) }
    #expect(try app.subscribe("c") == .ok)
    return app
}
