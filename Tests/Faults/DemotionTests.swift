import Synchronization
import TestSupport
import Testing

/// The server becomes a replica and closes nothing. It still answers PUBLISH and keeps its subscribers, but messages
/// from the clients of other servers do not arrive there. Only ROLE shows it.
@Suite struct DemotionTests {
    @Test func aDemotedServerIsLeft() throws {
        try withRelay(options: shortDeadlines) { try expectItIsLeft($0, $1) }
    }

    @Test func aDemotedServerIsLeftWithoutTheProbe() throws {
        try withRelay(options: ["--probe", "off"]) { try expectItIsLeft($0, $1) }
    }

    @Test func aDemotedServerIsLeftAlsoWhereTheProbeIsDenied() throws {
        let redis = try RedisServer(onPort: true)
        try redis.client().run(
            "ACL", "SETUSER", "relay", "on", ">secret", "~*", "resetchannels", "&t:c", "+@all")
        let url = redis.url.replacing("redis://", with: "redis://relay:secret@")
        let relay = try RelayProcess(redis: url, options: shortDeadlines)
        try expectItIsLeft(relay, redis)
        try relay.stop()
    }

    /// The publish link has broken and finds out in its greeting that the server is a replica. The subscribe link would
    /// stay there and hear nothing.
    @Test func aReplicaThatOneLinkFindsIsLeftByTheOtherToo() throws {
        try withRelay(options: ["--probe", "60s"]) { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            let plain = try redis.client()
            try plain.send(["MULTI"].map { Array($0.utf8) })
            try plain.send(["REPLICAOF", "127.0.0.1", "1"].map { Array($0.utf8) })
            try plain.send(["CLIENT", "KILL", "TYPE", "normal"].map { Array($0.utf8) })
            try plain.send(["EXEC"].map { Array($0.utf8) })
            try client.collect(untilState: .down)
            #expect(client.status.cause == .demoted && client.status.gaps == 1)
            try redis.client().run("REPLICAOF", "NO", "ONE")
            try client.collect(untilState: .up)
            #expect(try client.publish("c", "a master again").outcome == .ok)
        }
    }

    private static let replica = "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:0\r\n"

    /// Behind a load balancer, the same address may lead to several servers.
    @Test func aReplicaThatTheSubscribeLinkFindsCostsThePublishLinkNothing() throws {
        let fake = try FakeRedisServer()
        let relay = try RelayProcess(redis: fake.url)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        fake.follow { command in
            if command.verb == "ROLE", command.link == .subscribe { return .text(Self.replica) }
            return command.verb == "PING" && command.isSubscribed ? .last([]) : .usual
        }
        var states = try client.collect(untilState: .degraded).map(\.status.state)
        let attempts = fake.connectionsMade(.subscribe)
        try eventually("more attempts") { fake.connectionsMade(.subscribe) > attempts + 3 }
        #expect(try client.publish("c", "x").outcome == .ok)
        fake.behave()
        states += try client.collect(untilState: .up).map(\.status.state)
        #expect(!states.contains(.down), "\(states)")
        try relay.stop()
    }

    /// After the demotion only a probe could prove that the path works again. It would go over the publish link, and
    /// that cannot be established.
    @Test func aSubscribeIsNotKeptWaitingForAProofThatCannotCome() throws {
        let fake = try FakeRedisServer()
        let relay = try RelayProcess(redis: fake.url)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let isDemoted = Flag(false)
        fake.follow { command in
            guard command.link == .publish else { return .usual }
            if isDemoted.value { return .last(Array("-ERR max number of clients reached\r\n".utf8)) }
            guard command.verb == "ROLE" else { return .usual }
            isDemoted.value = true
            return .text(Self.replica)
        }
        try client.collect(untilState: .down)
        let confirmed = fake.count("SUBSCRIBE", on: .subscribe)
        try eventually("the restore is over") { fake.count("SUBSCRIBE", on: .subscribe) >= confirmed + 2 }
        for number in 0..<20 { #expect(try client.subscribe("later.\(number)") == .pending) }
        try client.ping()
        fake.behave()
        try client.collect(untilState: .up)
        #expect(try client.publish("later.19", "x").outcome == .ok)
        #expect(try client.expectMessage().text == "x")
        try relay.stop()
    }

    private final class Flag: Sendable {
        private let flag: Mutex<Bool>
        init(_ value: Bool) { flag = Mutex(value) }
        var value: Bool {
            get { flag.withLock { $0 } }
            set { flag.withLock { $0 = newValue } }
        }
    }

    private func expectItIsLeft(_ relay: RelayProcess, _ redis: RedisServer) throws {
        let master = try RedisServer(onPort: true)
        guard case .port(let port) = master.address else { return }
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let before = client.status
        let plain = try redis.client()

        try plain.run("REPLICAOF", "127.0.0.1", "\(port)")
        try client.collect(untilState: .down)
        #expect(client.status.cause == .demoted, "\(client.status)")
        #expect(client.status.reason.contains("replica"), "\(client.status.reason)")
        #expect(try relay.http("/health").body.contains("demoted"))
        #expect(try client.publish("c", "x").outcome == .notConnected)
        // The relay tries again, and stays away for as long as this server is not a master.
        let attempts = try plain.connectionsSoFar()
        try eventually("more attempts") { try plain.connectionsSoFar() >= attempts + 6 }
        #expect(try client.nextIfAny(within: 0) == nil)

        try plain.run("REPLICAOF", "NO", "ONE")
        try client.collect(untilState: .up)
        #expect(client.status.outages == before.outages + 1 && client.status.gaps == before.gaps + 1)
        #expect(try plain.subscribers(of: "t:c") == 1)
        #expect(try client.publish("c", "a master again").outcome == .ok)
        #expect(try client.expectMessage().text == "a master again")
    }
}
