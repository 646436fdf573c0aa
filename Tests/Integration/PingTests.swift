import TestSupport
import Testing

/// Ping, as rule 5 defines it.
@Suite(.sharedRelay()) struct PingTests {
    let relay: RelayProcess

    init() throws {
        relay = try sharedStage().relay
    }

    @Test func pingIsAnsweredWithOK() throws {
        let client = try relay.client()
        try client.send(.ping(id: 42))
        let reply = try client.expectReply(id: 42)
        #expect(reply.outcome == .ok)
        #expect(reply.receivers == 0 && reply.refusedNames.isEmpty)
    }

    @Test func aPingWithIdZeroHasNoReply() throws {
        let client = try relay.client()
        try client.send(.ping(id: 0), .ping(id: 1))
        try client.expectReply(id: 1)
    }

    @Test func itsReplyComesAfterEveryEarlierOneThatNeededNoRedis() throws {
        let client = try relay.client()
        for round in UInt64(0)..<50 {
            let id = round * 10
            try client.send(
                .publish("", "no name", id: id + 1), .unsubscribe(["not.held"], id: id + 2),
                .subscribe([], id: id + 3), .subscribe(["__hubrelay:x"], id: id + 4), .ping(id: id + 5))
            let replies = try (0..<5).map { _ in try client.next().reply.id }
            #expect(replies.last == id + 5)
            #expect(Set(replies) == Set(id + 1...id + 5))
        }
    }

    @Test func tenThousandPipelinedPingsAreAnsweredInOrder() throws {
        let client = try relay.client()
        let ids = UInt64(1)...10_000
        try client.send(raw: ids.flatMap { HubrelayClientFrame.ping(id: $0).bytes })
        for id in ids { try client.expectReply(id: id) }
    }

    /// `settled`: the Reply comes when the outcome of everything published before the Ping is known.
    @Test func aSettledPingWaitsForPublishesAndTheirLosses() throws {
        try withRelay(options: ["--link-timeout", "60s"]) { relay, redis in
            let client = try relay.client()
            #expect(client.welcome.features.contains("settled"))
            redis.freeze()
            try client.send(.publish("c", "x", id: 0), .publish("", "x", id: 0), .ping(id: 1))
            #expect(try client.expectReply(id: 1).outcome == .ok)
            try client.send(.publish("c", "x", id: 2), .ping(id: 3, settled: true), .ping(id: 4))
            #expect(try client.expectLoss().publishes == 1)
            try relay.client().ping()
            redis.thaw()
            for id in UInt64(2)...4 { #expect(try client.expectReply(id: id).outcome == .ok) }
        }
    }
}
