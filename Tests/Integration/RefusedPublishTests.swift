import TestSupport
import Testing

/// Publishes that Redis itself refuses. This needs a Redis with an access list.
@Suite struct RefusedPublishTests {
    @Test func aPublishThatRedisRefusesIsAnsweredWithItsText() throws {
        try withRelay { relay, redis in
            try redis.client().run(
                "ACL", "SETUSER", "default", "resetchannels", "&t:allowed*", "&t:__hubrelay:*")
            let client = try relay.client()
            let reply = try client.publish("forbidden", "x")
            #expect(reply.outcome == .refused)
            #expect(reply.detail.contains("NOPERM"))
            #expect(try client.publish("allowed.1", "x").outcome == .ok)
        }
    }

    @Test func refusedPublishesWithoutIdAreCountedInALoss() throws {
        try withRelay { relay, redis in
            try redis.client().run(
                "ACL", "SETUSER", "default", "resetchannels", "&t:allowed*", "&t:__hubrelay:*")
            let client = try relay.client()
            try client.send(.publish("forbidden", "x", id: 0), .publish("forbidden", "y", id: 0))
            var lost: UInt64 = 0
            while lost < 2 {
                let loss = try client.expectLoss()
                #expect(loss.cause == .refused)
                #expect(loss.publishesUnknown == 0 && loss.messages == 0)
                lost += loss.publishes
            }
            #expect(lost == 2)
        }
    }
}
