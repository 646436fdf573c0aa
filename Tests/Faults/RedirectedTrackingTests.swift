import TestSupport
import Testing

/// CLIENT TRACKING ... REDIRECT to the relay's connection, by a user who may do nothing else. Redis then sends messages
/// to the relay that nobody published, and whose payload is not a string.
@Suite struct RedirectedTrackingTests {
    @Test func messagesOfAStrangersTrackingAreSkippedAndCounted() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("c", patterns: ["*"]) == .ok)
            let plain = try redis.client()
            try plain.run("ACL", "SETUSER", "stranger", "on", ">secret", "-@all", "+client|tracking", "resetchannels")
            let stranger = try redis.client()
            try stranger.run("AUTH", "stranger", "secret")
            let id = try #require(try plain.idOfSubscriber())
            try stranger.run("CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST")

            try plain.run("FLUSHALL")  // the payload is nil
            try plain.run("SET", "key", "value")  // the payload is an array of one
            var many: [String] = ["MSET"]
            for number in 0..<70_000 { many += ["key:\(number)", ""] }
            try plain.run(many)  // the payload is an array of more elements than any reply may have
            try eventually("they are counted") {
                try relay.metric("hubrelay_messages_skipped_total") >= 3
            }
            #expect(try relay.http("/health").json["messages"]?["skipped"] != .number(0))
            #expect(try client.publish("c", "x").receivers == 2)
            for _ in 0..<2 { #expect(try client.expectMessage().text == "x") }
            #expect(client.status.outages == 0 && client.status.gaps == 0)
        }
    }
}

extension RedisClient {
    /// The id of the one connection that is subscribed.
    fileprivate func idOfSubscriber() throws -> String? {
        let list = try run("CLIENT", "LIST", "TYPE", "pubsub").text ?? ""
        return list.split(separator: " ").first { $0.hasPrefix("id=") }.map { String($0.dropFirst(3)) }
    }
}
