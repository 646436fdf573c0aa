internal import Testing

@testable internal import BenchmarkLoad
@testable internal import RelayCore

@Suite("Frames of the relay")
final class RelayEventTests {
    private var arena = Arena()

    @Test("a message's payload, with and without a pattern, and an empty one")
    func message() throws {
        for payload in [[1, 2, 3], []] as [[UInt8]] {
            let frames = withBytes(Array("room".utf8)) { channel in
                withBytes(payload) { payload in
                    [nil, channel].map {
                        let size = Arena.messageSize(channel, payload, $0)
                        return arena.message(channel: channel, payload: payload, pattern: $0, size: size)
                    }
                }
            }
            for frame in frames {
                guard case .message(let read) = try event(frame) else {
                    Issue.record("no message")
                    return
                }
                #expect(Array(read) == payload)
            }
        }
    }

    @Test("a reply is OK, or not and says why")
    func reply() throws {
        let id = PublishTemplate.firstID + 5
        guard case .reply(id, true, nil) = try event(arena.reply(id: id, outcome: .ok, receivers: 2)) else {
            Issue.record("not OK")
            return
        }
        for outcome in [Outcome.pending, .notConnected, .interrupted, .refused, .invalid, .limit] {
            let frame = arena.reply(id: id, outcome: outcome, detail: "why")
            guard case .reply(id, false, let detail?) = try event(frame) else {
                Issue.record("\(outcome) is taken for OK")
                return
            }
            #expect(Array(detail) == Array("why".utf8))
        }
    }

    @Test("only UP is up, in a Status and in a Welcome", arguments: [State.up, .degraded, .down, .stopping])
    func state(state: State) throws {
        var status = RelayStatus()
        (status.state, status.reason) = (state, "why")
        guard case .status(let isUp) = try event(arena.status(status)) else {
            Issue.record("no Status")
            return
        }
        #expect(isUp == (state == .up))
        let identity = RelayIdentity(version: "1.2.3", id: "a", maxPayloadBytes: 1 << 20, features: ["patterns"])
        guard case .welcome(let isUp, let version) = try event(arena.welcome(identity, status: status)) else {
            Issue.record("no Welcome")
            return
        }
        #expect(isUp == (state == .up))
        #expect(version == "1.2.3")
    }

    @Test("of a Loss the messages count, and not the publishes")
    func loss() throws {
        let report = LossReport(publishes: 3, messages: 300, publishesUnknown: 4, cause: .slowReader, reason: "slow")
        guard case .loss(messages: 300) = try event(arena.loss(report)) else {
            Issue.record("no Loss of 300 messages")
            return
        }
    }

    @Test("an Error says why")
    func error() throws {
        guard case .error(detail: "too many") = try event(arena.error(.tooMany, detail: "too many")) else {
            Issue.record("no Error")
            return
        }
    }

    @Test("a kind of a later version is nothing to us")
    func unknownKind() throws {
        guard case .other = try ([0x7A, 0] as [UInt8]).withUnsafeBytes({ try RelayEvent.decode($0) }) else {
            Issue.record("kind 15 is taken for something")
            return
        }
    }

    @Test("bytes that are no message are an error")
    func malformed() {
        #expect(throws: WireError.truncated) {
            _ = try ([0x12, 5, 1] as [UInt8]).withUnsafeBytes { try RelayEvent.decode($0) }
        }
    }

    /// The event of a frame, decoded without the frame's length.
    private func event(_ range: OutputRange) throws -> RelayEvent {
        try RelayEvent.decode(UnsafeRawBufferPointer(start: range.base + 4, count: range.count - 4))
    }

    private func withBytes<Result>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes(body)
    }
}
