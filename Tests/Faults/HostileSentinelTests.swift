import TestSupport
import Testing

/// A wrong answer to `SENTINEL` with the word `word`.
struct SentinelHostility: Sendable, CustomStringConvertible {
    let description: String
    let word: String
    let bytes: [UInt8]

    init(_ description: String, to word: String, _ text: String) {
        (self.description, self.word, bytes) = (description, word, Array(text.utf8))
    }

    private static func address(_ description: String, _ text: String) -> SentinelHostility {
        SentinelHostility(description, to: "GET-MASTER-ADDR-BY-NAME", text)
    }

    private static func details(_ description: String, _ text: String) -> SentinelHostility {
        SentinelHostility(description, to: "MASTER", text)
    }

    static let all = [
        address("another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n"),
        address("an array of a hundred million", "*100000000\r\n"),
        address("an array of 60,000", "*60000\r\n"),
        address("a status", "+OK\r\n"), address("a number", ":1\r\n"),
        address("an empty array", "*0\r\n"),
        address("no port", "*1\r\n$9\r\n127.0.0.1\r\n"),
        address("port 0", "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n"),
        address("a port beyond all", "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n"),
        address("a port that is a word", "*2\r\n$9\r\n127.0.0.1\r\n$5\r\nredis\r\n"),
        address("a port that is no string", "*2\r\n$9\r\n127.0.0.1\r\n:6379\r\n"),
        address("no host", "*2\r\n$0\r\n\r\n$4\r\n6379\r\n"),
        address("null for a host", "*2\r\n$-1\r\n$4\r\n6379\r\n"),
        address("a host with a line break", "*2\r\n$3\r\na\r\n\r\n$4\r\n6379\r\n"),
        address("a host that is an array", "*2\r\n*0\r\n$4\r\n6379\r\n"),
        address("an array of names", "*2\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n$4\r\n6379\r\n"),
        address("two answers", "*-1\r\n*-1\r\n*-1\r\n"),
        address("an error", "-ERR not now\r\n"), address("LOADING", "-LOADING later\r\n"),
        details("a status", "+OK\r\n"), details("null", "*-1\r\n"), details("a number", ":1\r\n"),
        details("a message before all else", "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$-1\r\n"),
    ]
}

/// One sentinel among others gives answers that are wrong, old or incomplete. The relay gives it up with a reason, or
/// does not believe it, and the path stays as it is.
@Suite struct HostileSentinelTests {
    /// Runs `body` with a relay that asks the sentinels of a scene, and before them an impostor.
    private func withImpostor(
        _ body: (SentinelScene, FakeRedisServer, RelayProcess, TestConnection) throws -> Void
    ) throws {
        let scene = try SentinelScene()
        let fake = try FakeRedisServer(onPort: true)
        fake.follow(FakeRedisServer.sentinel(naming: scene.ports[0], epoch: 0))
        let endpoints = [fake.endpoint] + scene.sentinels.map(\.endpoint)
        // With this timeout, nothing in these tests ends by a deadline.
        try withRelay(of: scene, redis: scene.url(of: endpoints), options: ["--link-timeout", "60s"]) { relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try eventually("the impostor is heard") { try relay.sentinels()[0].master != nil }
            try body(scene, fake, relay, client)
        }
    }

    @Test func whatIsNoAnswerEndsTheLinkWithAReason() throws {
        try withImpostor { scene, fake, relay, client in
            let good = FakeRedisServer.sentinel(naming: scene.ports[0], epoch: 0)
            // The relay asks at once on each new connection.
            fake.cutConnections()
            for hostility in SentinelHostility.all {
                fake.follow { $0.words.dropFirst().first == hostility.word ? .bytes(hostility.bytes) : good($0) }
                let before = fake.connectionsMade(.other)
                try eventually("\(hostility) ends the link again and again") {
                    fake.connectionsMade(.other) >= before + 3
                }
                let health = try relay.sentinels()[0]
                #expect(health.master == nil, "\(hostility): \(health)")
            }
            try expectUntouched(relay, client)
            fake.follow(good)
            try eventually("the sentinel is of use again") {
                let health = try relay.sentinels()[0]
                return health.isUp && health.master == scene.endpoint(of: 0)
            }
        }
    }

    @Test func aConversationMayBreakOffAtAnyByte() throws {
        try withImpostor { scene, fake, relay, client in
            // The greeting and the first question have a few more bytes than this.
            let whole = 150
            let before = fake.connectionsMade(.other)
            fake.cutShort { _, number in (number - before) * 2 % whole + 1 }
            fake.cutConnections()
            try eventually("every other byte has been the last") {
                fake.connectionsMade(.other) >= before + whole / 2
            }
            try expectUntouched(relay, client)
            fake.cutShort { _, _ in nil }
            fake.cutConnections()
            try eventually("the sentinel is of use again") {
                let health = try relay.sentinels()[0]
                return health.isUp && health.master == scene.endpoint(of: 0)
            }
        }
    }

    /// The answer nil for a master means that the sentinel does not know the service.
    @Test func aSentinelThatForgetsTheMasterIsNamedAndTheRestAreUsed() throws {
        try withImpostor { scene, fake, relay, client in
            let good = FakeRedisServer.sentinel(naming: scene.ports[0], epoch: 0)
            fake.follow {
                switch $0.words.dropFirst().first {
                case "GET-MASTER-ADDR-BY-NAME": .text("*-1\r\n")
                case "MASTER": .text("-ERR No such master with that name\r\n")
                default: good($0)
                }
            }
            fake.announce(channel: "+switch-master", "mymaster 127.0.0.1 1 127.0.0.1 2")
            try eventually("it knows nothing") { try relay.sentinels()[0].master == nil }
            let health = try relay.sentinels()[0]
            #expect(health.isUp && health.reason?.contains("not know the master \"mymaster\"") == true, "\(health)")
            try expectUntouched(relay, client)
        }
    }

    /// The sentinel was cut off during a failover. Its older epoch is not believed, whatever it announces.
    @Test func aSentinelWithAnOldEpochLeadsNobodyAstray() throws {
        try withImpostor { scene, fake, relay, client in
            try scene.failOver()
            try client.collect(untilState: .down)
            try client.collect(untilState: .up)
            let master = try scene.master()
            #expect(master != 0)
            let asked = fake.count("SENTINEL", on: .other)
            let announcement = "mymaster 127.0.0.1 \(scene.ports[master]) 127.0.0.1 \(scene.ports[0])"
            fake.announce(channel: "+switch-master", announcement)
            try eventually("it is asked") { fake.count("SENTINEL", on: .other) >= asked + 2 }
            try eventually("its word is heard") { try relay.sentinels()[0].master == scene.endpoint(of: 0) }
            try expectUntouched(relay, client, outages: 1)
            #expect(try scene.nodes[master].client().subscribers(of: "t:c") == 1)
        }
    }

    /// The relay must not fall back to the address that worked last: it belongs to the former master, which may still
    /// take publishes.
    @Test func whileTheNewMastersNameIsNotFoundTheFormerOneIsNotUsed() throws {
        let redis = try RedisServer(onPort: true)
        guard case .port(let port) = redis.address else { return }
        let fake = try FakeRedisServer(onPort: true, script: FakeRedisServer.sentinel(naming: port, epoch: 1))
        let relay = try RelayProcess(redis: fake.url.replacing("redis://", with: "redis-sentinel://") + "/mymaster")
        let client = try relay.client()

        fake.follow(FakeRedisServer.sentinel(naming: 6379, epoch: 2, host: "new.invalid"))
        fake.announce(channel: "+switch-master", "mymaster 127.0.0.1 \(port) new.invalid 6379")
        try client.collect(untilState: .down)
        #expect(client.status.cause == .demoted)
        let connections = try redis.client().connectionsSoFar()
        try eventually("the reason names the name") {
            try relay.http("/health").body.contains("resolving new.invalid")
        }
        #expect(try client.publish("c", "x").outcome == .notConnected)
        #expect(try redis.client().connectionsSoFar() == connections + 1, "nobody but this test has come")

        fake.follow(FakeRedisServer.sentinel(naming: port, epoch: 3))
        fake.announce(channel: "+switch-master", "mymaster new.invalid 6379 127.0.0.1 \(port)")
        let states = try client.collect(untilState: .up).map(\.status.state)
        #expect(!states.contains(.down) && client.status.outages == 1)
        try relay.stop()
    }

    enum Absence { case stopped, killed }

    /// The same with a real sentinel, which learns about the failover within some seconds. If it was killed, it begins
    /// with what it knew when it ended. If it was stopped, it may learn the news before the relay asks it.
    @Test(arguments: [Absence.stopped, .killed])
    func aSentinelThatMissedAFailoverCausesNoOther(absence: Absence) throws {
        try withSentinels { scene, relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            let absent = scene.sentinels[2]
            if absence == .killed { absent.stop() } else { absent.freeze() }
            scene.nodes[0].stop()
            try client.collect(untilState: .up, within: 40)
            let master = try scene.awaitFailover(from: 0, by: [0, 1])
            if absence == .killed { try absent.start() } else { absent.thaw() }
            try eventually("it knows better") { try relay.sentinels()[2].master == scene.endpoint(of: master) }
            try expectUntouched(relay, client, outages: 1)
        }
    }

    /// Expects that the path works, and that nothing has been reported in the meantime.
    private func expectUntouched(_ relay: RelayProcess, _ client: TestConnection, outages: UInt64 = 0) throws {
        #expect(try client.publish("c", "x").outcome == .ok)
        #expect(try client.expectMessage().text == "x")
        #expect(client.status.outages == outages)
    }
}
