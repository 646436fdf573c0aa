import TestSupport
import Testing

/// Rule 8: while Redis takes no more bytes, publishers are blocked in their own sockets.
@Suite struct CongestionTests {
    @Test(arguments: [200, 20_000]) func aStalledRedisPushesBackOnPublishersAndNothingIsLost(
        payloadBytes: Int
    ) throws {
        try withRelay(options: ["--link-timeout", "60s"]) { relay, redis in
            let plain = try redis.client()
            let publisher = try relay.client()
            let bystander = try relay.client()
            #expect(try bystander.subscribe("other") == .ok)
            redis.freeze()
            let before = relay.process.residentBytes

            // Sends frames as fast as they are taken, until none has been taken for half a second.
            let payload = [UInt8](repeating: 65, count: payloadBytes)
            var frame: ArraySlice<UInt8> = []
            var last: UInt64 = 0
            var written = 0
            while written < 400 << 20, publisher.socket.canWrite(within: 0.5) {
                if frame.isEmpty {
                    last += 1
                    frame = HubrelayClientFrame.publish("c", payload, id: last).bytes[...]
                }
                let count = try publisher.socket.writeSome(frame)
                frame = frame.dropFirst(count)
                written += count
            }
            #expect(written < 100 << 20, "the relay took \(written) bytes")
            #expect(relay.process.residentBytes - before < 64 << 20)
            #expect(try bystander.ping(within: 5) < 1)

            redis.thaw()
            try publisher.send(raw: Array(frame))
            for id in 1...last {
                guard try publisher.expectReply(id: id).outcome == .ok else {
                    Issue.record("publish \(id) of \(last) was not taken")
                    return
                }
            }
            // Messages to other clients were not delayed.
            try plain.publish("t:other", "x")
            #expect(try bystander.expectMessage().text == "x")
            #expect(publisher.status.outages == 0)
        }
    }

    @Test func aPublisherThatIsHeldUpStillReceives() throws {
        try withRelay(options: ["--link-timeout", "60s", "--stop-timeout", "60s"]) { relay, redis in
            let publisher = try relay.client()
            redis.freeze()
            let frame = HubrelayClientFrame.publish("c", [UInt8](repeating: 65, count: 10_000), id: 0).bytes
            var rest: ArraySlice<UInt8> = []
            var written = 0
            while written < 400 << 20, publisher.socket.canWrite(within: 0.5) {
                if rest.isEmpty { rest = frame[...] }
                let count = try publisher.socket.writeSome(rest)
                rest = rest.dropFirst(count)
                written += count
            }
            relay.process.signal(15)
            #expect(try publisher.expectStatus().state == .stopping)
            redis.thaw()
            try publisher.send(raw: Array(rest))
            try publisher.ping()
            publisher.socket.close()
            try relay.expectExit()
        }
    }
}
