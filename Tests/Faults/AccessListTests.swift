import Glibc
import TestSupport
import Testing

/// An access list of Redis (`ACL SETUSER`) forbids names, from the start or from some later time on.
@Suite struct AccessListTests {
    private static let granted = ["&t:ok*", "&t:__hubrelay:*", "&t:pattern.*"]

    private func withAccessList(
        adding more: [String] = [], _ body: (RelayProcess, RedisClient) throws -> Void
    ) throws {
        try withRelay { relay, redis in
            let plain = try redis.client()
            try grant(Self.granted + more, plain)
            try body(relay, plain)
        }
    }

    private func grant(_ names: [String], _ plain: RedisClient) throws {
        try plain.run(["ACL", "SETUSER", "default", "resetchannels"] + names)
    }

    @Test func whoAsksForAForbiddenChannelIsRefusedAloneThoughAllAskAtOnce() throws {
        try withAccessList { relay, plain in
            let clients = try (0..<8).map { _ in try relay.client() }
            // The relay finds all of these requests at once, and sends their names to Redis in one command.
            relay.process.signal(SIGSTOP)
            for (number, client) in clients.enumerated() {
                var names = (0..<40).map { "ok.\(number).\($0)" }
                if number == 5 { names[17] = "forbidden" }
                try client.send(.subscribe(names, id: 1))
            }
            relay.process.signal(SIGCONT)
            for (number, client) in clients.enumerated() {
                let reply = try client.expectReply(id: 1)
                #expect(reply.outcome == (number == 5 ? .refused : .ok))
                #expect(reply.refusedNames == (number == 5 ? ["forbidden"] : []))
            }
            try eventually("Redis has what was not refused, and the probe") {
                try plain.channelsOfSubscribers() == [7 * 40 + 1]
            }
            for (number, client) in clients.enumerated() where number != 5 {
                try plain.publish("t:ok.\(number).39", "x")
                #expect(try client.expectMessage().text == "x")
            }
        }
    }

    @Test func aPermissionWithdrawnCostsOnlyThoseWhoUsedIt() throws {
        try withAccessList(adding: ["&t:lost*"]) { relay, plain in
            let keeper = try relay.client()
            let loser = try relay.client()
            let kept = (0..<600).map { "ok.kept.\($0)" }
            #expect(try keeper.request(.subscribe(kept, id: 1), id: 1).outcome == .ok)
            let names = (0..<60).map { $0 % 20 == 7 ? "lost.\($0)" : "ok.loser.\($0)" }
            #expect(try loser.request(.subscribe(names, patterns: ["pattern.*"], id: 1), id: 1).outcome == .ok)

            // Redis closes the connection of every client that holds a name that is now forbidden.
            try grant(["&t:ok*", "&t:__hubrelay:*"], plain)
            let frames = try keeper.collect(untilState: .up)
            #expect(frames.map(\.status.state) == [.degraded, .up], "nothing else concerns it")
            #expect(keeper.status.gaps == 1 && keeper.status.outages == 1)
            // Three channels, the pattern, and the two Status frames.
            let told = try loser.collect("Revoked and UP") { _ in
                loser.status.state == .up && loser.status.gaps == 1
            }
            let revoked = told.map(\.revoked)
            #expect(Set(revoked.flatMap(\.channels)) == ["lost.7", "lost.27", "lost.47"])
            #expect(revoked.flatMap(\.channels).count == 3)
            #expect(revoked.flatMap(\.patterns) == ["pattern.*"])
            #expect(told.map(\.status.state).filter { $0 != .unspecified } == [.degraded, .up])
            let allowed = kept + names.filter { $0.hasPrefix("ok") }
            let counts = try allowed.map { try plain.publish("t:" + $0, "x") }
            #expect(counts.allSatisfy { $0 == 1 })
            for _ in 0..<600 { try keeper.expectMessage() }
            for _ in 0..<57 { try loser.expectMessage() }

            #expect(try loser.subscribe("lost.7") == .refused)
            try grant(Self.granted + ["&t:lost*"], plain)
            #expect(try loser.subscribe("lost.7", patterns: ["pattern.*"]) == .ok)
        }
    }

    @Test func theDetailSaysThatAPatternMustBeGrantedLiterally() throws {
        try withAccessList { relay, plain in
            let client = try relay.client()
            // Every channel that the pattern could match is granted, but Redis compares the pattern itself with the
            // granted ones.
            let request = HubrelayClientFrame.subscribe(["ok.1"], patterns: ["ok.1*"], id: 1)
            let reply = try client.request(request, id: 1)
            #expect(reply.outcome == .refused && reply.refusedNames == ["ok.1*"])
            #expect(reply.detail.contains("NOPERM") && reply.detail.contains("literally"))
            let channel = try client.request(.subscribe(["no"], id: 2), id: 2)
            #expect(channel.outcome == .refused && !channel.detail.contains("literally"))

            try client.send(.subscribe(["no"], patterns: ["ok.1*"], id: 0))
            for _ in 0..<2 {
                let revoked = try client.expectRevoked()
                #expect(revoked.detail.contains("literally") == (revoked.patterns == ["ok.1*"]))
            }
            #expect(try client.subscribe(patterns: ["pattern.*"]) == .ok)
            // The permission is withdrawn while the name is held: the text is the same.
            try grant(["&t:ok*", "&t:__hubrelay:*"], plain)
            let frames = try client.collect("Revoked") { $0.revoked.patterns == ["pattern.*"] }
            #expect(try #require(frames.last).revoked.detail.contains("literally"))
        }
    }
}
