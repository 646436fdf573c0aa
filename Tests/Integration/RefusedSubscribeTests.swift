import TestSupport
import Testing

/// Rule 5, when Redis refuses names (an access list), or the relay does (limits).
@Suite struct RefusedSubscribeTests {
    /// A relay whose Redis allows only channels that begin with `ok`, and the relay's own.
    private func withAccessList(_ body: (RelayProcess, RedisClient) throws -> Void) throws {
        try withRelay { relay, redis in
            let plain = try redis.client()
            try plain.run(
                "ACL", "SETUSER", "default", "resetchannels", "&t:ok*", "&t:__hubrelay:*", "&t:pattern.*")
            try body(relay, plain)
        }
    }

    @Test func onlyWhoAsksForAForbiddenChannelIsRefused() throws {
        try withAccessList { relay, plain in
            let other = try relay.client()
            let client = try relay.client()
            #expect(try other.subscribe("ok.other") == .ok)
            let reply = try client.request(.subscribe(["forbidden"], id: 1), id: 1)
            #expect(reply.outcome == .refused)
            #expect(reply.detail.contains("NOPERM"))
            #expect(reply.refusedNames == ["forbidden"])
            #expect(try client.subscribe("ok.client") == .ok)
            for (channel, holder) in [("ok.other", other), ("ok.client", client)] {
                try plain.publish("t:" + channel, "x")
                #expect(try holder.expectMessage().text == "x")
            }
        }
    }

    @Test func aRefusedRequestHadNoEffectAndNamesWhatRedisRefused() throws {
        try withAccessList { relay, plain in
            let client = try relay.client()
            #expect(try client.subscribe("ok.held") == .ok)
            let names = (0..<60).map { $0 % 20 == 7 ? "forbidden.\($0)" : "ok.\($0)" } + ["ok.held"]
            let reply = try client.request(.subscribe(names, id: 1), id: 1)
            #expect(reply.outcome == .refused)
            #expect(Set(reply.refusedNames) == ["forbidden.7", "forbidden.27", "forbidden.47"])
            #expect(reply.refusedNames.count == 3)
            try eventually("the good names of the request are gone from Redis") {
                try plain.run("PUBSUB", "CHANNELS", "t:ok*").array?.compactMap(\.text) == ["t:ok.held"]
            }
            try plain.publish("t:ok.3", "not for this client")
            try plain.publish("t:ok.held", "held before, held now")
            #expect(try client.expectMessage().text == "held before, held now")
        }
    }

    @Test func aRequestIsRefusedForThePatternThatIsNotGranted() throws {
        try withAccessList { relay, plain in
            let client = try relay.client()
            // Redis grants a pattern only if it equals a pattern of the access list.
            let reply = try client.request(
                .subscribe(["ok.1"], patterns: ["pattern.*", "pattern.1*"], id: 1), id: 1)
            #expect(reply.outcome == .refused)
            #expect(reply.refusedNames == ["pattern.1*"])
            #expect(try client.subscribe(patterns: ["pattern.*"]) == .ok)
            try plain.publish("t:pattern.12", "x")
            #expect(try client.expectMessage().pattern == "pattern.*")
        }
    }

    @Test func whatIsRefusedWithoutAnIdIsRevoked() throws {
        try withAccessList { relay, plain in
            let client = try relay.client()
            try client.send(.subscribe(["forbidden"], patterns: ["forbidden.*"], id: 0))
            var channels: [String] = []
            var patterns: [String] = []
            while channels.count + patterns.count < 2 {
                let revoked = try client.expectRevoked()
                channels += revoked.channels
                patterns += revoked.patterns
                #expect(revoked.detail.contains("NOPERM"))
            }
            #expect(channels == ["forbidden"] && patterns == ["forbidden.*"])
            #expect(try client.subscribe("ok.after") == .ok)
        }
    }

    @Test func aNameRefusedWhenItIsRestoredIsRevokedAndTheRelayComesUp() throws {
        try withRelay { relay, redis in
            let plain = try redis.client()
            let loser = try relay.client()
            let keeper = try relay.client()
            #expect(try loser.subscribe("lost", "ok.loser") == .ok)
            #expect(try keeper.subscribe("ok.keeper") == .ok)
            // Redis closes the connections that hold names which are now forbidden.
            try plain.run("ACL", "SETUSER", "default", "resetchannels", "&t:ok*", "&t:__hubrelay:*")
            var revoked = try loser.collect(untilState: .up).map(\.revoked).filter { $0 != HubrelayRevoked() }
            if revoked.isEmpty { revoked = [try loser.expectRevoked()] }
            #expect(revoked.flatMap(\.channels) == ["lost"])
            #expect(revoked.flatMap(\.patterns).isEmpty)
            try keeper.collect(untilState: .up)
            for (channel, holder) in [("ok.loser", loser), ("ok.keeper", keeper)] {
                #expect(try plain.publish("t:" + channel, "x") == 1)
                #expect(try holder.expectMessage().text == "x")
            }
        }
    }

    @Test func aConnectionsLimitIsAnsweredAndHasNoOtherEffect() throws {
        try withRelay(options: ["--max-subscriptions-per-connection", "10"]) { relay, redis in
            let plain = try redis.client()
            let client = try relay.client()
            let held = (0..<8).map { "held.\($0)" }
            #expect(try client.request(.subscribe(held, id: 1), id: 1).outcome == .ok)
            let reply = try client.request(.subscribe(["new.1", "new.2"], patterns: ["new.*"], id: 2), id: 2)
            #expect(reply.outcome == .limit)
            #expect(!reply.detail.isEmpty)
            #expect(try plain.subscribers(of: "t:new.1") == 0)
            // Two more names fit. Names that are held already, or are twice in a request, count once.
            #expect(try client.subscribe("held.0", "new.1", "new.1", patterns: ["new.*"]) == .ok)
            #expect(try client.subscribe("new.2") == .limit)
            // A name that is given up makes room, and another connection has a limit of its own.
            #expect(try client.unsubscribe("held.0") == .ok)
            #expect(try client.subscribe("new.2") == .ok)
            #expect(try relay.client().subscribe("another") == .ok)
            try plain.publish("t:held.1", "x")
            #expect(try client.expectMessage().text == "x")
        }
    }

    @Test func theLimitOverAllConnectionsIsAnsweredAndHasNoOtherEffect() throws {
        try withRelay(options: ["--max-subscriptions", "10"]) { relay, redis in
            let first = try relay.client()
            let second = try relay.client()
            let names = (0..<6).map { "first.\($0)" }
            #expect(try first.request(.subscribe(names, id: 1), id: 1).outcome == .ok)
            let more = (0..<5).map { "second.\($0)" }
            #expect(try second.request(.subscribe(more, id: 1), id: 1).outcome == .limit)
            #expect(try second.request(.subscribe(Array(more.dropLast()), id: 2), id: 2).outcome == .ok)
            #expect(try second.subscribe("one.more") == .limit)
            first.socket.close()
            try eventually("the closed connection's are free") { try second.subscribe("one.more") == .ok }
            #expect(try redis.client().subscribers(of: "t:one.more") == 1)
        }
    }
}
