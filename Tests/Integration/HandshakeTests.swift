import TestSupport
import Testing

/// Rule 1: Hello comes first.
@Suite(.sharedRelay()) struct HandshakeTests {
    let relay: RelayProcess

    init() throws {
        relay = try sharedStage().relay
    }

    @Test func welcomeSaysWhoTheRelayIsAndWhatItTakes() throws {
        let welcome = try relay.client().welcome
        #expect(welcome.version == 1)
        #expect(welcome.relayVersion == "0.2.0")
        #expect(welcome.maxPayloadBytes == 1_048_576)
        #expect(welcome.maxFrameBytes == welcome.maxPayloadBytes + 4096)
        #expect(welcome.features.contains("patterns"))
        #expect(!welcome.relayID.isEmpty)
        #expect(try relay.client().welcome.relayID == welcome.relayID)
    }

    @Test func welcomeCarriesTheStatus() throws {
        let first = try relay.client()
        let status = try relay.client().welcome.status
        #expect(status == first.status)
        #expect(status.state == .up)
        #expect(status.publishing && status.receiving)
        #expect(status.outages == 0 && status.gaps == 0)
        // Milliseconds since 1970, not seconds or microseconds: the time is between the years 2025 and 2200.
        #expect((1_735_689_600_000...7_258_118_400_000).contains(status.sinceUnixMs))
    }

    @Test(arguments: [1, 2, 7, UInt32.max]) func theRelayAnswersWithTheVersionThatItWillSpeak(
        offered: UInt32
    ) throws {
        let client = try relay.connect()
        try client.hello(version: offered)
        #expect(client.welcome.version == 1)
    }

    @Test func versionZeroIsNoCommonVersion() throws {
        let client = try relay.connect()
        try client.send(.hello(version: 0))
        #expect(try client.expectError().code == .version)
    }

    @Test(arguments: [
        HubrelayClientFrame.ping(id: 1), .publish("c", "x", id: 1), .subscribe(["c"], id: 1),
        .unsubscribe(["c"], id: 1),
    ])
    func aFrameBeforeHelloIsRefused(frame: HubrelayClientFrame) throws {
        let client = try relay.connect()
        try client.send(frame)
        #expect(try client.expectError().code == .helloExpected)
    }

    @Test func aSecondHelloIsRefused() throws {
        let client = try relay.client()
        try client.send(.hello())
        #expect(try client.expectError().code == .helloExpected)
    }

    @Test func framesAreServedThatWerePipelinedAfterHello() throws {
        let client = try relay.connect()
        try client.send(
            .hello(), .subscribe(["pipelined"], id: 1), .ping(id: 2), .publish("pipelined.other", "x", id: 3))
        try client.expectWelcome()
        var ids: Set<UInt64> = []
        for _ in 1...3 {
            let frame = try client.next()
            #expect(frame.reply.outcome == .ok)
            ids.insert(frame.reply.id)
        }
        #expect(ids == [1, 2, 3])
    }

    @Test func aLargeFrameMayFollowHelloInTheSameWrite() throws {
        let client = try relay.connect()
        try client.send(.hello(), .publish("large", [UInt8](repeating: 7, count: 100_000), id: 1))
        try client.expectWelcome()
        #expect(try client.expectReply(id: 1).outcome == .ok)
    }

    @Test func beforeHelloAFrameHasAtMost4096Bytes() throws {
        let client = try relay.connect()
        try client.send(raw: lengthPrefix(4097))
        #expect(try client.expectError().code == .frameTooLarge)
    }

    @Test func aHelloOf4096BytesIsTaken() throws {
        let client = try relay.connect()
        let hello = HubrelayClientFrame.hello().bytes.dropFirst(4)
        // An unknown field (100, length-delimited) fills the frame: 2 bytes of tag, 2 bytes of length.
        let filling = [UInt8](repeating: 0, count: 4096 - hello.count - 4)
        let padding: [UInt8] = [0xa2, 0x06, UInt8(filling.count & 0x7f) | 0x80, UInt8(filling.count >> 7)]
        let body = hello + padding + filling
        #expect(body.count == 4096)
        try client.send(raw: framed(Array(body)))
        try client.expectWelcome()
    }

    @Test(arguments: [64, 65]) func aClientNameHasAtMost64Bytes(count: Int) throws {
        let client = try relay.connect()
        // A letter of two bytes, because the limit counts bytes.
        let name = String(repeating: "é", count: 31) + String(repeating: "n", count: count - 62)
        try client.send(.hello(name: name))
        if count <= 64 {
            try client.expectWelcome()
        } else {
            #expect(try client.expectError().code == .malformed)
        }
    }

    @Test func bytesThatAreNoFrameAreMalformedBeforeHelloToo() throws {
        let client = try relay.connect()
        try client.send(raw: framed([0xff, 0xff, 0xff]))
        #expect(try client.expectError().code == .malformed)
    }

    @Test func aLineOfAnotherProtocolIsAnsweredWithAnError() throws {
        let client = try relay.connect()
        try client.send(raw: Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        #expect(try client.expectError().code == .frameTooLarge)
    }
}
