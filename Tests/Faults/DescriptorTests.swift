import TestSupport
import Testing

/// Descriptors nearly spent, or all of them: who is served stays served, Redis is found again, and nothing spins.
@Suite struct DescriptorTests {
    @Test func theRelaysOwnLimitComesBeforeTheSystems() async throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, wrapper: ["prlimit", "--nofile=256:256"])
        try relay.waitUntilAlone()
        let served = try connectUntilRefused(relay)
        #expect(served.count >= 64 && served.count < 256, "\(served.count) were served")
        // Peers that are turned away and don't go, all that the reserve is for and more.
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
        // A link that is closed gives back what the next attempt needs.
        try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
        try client.collect(untilState: .up)

        let peers = try (0..<50).map { _ in try relay.connect() }
        for peer in peers { try peer.send(.hello()) }
        try client.ping()
        #expect(try client.publish("c", "x").receivers == 1)
        try client.expectMessage()
        try await relay.expectToBeIdle()
        for peer in peers { #expect(try peer.nextIfAny(within: 0) == nil) }
        #expect(relay.process.errors.split(separator: "\n").count { $0.contains("cannot accept") } == 1)

        try relay.limitDescriptors(to: 1024)
        for peer in peers { try peer.expectWelcome() }
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
            // Before Hello, and in the middle of a frame.
            let other = try relay.connect()
            let hello = HubrelayClientFrame.hello().bytes
            for byte in hello { try other.socket.write([byte], passing: 100) }
            try other.expectWelcome()
            #expect(relay.process.openDescriptors <= before + 1)
        }
    }
}

extension RelayProcess {
    /// Looks on for a second in which nothing happens.
    func expectToBeIdle() async throws {
        let (start, before) = (TestDeadline.now, process.cpuSeconds)
        try await lookOn(for: 1)
        let share = (process.cpuSeconds - before) * 1e9 / Double(TestDeadline.now - start)
        #expect(share < 0.5, "it is busy for \(share) of the time")
    }

    /// Changes RLIMIT_NOFILE of the running process, the soft limit.
    func limitDescriptors(to count: Int) throws {
        let prlimit = try ChildProcess(
            "prlimit", ["--pid", "\(process.pid)", "--nofile=\(count):"], log: directory.path(of: "prlimit"))
        #expect(try prlimit.waitForExit() == .code(0), "\(prlimit.errors)")
    }
}
