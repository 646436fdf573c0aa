import TestSupport
import Testing

/// A member of a cluster gives answers that are wrong, again and again, or that are not answers. The relay believes
/// nothing impossible, asks nothing in a tight loop, and reports the reason.
@Suite struct HostileClusterTests {
    /// A relay of a cluster whose only member is a fake.
    private func withMember(_ body: (FakeRedisServer, UInt16, RelayProcess, TestConnection) async throws -> Void)
        async throws
    {
        let fake = try FakeRedisServer(onPort: true)
        guard case .port(let port) = fake.address else { return }
        fake.follow(Self.member([(0...16383, port)]))
        let url = fake.url.replacing("redis://", with: "redis-cluster://")
        let relay = try RelayProcess(redis: url, options: ["--cluster-pubsub", "sharded"])
        do {
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try await body(fake, port, relay, client)
        } catch { throw TestFailure("\(error)\n--- the relay's standard error ---\n\(relay.process.errors)") }
        try relay.stop()
    }

    private static func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }

    /// The answers of a correct member.
    /// - Parameter masters: the slots and the port of each master.
    private static func member(_ masters: [(ClosedRange<Int>, UInt16)], epoch: Int = 1) -> FakeRedisServer.Script {
        let slots = masters.reduce(0) { $0 + $1.0.count }
        let info = [
            "cluster_enabled:1", "cluster_state:ok", "cluster_slots_assigned:\(slots)", "cluster_slots_ok:\(slots)",
            "cluster_slots_pfail:0", "cluster_slots_fail:0", "cluster_known_nodes:\(masters.count)",
            "cluster_size:\(masters.count)", "cluster_current_epoch:\(epoch)", "cluster_my_epoch:\(epoch)",
        ]
        let ranges = masters.map { slots, port in
            "*3\r\n:\(slots.lowerBound)\r\n:\(slots.upperBound)\r\n*3\r\n" + bulk("127.0.0.1") + ":\(port)\r\n"
                + bulk(String(repeating: "0", count: 35) + "\(port)")
        }
        return { command in
            switch (command.verb, command.words.dropFirst().first) {
            case ("CLUSTER", "INFO"): .text(bulk(info.map { $0 + "\r\n" }.joined()))
            case ("CLUSTER", "SLOTS"): .text("*\(masters.count)\r\n" + ranges.joined())
            default: .usual
            }
        }
    }

    /// Whether a command names a channel of an app, and not the relay's own.
    private static func isOfApp(_ command: FakeRedisServer.Command, _ verb: String) -> Bool {
        command.verb == verb && !(command.words.last { $0.hasPrefix("t:") } ?? "").hasPrefix("t:__hubrelay:")
    }

    /// How often the fake is asked anything, per second.
    private func rate(at fake: FakeRedisServer, of verbs: [String]) async throws -> Double {
        try await FaultTests.rate(over: 1) {
            verbs.reduce(0) { sum, verb in
                sum + [.publish, .subscribe, .other].reduce(0) { $0 + fake.count(verb, on: $1) }
            }
        }
    }

    @Test func aPublishThatIsMovedToWhereItWasIsNotConnectedAndAsksForNewsAtLeisure() async throws {
        try await withMember { fake, port, relay, client in
            let good = Self.member([(0...16383, port)])
            let slot = clusterSlot(of: "t:c")
            let closed = try freePort()
            let (start, before) = (TestDeadline.now, fake.count("CLUSTER", on: .other))
            // MOVED to the node itself, to a port where nobody listens, and to impossible places.
            for text in [
                "MOVED \(slot) 127.0.0.1:\(port)", "MOVED \(slot) 127.0.0.1:\(closed)", "MOVED 99999 127.0.0.1:\(port)",
                "MOVED", "MOVED \(slot)", "MOVED \(slot) ", "MOVED \(slot) 127.0.0.1", "MOVED \(slot) :0",
                "MOVED \(slot) :\(port)", "MOVED \(slot) 127.0.0.1:65536", "MOVED -1 127.0.0.1:\(port)",
                "MOVED x 127.0.0.1:\(port)", "MOVED \(slot) \(String(repeating: "h", count: 5000)):1",
                "ASK \(slot) x:1",
                "ASK \(slot) 127.0.0.1:\(port)", "TRYAGAIN later", "CLUSTERDOWN The cluster is down",
            ] {
                fake.follow { Self.isOfApp($0, "SPUBLISH") ? .text("-\(text)\r\n") : good($0) }
                let replies = try (0..<50).map { _ in try client.publish("c", "x") }
                #expect(replies.allSatisfy { $0.outcome == .notConnected }, "\(text.prefix(40)): \(replies[0])")
            }
            let seconds = Double(TestDeadline.now - start) / 1e9
            let questions = fake.count("CLUSTER", on: .other) - before
            #expect(Double(questions) < 30 + 60 * seconds, "\(questions) questions in \(seconds) s of 850 publishes")
            try client.send(.publish("c", "x", id: 0))
            let frames = try client.collect("the Loss") { $0.loss.publishes == 1 }
            #expect(frames.last?.loss.cause == .topology)
            #expect(client.status.state != .down, "\(client.status)")
            let asked = try await rate(at: fake, of: ["CLUSTER", "SPUBLISH", "SSUBSCRIBE", "ROLE", "PING"])
            #expect(asked < 60, "\(asked) commands a second")
            fake.follow(good)
            if client.status.state != .up { try client.collect(untilState: .up) }
            #expect(try client.publish("c", "y").receivers == 1)
            #expect(try client.collect("the message") { $0.message.text == "y" }.count < 20)
        }
    }

    @Test func aSubscribeThatIsMovedForEverIsToldAndTriedAtLeisure() async throws {
        try await withMember { fake, port, relay, client in
            let good = Self.member([(0...16383, port)])
            let closed = try freePort()
            for target in ["127.0.0.1:\(port)", "127.0.0.1:\(closed)", "127.0.0.1:99999"] {
                let name = "moved." + target
                let slot = clusterSlot(of: "t:" + name)
                let slotTold = target.hasSuffix(":99999") ? 99999 : slot
                fake.follow {
                    Self.isOfApp($0, "SSUBSCRIBE") ? .text("-MOVED \(slotTold) \(target)\r\n") : good($0)
                }
                let reply = try client.request(.subscribe([name], id: 1), id: 1)
                #expect([.pending, .refused].contains(reply.outcome), "\(target): \(reply)")
                let asked = try await rate(at: fake, of: ["CLUSTER", "SSUBSCRIBE"])
                #expect(asked < 60, "\(target): \(asked) commands a second")
                let health = try relay.http("/health")
                if reply.outcome == .pending { #expect(health.status == 503, "\(target): it is not in force") }
                fake.follow(good)
                if reply.outcome == .pending {
                    try eventually("it is in force") {
                        try client.publish(name, "x").receivers == 1
                    }
                }
                try eventually("UP again") { try relay.http("/health").status == 200 }
            }
        }
    }

    /// Answers to CLUSTER INFO or CLUSTER SLOTS that cannot be parsed as such.
    private static let garbage: [(String, String)] = [
        ("a status", "+OK\r\n"), ("a number", ":1\r\n"), ("null", "*-1\r\n"), ("an empty array", "*0\r\n"),
        ("an empty text", "$0\r\n\r\n"), ("another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("an array of a hundred million", "*100000000\r\n"), ("a text of half a gigabyte", "$536870912\r\n"),
        ("two answers", "*0\r\n*0\r\n"), ("deep", String(repeating: "*1\r\n", count: 30) + ":1\r\n"),
        ("numbers", "*2\r\n:1\r\n:2\r\n"), ("words", "*1\r\n*2\r\n" + bulk("slots") + bulk("nodes")),
        ("half a range", "*1\r\n*1\r\n:0\r\n"), ("a range without a node", "*1\r\n*2\r\n:0\r\n:5\r\n"),
        ("slots beyond all", "*1\r\n*3\r\n:0\r\n:99999\r\n*2\r\n" + bulk("127.0.0.1") + ":6379\r\n"),
        ("slots below all", "*1\r\n*3\r\n:-5\r\n:5\r\n*2\r\n" + bulk("127.0.0.1") + ":6379\r\n"),
        ("a range the wrong way round", "*1\r\n*3\r\n:5\r\n:0\r\n*2\r\n" + bulk("127.0.0.1") + ":6379\r\n"),
        ("port 0", "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n" + bulk("127.0.0.1") + ":0\r\n"),
        ("a port beyond all", "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n" + bulk("127.0.0.1") + ":65536\r\n"),
        ("huge numbers", bulk("cluster_state:ok\r\ncluster_current_epoch:99999999999999999999999\r\n")),
        ("a message", "*3\r\n" + bulk("smessage") + bulk("x") + bulk("y")),
    ]

    /// The path stays as it was: the relay believed nothing about the slots.
    @Test(arguments: ["INFO", "SLOTS"])
    func whatIsNoAnswerChangesNothingAndIsNotAskedForInALoop(word: String) async throws {
        try await withMember { fake, port, relay, client in
            let good = Self.member([(0...16383, port)])
            for (what, bytes) in Self.garbage {
                // A text is an answer to INFO, although a poor one.
                let commands = fake.count("CLUSTER", on: .other)
                let (before, start) = (fake.connectionsMade, TestDeadline.now)
                fake.follow { command in
                    let isMeant = command.verb == "CLUSTER" && command.words.dropFirst().first == word
                    return isMeant ? .bytes(Array(bytes.utf8)) : good(command)
                }
                // This makes the relay ask the cluster, and the answer is garbage.
                fake.ambush("SPUBLISH", on: .publish, with: .text("-MOVED 1 127.0.0.1:\(port)\r\n"))
                let reply = try client.publish("c", "x")
                #expect(reply.outcome == .notConnected || reply.outcome == .ok, "\(what): \(reply)")
                try eventually("\(what): it has been asked twice") { fake.count("CLUSTER", on: .other) >= commands + 2 }
                let seconds = Double(TestDeadline.now - start) / 1e9
                #expect(Double(fake.connectionsMade - before) < 20 + 100 * seconds, "\(what)")
            }
            fake.follow(good)
            try eventually("UP") { try relay.http("/health").status == 200 }
            let reply = try client.publish("c", "y")
            #expect(reply.outcome == .ok && reply.receivers == 1, "\(reply)")
        }
    }

    @Test func aMasterThatIsNotThereIsToldWithItsSlotsAndTriedAtLeisure() async throws {
        try await withMember { fake, port, relay, client in
            let other = try FakeRedisServer(onPort: true) { _ in .last([]) }
            guard case .port(let away) = other.address else { return }
            fake.follow(Self.member([(0...8191, port), (8192...16383, away)], epoch: 2))
            try client.collect(untilState: .degraded)
            #expect(client.status.reason.contains("8192 of 16384 slots"), "\(client.status)")
            let attempts = try await FaultTests.rate(over: 1) { other.connectionsMade }
            #expect(attempts > 0 && attempts < 150, "\(attempts) connections a second")
            let names = clusterNames("n", in: [0...8191, 8192...16383])
            #expect(try client.publish(names[0], "x").outcome == .ok)
            #expect(try client.publish(names[1], "x").outcome == .notConnected)
            fake.follow(Self.member([(0...16383, port)], epoch: 3))
            try client.collect(untilState: .up)
            #expect(try client.publish(names[1], "x").outcome == .ok)
        }
    }
}
