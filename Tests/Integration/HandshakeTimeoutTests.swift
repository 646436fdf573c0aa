import TestSupport
import Testing

/// The deadlines of rule 1 and of an incomplete frame, which need a relay with short deadlines.
@Suite(.sharedRelay("--hello-timeout", "300ms", "--frame-timeout", "300ms")) struct HandshakeTimeoutTests {
    let relay: RelayProcess

    init() throws {
        relay = try sharedStage().relay
    }

    @Test func aConnectionThatSaysNothingIsClosed() throws {
        let client = try relay.connect()
        #expect(try client.expectError(within: 5).code == .timeout)
    }

    @Test func aHelloThatComesInDribblesIsClosedInTime() throws {
        let client = try relay.connect()
        let taken = try secondsTaken {
            var bytes = HubrelayClientFrame.hello(name: String(repeating: "n", count: 60)).bytes[...]
            // Sends a byte every 100 ms, for up to seven seconds. Each byte is activity, but none completes a Hello.
            var answer = HubrelayRelayFrame()
            while answer.error.code == .unspecified, !bytes.isEmpty {
                try client.send(raw: [bytes.removeFirst()])
                answer = try client.nextIfAny(within: 0.1) ?? answer
            }
            #expect(answer.error.code == .timeout)
        }
        #expect(taken < 3, "every byte put the deadline off")
    }

    @Test func halfAFrameIsNotWaitedForLongerThanTheTimeout() throws {
        let idle = try relay.client()
        let half = try relay.client()
        try half.send(raw: Array(HubrelayClientFrame.publish("c", "payload", id: 1).bytes.dropLast()))
        #expect(try half.expectError(within: 5).code == .timeout)
        // A connection that has begun no frame may be idle for the same time.
        try idle.ping()
    }

    @Test func halfALengthIsHalfAFrame() throws {
        let client = try relay.client()
        try client.send(raw: [0, 0])
        #expect(try client.expectError(within: 5).code == .timeout)
    }

    @Test func eachWholeFrameStartsTheTimeoutAnew() throws {
        let client = try relay.client()
        let ping = HubrelayClientFrame.ping(id: 5).bytes
        try client.send(raw: Array(ping.prefix(6)))
        try client.socket.waitUntilPeerHasRead()
        // Sends the rest of one frame and the beginning of the next, again and again, for three times the timeout.
        let deadline = TestDeadline(within: 0.9)
        while !deadline.isOver {
            try client.send(raw: Array(ping.dropFirst(6) + ping.prefix(6)))
            try client.expectReply(id: 5)
        }
    }
}
