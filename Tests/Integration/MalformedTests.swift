import TestSupport
import Testing

/// Which bodies are a ClientFrame of this version, and which are not.
@Suite(.sharedRelay()) struct MalformedTests {
    let relay: RelayProcess

    init() throws {
        relay = try sharedStage().relay
    }

    /// A length-delimited field with a tag and a length of one byte each.
    private static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(content.count)] + content
    }

    /// One unknown field of each wire type.
    private static let unknown: [UInt8] =
        [0x78, 0x96, 0x01]  // 15: varint
        + [0x79, 1, 2, 3, 4, 5, 6, 7, 8]  // 15: 64 bits
        + [0x7a, 3, 0xff, 0xfe, 0xfd]  // 15: bytes, no text
        + [0x7d, 1, 2, 3, 4]  // 15: 32 bits
        + [0xf8, 0xff, 0xff, 0xff, 0x0f, 1]  // 536,870,911, the largest number: varint

    @Test func unknownFieldsAreSkippedInEveryPlace() throws {
        let client = try relay.connect()
        // Unknown fields inside Hello, next to it, and before and after the known fields.
        try client.send(raw: framed(Self.field(1, Self.unknown + [0x08, 1] + Self.unknown) + Self.unknown))
        try client.expectWelcome()
        let name = Self.field(2, Array("skipping".utf8))
        try client.send(raw: framed(Self.unknown + Self.field(3, Self.unknown + [0x08, 1] + name)))
        #expect(try client.expectReply(id: 1).outcome == .ok)
        let parts = Self.field(1, Array("skipping".utf8)) + Self.unknown + Self.field(2, [65]) + [0x18, 2]
        try client.send(raw: framed(Self.field(2, parts)))
        #expect(try client.replyPuttingAside(id: 2).outcome == .ok)
        #expect(try client.expectMessage().text == "A")
        try client.send(raw: framed(Self.field(4, [0x08, 3] + name + Self.unknown)))
        #expect(try client.expectReply(id: 3).outcome == .ok)
        try client.send(raw: framed(Self.field(5, Self.unknown + [0x08, 4])))
        try client.expectReply(id: 4)
    }

    @Test func fieldsMayComeInAnyOrder() throws {
        let client = try relay.client()
        let parts = [0x18, 2] + Self.field(2, [65]) + Self.field(1, Array("order".utf8))
        try client.send(raw: framed(Self.field(2, parts)))
        #expect(try client.expectReply(id: 2).outcome == .ok)
    }

    @Test func theLargestIdComesBack() throws {
        let client = try relay.client()
        let largest: UInt64 = 1 << 53 - 1
        try client.send(.ping(id: largest))
        #expect(try client.expectReply(id: largest).outcome == .ok)
    }

    /// What is wrong with each of these bodies.
    static let bodies: [(String, [UInt8])] = [
        ("a kind of a newer version", [0x32, 0]),
        ("a kind with a large number", [0xa2, 0x06, 0]),
        ("no kind at all", [0x78, 1]),
        ("a tag that ends in the middle", [0xff]),
        ("a tag of more than ten bytes", [UInt8](repeating: 0xff, count: 11) + [1]),
        ("field number 0", [0x02, 0]),
        ("a reserved wire type", [0x2f, 0]),
        ("a length beyond the frame", [0x2a, 5, 0x08, 1]),
        ("a length of 64 bits", [0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ("a varint that ends in the middle", field(5, [0x08, 0x80])),
        ("a varint of eleven bytes", field(5, [0x08] + [UInt8](repeating: 0x80, count: 10) + [1])),
        ("a name longer than its message", field(3, [0x08, 1, 0x12, 9, 97])),
        ("64 bits cut off", field(5, [0x08, 1, 0x79, 1, 2, 3])),
        ("bytes after the frame's message that are none", field(5, [0x08, 1]) + [0x80]),
    ]

    @Test(arguments: bodies) func isMalformed(what: String, body: [UInt8]) throws {
        let client = try relay.client()
        try client.send(raw: framed(body))
        #expect(try client.expectError().code == .malformed)
    }

    static let badText: [[UInt8]] = [
        [0xff], [0x80], [0xc3], [0xc0, 0xaf], [0xe0, 0x80, 0xaf], [0xed, 0xa0, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0xf0, 0x9f, 0x98], [97, 0xc3, 0x28],
    ]

    @Test(arguments: badText) func textThatIsNotUTF8IsMalformedWhereverTextIsWanted(text: [UInt8]) throws {
        let frames: [[UInt8]] = [
            Self.field(2, Self.field(1, text) + [0x18, 1]),
            Self.field(3, [0x08, 1] + Self.field(2, text)),
            Self.field(3, [0x08, 1] + Self.field(3, text)),
            Self.field(4, [0x08, 1] + Self.field(2, text)),
        ]
        for body in frames {
            let client = try relay.client()
            try client.send(raw: framed(body))
            #expect(try client.expectError().code == .malformed)
        }
        let client = try relay.connect()
        try client.send(raw: framed(Self.field(1, [0x08, 1] + Self.field(2, text))))
        #expect(try client.expectError().code == .malformed)
    }

    @Test func aPayloadNeedNotBeText() throws {
        let client = try relay.client()
        let bytes = (0...255).map { UInt8($0) }
        #expect(try client.subscribe("any.bytes") == .ok)
        #expect(try client.publish("any.bytes", bytes: bytes).outcome == .ok)
        #expect(try client.expectMessage().bytes == bytes)
    }
}
