import TestSupport
import Testing

/// Rule 9 from the client's side: the client closes.
@Suite(.sharedRelay()) struct ClosingTests {
    let relay: RelayProcess
    let redis: RedisServer

    init() throws {
        let stage = try sharedStage()
        relay = stage.relay
        redis = stage.redis
    }

    @Test func afterAHalfCloseOwedRepliesAreSentThenTheRelayCloses() throws {
        let client = try relay.client()
        var frames = (1...500).map { HubrelayClientFrame.publish("half", "x", id: $0) }
        frames += [.subscribe(["half.closed"], id: 501), .ping(id: 502)]
        try client.send(raw: frames.flatMap { $0.bytes })
        client.socket.shutdownWriting()
        var left = Set(UInt64(1)...502)
        while !left.isEmpty {
            let reply = try client.next().reply
            #expect(reply.outcome == .ok)
            #expect(left.remove(reply.id) != nil, "reply \(reply.id)")
        }
        try client.expectEnd()
        let plain = try redis.client()
        try eventually("its subscription is gone") { try plain.subscribers(of: "t:half.closed") == 0 }
    }

    @Test func aHalfCloseWithNothingOwedIsAClose() throws {
        let client = try relay.client()
        #expect(try client.subscribe("half.idle") == .ok)
        client.socket.shutdownWriting()
        try client.expectEnd()
    }

    @Test(arguments: [100, 4000]) func everyWholeFrameWrittenBeforeTheCloseIsProcessed(count: Int) throws {
        let plain = try redis.client()
        let channel = "closing.\(count)"
        try plain.subscribe("t:" + channel)
        let filling = String(repeating: "x", count: 200)
        for round in 0..<(count < 1000 ? 20 : 3) {
            // Sends everything from Hello on, and closes before reading an answer. The Replies cannot be delivered.
            // With the larger number, most of the input is still unread when the relay finds that out.
            var bytes = HubrelayClientFrame.hello().bytes
            for index in 0..<count {
                let id = UInt64(index % 2 * index)
                bytes += HubrelayClientFrame.publish(channel, "\(round) \(index) \(filling)", id: id).bytes
            }
            let client = try relay.connect()
            try client.send(raw: bytes)
            client.socket.close()
            for index in 0..<count {
                let payload = try plain.nextMessage().payload
                guard payload == Array("\(round) \(index) \(filling)".utf8) else {
                    throw TestFailure(
                        "at \(index) came \(String(decoding: payload.prefix(20), as: UTF8.self))")
                }
            }
        }
    }

    @Test func halfAFrameBeforeTheCloseIsDiscarded() throws {
        let plain = try redis.client()
        try plain.subscribe("t:closing.half")
        let whole = HubrelayClientFrame.publish("closing.half", "whole", id: 0).bytes
        for cut in 1..<whole.count {
            let client = try relay.connect()
            try client.send(raw: HubrelayClientFrame.hello().bytes + whole + whole[..<cut])
            if cut % 2 == 0 {
                client.socket.close()
            } else {
                client.socket.shutdownWriting()
                try client.expectWelcome()
                try client.expectEnd()
            }
            #expect(try plain.nextMessage().payload == Array("whole".utf8))
        }
        let client = try relay.client()
        #expect(try client.publish("closing.half", "the end").outcome == .ok)
        #expect(try plain.nextMessage().payload == Array("the end".utf8), "half a frame was published")
    }

    @Test func aClientThatClosesWithoutReadingHarmsNobody() throws {
        let other = try relay.client()
        #expect(try other.subscribe("brusque") == .ok)
        for _ in 0..<50 {
            let client = try relay.client()
            try client.send(.subscribe(["brusque"], id: 1))
            // Replies and messages are on their way to a socket that is gone.
            try client.send(
                raw: (1...100).flatMap { HubrelayClientFrame.publish("brusque", "x", id: $0).bytes })
            client.socket.close()
        }
        for _ in 0..<5000 { #expect(try other.expectMessage().text == "x") }
        try other.ping()
    }
}
