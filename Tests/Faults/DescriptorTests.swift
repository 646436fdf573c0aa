import TestSupport
import Testing

/// Few file descriptors are left, or none. Clients that are served stay served, the relay finds Redis again, and
/// nothing spins.
@Suite struct DescriptorTests {
    @Test func theRelaysOwnLimitComesBeforeTheSystems() async throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, wrapper: ["prlimit", "--nofile=256:256"])
        try relay.waitUntilAlone()
        let served = try connectUntilRefused(relay)
        #expect(served.count >= 64 && served.count < 256, "\(served.count) were served")
        // Peers that are turned away and do not close. They use up the reserve, and more.
        let refused = try (0..<200).map { _ in try relay.connect() }
        let plain = try redis.client()
        try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
        try plain.run("CLIENT", "KILL", "TYPE", "normal")
        try served[0].collect(untilState: .up)
        #expect(served[0].status.outages == 1)
        for client in served[1...] { try client.collect(untilState: .up) }
        for client in served { try client.ping() }
        #expect(try served[0].subscribe("c") == .ok)
        #expect(try served[1].publish("c", "x").receivers == 1)
        #expect(try relay.http("/health").status == 200)
        for peer in refused { #expect(try peer.expectError().code == .tooMany) }
        try await relay.expectToBeIdle()
        #expect(relay.process.openDescriptors < 256)
        try relay.stop()
    }

    /// If the limit is too low, the relay says which one it needs. With any other limit the relay works, even when apps
    /// and probers take all that they can get.
    @Test(arguments: [16, 32, 64, 161]) func everyLimitIsEnoughOrTellsWhatIs(limit: Int) async throws {
        let redis = try RedisServer()
        let enough = limit == 16 ? try leastLimit(than: limit) : limit
        #expect(enough <= max(limit, 32))
        let relay = try RelayProcess(redis: redis.url, wrapper: Self.limiting(to: enough))
        try relay.waitUntilAlone()
        let served = try connectUntilRefused(relay)
        // All descriptors but those that the relay itself needs, and at most a third of the rest.
        #expect(served.count >= max(1, (limit - 32) * 2 / 3) && served.count < enough, "\(served.count) were served")
        let refused = try (0..<100).map { _ in try relay.connect() }
        let half = try (0..<100).map { _ in try TestSocket(unix: relay.httpPath) }
        for socket in half { _ = try? socket.writeSome(Array("GET /livez HTTP".utf8)[...]) }
        let plain = try redis.client()
        try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
        try plain.run("CLIENT", "KILL", "TYPE", "normal")
        try served[0].collect(untilState: .up)
        for client in served[1...] { try client.collect(untilState: .up) }
        #expect(try relay.http("/livez").status == 200)
        #expect(try served[0].subscribe("c") == .ok)
        #expect(try served[0].publish("c", "x").receivers == 1)
        for peer in refused { #expect(try peer.expectError().code == .tooMany) }
        try await relay.expectToBeIdle()
        #expect(!relay.process.errors.contains("cannot accept"), "\(relay.process.errors)")
        withExtendedLifetime(half) {}
        try relay.stop()
    }

    /// A command that starts a program with that limit, hard and soft. It closes the descriptors that the program would
    /// inherit from tests that run at the same time.
    private static func limiting(to limit: Int) -> [String] {
        let script = #"""
            for file in /proc/self/fd/*; do number=${file##*/}; [ "$number" -gt 2 ] && eval "exec $number>&-"; done
            limit=$1; shift; ulimit -n "$limit"; exec "$@"
            """#
        return ["bash", "-c", script, "bash", "\(limit)"]
    }

    /// The limit that a relay asks for when its own limit is too low.
    private func leastLimit(than limit: Int) throws -> Int {
        let directory = try TemporaryDirectory()
        let (socket, http) = (directory.path(of: "s"), "unix:" + directory.path(of: "h"))
        let relay = try RelayProcess.launch(
            ["serve", "--socket", socket, "--http", http, "--prefix", "t:", "--redis", "unix:///nowhere"],
            log: directory.path(of: "relay"), wrapper: Self.limiting(to: limit))
        #expect(try relay.waitForExit() == .code(64), "\(relay.errors)")
        #expect(relay.errors.contains("the limit on open descriptors is \(limit)"), "\(relay.errors)")
        let words = relay.errors.split(separator: " ")
        let number = words.indices.first { $0 > 1 && words[$0 - 1] == "least" }.flatMap { Int(words[$0]) }
        return try #require(number, "\(relay.errors)")
    }

    private func connectUntilRefused(_ relay: RelayProcess) throws -> [TestConnection] {
        var served: [TestConnection] = []
        while served.count < 256 {
            let client = try relay.connect()
            try client.send(.hello())
            let frame = try client.next()
            if case .error(let error) = frame.frame {
                #expect(error.code == .tooMany)
                return served
            }
            if frame.welcome.status.state != .up { try client.collect(untilState: .up) }
            served.append(client)
        }
        throw TestFailure("nobody was refused")
    }

    @Test func withoutAnyDescriptorLeftNewPeersWaitAndNothingSpins() async throws {
        let stage = try Stage()
        let (relay, redis) = (stage.relay, stage.redis)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let plain = try redis.client()
        let taken = Set(relay.process.descriptorNumbers)
        try relay.limitDescriptors(to: try #require((0...).first { !taken.contains($0) }))
        // A link that is closed frees the descriptor that the next attempt needs.
        try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
        try client.collect(untilState: .up)

        let peers = try (0..<50).map { _ in try relay.connect() }
        for peer in peers { try peer.send(.hello()) }
        // An HTTP connection has to wait as well.
        let prober = try TestSocket(unix: relay.httpPath)
        let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        try prober.write(Array(request.utf8))
        try client.ping()
        #expect(try client.publish("c", "x").receivers == 1)
        try client.expectMessage()
        try await relay.expectToBeIdle()
        for peer in peers { #expect(try peer.nextIfAny(within: 0) == nil) }
        for what in ["cannot accept a connection", "cannot accept an HTTP connection"] {
            #expect(relay.process.errors.split(separator: "\n").count { $0.contains(what) } == 1)
        }

        try relay.limitDescriptors(to: 1024)
        for peer in peers { try peer.expectWelcome() }
        let answer = try #require(try prober.read(within: TestDeadline.patience))
        #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 200"))
        try stage.finish()
    }

    @Test func descriptorsThatAreSentAlongAreNotKept() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            let before = relay.process.openDescriptors
            for id in UInt64(1)...200 {
                try client.socket.write(HubrelayClientFrame.ping(id: id).bytes, passing: 100)
                try client.expectReply(id: id)
            }
            #expect(relay.process.openDescriptors <= before, "\(relay.process.openDescriptors), not \(before)")
            // The peer attaches descriptors before Hello, and in the middle of a frame.
            let other = try relay.connect()
            let hello = HubrelayClientFrame.hello().bytes
            for byte in hello { try other.socket.write([byte], passing: 100) }
            try other.expectWelcome()
            #expect(relay.process.openDescriptors <= before + 1)
        }
    }
}

extension RelayProcess {
    /// Expects that the relay uses little CPU time during a second in which nothing happens.
    func expectToBeIdle() async throws {
        let (start, before) = (TestDeadline.now, process.cpuSeconds)
        try await lookOn(for: 1)
        let share = (process.cpuSeconds - before) * 1e9 / Double(TestDeadline.now - start)
        #expect(share < 0.2, "it is busy for \(share) of the time")
    }

    /// Changes the soft limit RLIMIT_NOFILE of the running process.
    func limitDescriptors(to count: Int) throws {
        let prlimit = try ChildProcess(
            "prlimit", ["--pid", "\(process.pid)", "--nofile=\(count):"], log: directory.path(of: "prlimit"))
        #expect(try prlimit.waitForExit() == .code(0), "\(prlimit.errors)")
    }
}
