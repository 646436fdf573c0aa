import TestSupport
import Testing

/// The framing, and what a frame may contain.
@Suite(.sharedRelay()) struct FramingTests {
    let relay: RelayProcess

    init() throws {
        relay = try sharedStage().relay
    }

    // MARK: Pieces

    /// Hello, and four requests whose Replies can come in one order only: all requests name the same channel, or do not
    /// need Redis.
    private func sequence(_ channel: String) -> [UInt8] {
        let frames: [HubrelayClientFrame] = [
            .hello(), .subscribe([channel], patterns: [channel + ".*"], id: 1),
            .unsubscribe([channel], id: 2),
            .publish("", "empty name", id: 3), .ping(id: 4),
        ]
        return frames.flatMap { $0.bytes }
    }

    private func expectAnswers(_ client: TestConnection, _ what: String) throws {
        try client.expectWelcome()
        var outcomes: [UInt64: HubrelayOutcome] = [:]
        for _ in 1...4 {
            let reply = try client.next().reply
            outcomes[reply.id] = reply.outcome
        }
        #expect(outcomes == [1: .ok, 2: .ok, 3: .invalid, 4: .ok], Comment(rawValue: what))
    }

    @Test func aSequenceIsUnderstoodSplitAtEveryByte() throws {
        let bytes = sequence("split")
        for cut in 1..<bytes.count {
            let client = try relay.connect()
            try client.send(raw: Array(bytes[..<cut]))
            try client.socket.waitUntilPeerHasRead()
            try client.send(raw: Array(bytes[cut...]))
            try expectAnswers(client, "split at \(cut)")
        }
    }

    @Test func aSequenceIsUnderstoodByteByByte() throws {
        let client = try relay.connect()
        for byte in sequence("bytewise") {
            try client.send(raw: [byte])
            try client.socket.waitUntilPeerHasRead()
        }
        try expectAnswers(client, "byte by byte")
    }

    @Test func aThousandFramesInOneWriteAreAnsweredInOrder() throws {
        let client = try relay.connect()
        let pings = (1...1000).map { HubrelayClientFrame.ping(id: UInt64($0)) }
        try client.send(raw: ([.hello()] + pings).flatMap { $0.bytes })
        try client.expectWelcome()
        for id in 1...1000 { try client.expectReply(id: UInt64(id)) }
    }

    @Test func aFrameLargerThanAnyReadBufferIsUnderstoodInPieces() throws {
        let client = try relay.client()
        let payload = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let frame = HubrelayClientFrame.publish("pieces", payload, id: 1).bytes
        #expect(try client.subscribe("pieces") == .ok)
        for start in stride(from: 0, to: frame.count, by: 50_001) {
            try client.send(raw: Array(frame[start..<min(start + 50_001, frame.count)]))
            try client.socket.waitUntilPeerHasRead()
        }
        #expect(try client.replyPuttingAside(id: 1).outcome == .ok)
        let isSame = try client.expectMessage().bytes == payload
        #expect(isSame, "another payload came back")
    }

    // MARK: Lengths

    @Test func lengthZeroIsMalformed() throws {
        let client = try relay.client()
        try client.send(raw: [0, 0, 0, 0])
        #expect(try client.expectError().code == .malformed)
    }

    @Test(arguments: [1, UInt32.max]) func aFrameOverTheMaximumIsTooLarge(over: UInt32) throws {
        let client = try relay.client()
        let length = over == .max ? .max : client.welcome.maxFrameBytes + over
        try client.send(raw: lengthPrefix(length))
        #expect(try client.expectError().code == .frameTooLarge)
    }

    @Test func aFrameOfExactlyTheMaximumIsTaken() throws {
        let client = try relay.client()
        let maximum = Int(client.welcome.maxFrameBytes)
        let request = HubrelayClientFrame.ping(id: 9).bytes.dropFirst(4)
        // An unknown length-delimited field (15) fills the frame: one byte of tag, three bytes of length.
        let count = maximum - request.count - 4
        let length = [UInt8(count & 0x7f) | 0x80, UInt8((count >> 7) & 0x7f) | 0x80, UInt8(count >> 14)]
        try client.send(raw: framed(Array(request) + [0x7a] + length + [UInt8](repeating: 0, count: count)))
        try client.expectReply(id: 9)
    }

    @Test func framesBeforeAProtocolErrorAreAnswered() throws {
        let client = try relay.client()
        try client.send(raw: HubrelayClientFrame.ping(id: 1).bytes + [0, 0, 0, 0])
        try client.expectReply(id: 1)
        #expect(try client.expectError().code == .malformed)
    }

    // MARK: After an Error

    @Test func theErrorCanBeReadByAClientThatKeepsWriting() throws {
        let client = try relay.client()
        try client.send(raw: [0, 0, 0, 0])
        // Far more than the sockets between them can hold. The relay has to drain it, or this write would fail.
        try client.send(raw: [UInt8](repeating: 0x55, count: 2_000_000))
        #expect(try client.expectError().code == .malformed)
    }

    @Test func whatAnErrorDoesIsDoneToOneConnectionOnly() throws {
        let bystander = try relay.client()
        #expect(try bystander.subscribe("bystander") == .ok)
        for bad in [[0, 0, 0, 0], lengthPrefix(.max), framed([0x08]), framed([0x32, 0])] as [[UInt8]] {
            let client = try relay.client()
            try client.send(raw: bad)
            try client.expectError()
        }
        #expect(try bystander.publish("bystander", "still here").outcome == .ok)
        #expect(try bystander.expectMessage().text == "still here")
    }
}
