import TestSupport
import Testing

/// Rule 5 while Redis has not answered: a frozen Redis holds all requests at the same stage.
@Suite struct SubscribeUnderWayTests {
    @Test func aSubscribeIsNotAnsweredBeforeRedisHasAnswered() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("held") == .ok)
            redis.freeze()
            try client.send(
                .subscribe(["new"], id: 1), .subscribe(patterns: ["new.*"], id: 2),
                .unsubscribe(["other"], id: 3),
                .ping(id: 4))
            // Only requests that do not need Redis are answered.
            try client.expectReply(id: 3)
            try client.expectReply(id: 4)
            redis.thaw()
            #expect(try client.expectReply(id: 1).outcome == .ok)
            #expect(try client.expectReply(id: 2).outcome == .ok)
            #expect(try redis.client().subscribers(of: "t:new") == 1)
        }
    }

    @Test func everybodyWhoWaitsForTheSameNameIsAnswered() throws {
        try withRelay { relay, redis in
            let clients = try (0..<30).map { _ in try relay.client() }
            redis.freeze()
            for client in clients { try client.send(.subscribe(["crowd"], id: 1), .ping(id: 2)) }
            for client in clients { try client.expectReply(id: 2) }
            // One client unsubscribes again, and one closes, before Redis has answered.
            try clients[0].send(.unsubscribe(["crowd"], id: 3), .ping(id: 4))
            try clients[0].expectReply(id: 4)
            clients[1].socket.close()
            redis.thaw()
            for client in clients.dropFirst(2) { #expect(try client.expectReply(id: 1).outcome == .ok) }
            #expect(try clients[0].expectReply(id: 1).outcome == .ok)
            #expect(try clients[0].expectReply(id: 3).outcome == .ok)
            #expect(try redis.client().publish("t:crowd", "x") == 1)
            for client in clients.dropFirst(2) { #expect(try client.expectMessage().text == "x") }
            try clients[0].ping()
        }
    }

    @Test func messagesOnANameThatOthersHoldDoNotComeBeforeTheReply() throws {
        try withRelay { relay, redis in
            let holder = try relay.client()
            #expect(try holder.subscribe("busy") == .ok)
            let plain = try redis.client()
            let newcomer = try relay.client()
            for round in UInt64(1)...10 {
                redis.freeze()
                // Redis will find both at once, and the message was sent first.
                try plain.send(["PUBLISH", "t:busy", "early \(round)"].map { Array($0.utf8) })
                try newcomer.send(.subscribe(["busy", "new.\(round)"], id: round), .ping(id: 100))
                try newcomer.expectReply(id: 100)
                redis.thaw()
                #expect(try plain.read().integer == 1)
                let first = try newcomer.next()
                #expect(first.reply.id == round, "first came \(first.summary)")
                try plain.publish("t:busy", "late \(round)")
                _ = try newcomer.collect("the late one") { $0.message.text == "late \(round)" }
                #expect(try newcomer.unsubscribe("busy") == .ok)
                #expect(try holder.expectMessage().text == "early \(round)")
                #expect(try holder.expectMessage().text == "late \(round)")
            }
        }
    }

    @Test func whatAClosedConnectionHadAskedForIsGivenUp() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            let other = try relay.client()
            redis.freeze()
            try client.send(.subscribe(["abandoned", "wanted"], id: 1), .ping(id: 2))
            try client.expectReply(id: 2)
            try other.send(.subscribe(["wanted"], id: 1), .ping(id: 2))
            try other.expectReply(id: 2)
            client.socket.close()
            redis.thaw()
            #expect(try other.expectReply(id: 1).outcome == .ok)
            let plain = try redis.client()
            try eventually("nobody is subscribed to it") { try plain.subscribers(of: "t:abandoned") == 0 }
            #expect(try plain.publish("t:wanted", "x") == 1)
            #expect(try other.expectMessage().text == "x")
        }
    }
}
