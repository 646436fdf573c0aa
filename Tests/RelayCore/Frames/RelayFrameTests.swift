import FoundationEssentials
import SwiftProtobuf
import TestSupport
import Testing

@testable import RelayCore

/// The body of a frame in the arena. The length in front of it must be right.
func body(of range: OutputRange) throws -> [UInt8] {
    let bytes = Array(UnsafeBufferPointer(start: range.base, count: range.count))
    let (bodies, rest) = splitFrames(bytes)
    try #require(bodies.count == 1 && rest.isEmpty, "\(bytes)")
    return bodies[0]
}

/// Requires that a frame in the arena has exactly the bytes that swift-protobuf makes of `expected`.
func expect(_ range: OutputRange, _ expected: HubrelayRelayFrame) throws {
    let body = try body(of: range)
    try #require(try HubrelayRelayFrame(serializedBytes: body) == expected)
    try #require(body == (try expected.serializedBytes() as [UInt8]), "not the canonical bytes")
}

/// Compares every encoder with swift-protobuf: a frame decodes to what was encoded, and its bytes are canonical.
@Suite struct RelayFrameTests {
    private static let outcomes: [Outcome] = [
        .ok, .pending, .notConnected, .interrupted, .refused, .invalid, .limit,
    ]

    @Test(arguments: seeds(2))
    func messages(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var arena = Arena()
        for _ in 0..<500 {
            let (channel, payload) = (random.text(1...60), random.bytes(0...300))
            let pattern = random.oneIn(2) ? random.text(1...60) : nil
            let range = lending(channel) { channel in
                lending(payload) { payload in
                    guard let pattern else { return arena.message(channel: channel, payload: payload, pattern: nil) }
                    return lending(pattern) { arena.message(channel: channel, payload: payload, pattern: $0) }
                }
            }
            try expect(
                range,
                .with {
                    $0.message.channel = channel
                    $0.message.payload = Data(payload)
                    $0.message.pattern = pattern ?? ""
                })
        }
    }

    @Test(arguments: seeds(2))
    func replies(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var arena = Arena()
        for _ in 0..<500 {
            let (id, outcome, receivers) = (random.number(), random.pick(Self.outcomes), random.number())
            var expected = HubrelayRelayFrame()
            expected.reply.id = id
            expected.reply.outcome = HubrelayOutcome(rawValue: Int(outcome.rawValue))!
            var detailed = expected
            expected.reply.receivers = receivers
            try expect(arena.reply(id: id, outcome: outcome, receivers: receivers), expected)

            let (detail, names) = (random.text(0...40), random.texts())
            detailed.reply.detail = detail
            let channelCount = random.int(0...names.count)
            detailed.reply.channels = Array(names[..<channelCount])
            detailed.reply.patterns = Array(names[channelCount...])
            let bytes = names.map { Array($0.utf8) }
            let joined = bytes.flatMap { $0 }
            let range = lending(joined) { joined in
                var start = 0
                let views = bytes.map { name in
                    defer { start += name.count }
                    return UnsafeRawBufferPointer(rebasing: joined[start..<(start + name.count)])
                }
                let lists = NameLists(
                    channels: Array(views[..<channelCount]), patterns: Array(views[channelCount...]))
                return arena.reply(id: id, outcome: outcome, detail: detail, names: lists)
            }
            try expect(range, detailed)
        }
    }

    @Test(arguments: seeds(2))
    func losses(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var arena = Arena()
        for _ in 0..<500 {
            let report = LossReport(
                publishes: random.number(), messages: random.number(), publishesUnknown: random.number(),
                cause: random.pick(Cause.allCases), reason: random.text(0...30))
            try expect(
                arena.loss(report),
                .with {
                    $0.loss.publishes = report.publishes
                    $0.loss.messages = report.messages
                    $0.loss.reason = report.reason
                    $0.loss.publishesUnknown = report.publishesUnknown
                    $0.loss.cause = HubrelayCause(rawValue: Int(report.cause.rawValue))!
                })
        }
    }

    @Test func errorsAndRevocations() throws {
        var random = SeededGenerator(seed: 3)
        var arena = Arena()
        for code in ErrorCode.allCases {
            let detail = random.text(0...60)
            let expected = HubrelayRelayFrame.with {
                $0.error.code = HubrelayCode(rawValue: Int(code.rawValue))!
                $0.error.detail = detail
            }
            try expect(arena.error(code, detail: detail), expected)
            #expect(encodeErrorFrame(code, detail: detail) == framed(try expected.serializedBytes()))
        }
        for isPattern in [false, true] {
            let (name, detail) = (random.text(1...60), random.text(0...60))
            let range = lending(name) {
                arena.revoked(isPattern ? NameLists(patterns: [$0]) : NameLists(channels: [$0]), detail: detail)
            }
            try expect(
                range,
                .with {
                    if isPattern { $0.revoked.patterns = [name] } else { $0.revoked.channels = [name] }
                    $0.revoked.detail = detail
                })
        }
    }
}
