internal import FoundationEssentials
internal import SwiftProtobuf
internal import TestSupport
import Testing

@testable import hubrelay

/// Compares the commands' own codec with the generated one, in both directions.
@Suite struct FrameCodecTests {
    private func decoded(_ frame: [UInt8]) throws -> HubrelayClientFrame {
        #expect(Array(frame.prefix(4)) == lengthPrefix(UInt32(frame.count - 4)))
        return try HubrelayClientFrame(serializedBytes: Array(frame.dropFirst(4)))
    }

    @Test func requestsAreWhatTheSchemaSays() throws {
        #expect(try decoded(RequestFrames.hello(clientName: "é")) == .hello(name: "é"))
        for count in [0, 1, 127, 128, 20_000] {
            let payload = [UInt8](repeating: 0xff, count: count)
            let frame = RequestFrames.publish(channel: "c", payload: payload, id: 1)
            #expect(try decoded(frame) == .publish("c", payload, id: 1))
        }
        let names = ["a", "", "é*"]
        for id in [1, 1 << 53 - 1] as [UInt64] {
            let channels = RequestFrames.subscribe(names: names, arePatterns: false, id: id)
            #expect(try decoded(channels) == .subscribe(names, id: id))
            let patterns = RequestFrames.subscribe(names: names, arePatterns: true, id: id)
            #expect(try decoded(patterns) == .subscribe(patterns: names, id: id))
        }
    }

    @Test func groupsKeepEveryNameInOrderAndFit() throws {
        let names = (0..<1000).map { String(repeating: "x", count: $0 % 300) }
        for maxFrameBytes in [400, 1000, 4096] {
            let groups = RequestFrames.groups(of: names, maxFrameBytes: maxFrameBytes)
            #expect(groups.flatMap(\.self) == names)
            for group in groups {
                let frame = RequestFrames.subscribe(names: group, arePatterns: false, id: 1 << 53)
                #expect(frame.count - 4 <= maxFrameBytes && !group.isEmpty)
            }
        }
        #expect(RequestFrames.groups(of: ["long", "b"], maxFrameBytes: 25) == [["long"], ["b"]])
        #expect(RequestFrames.groups(of: [], maxFrameBytes: 4096).isEmpty)
    }

    private func received(_ frame: HubrelayRelayFrame) throws -> ReceivedFrame {
        let bytes: [UInt8] = try frame.serializedBytes()
        return try bytes.withUnsafeBytes { try ReceivedFrame.decode($0) }
    }

    @Test func everyFieldOfEveryFrameIsRead() throws {
        let status = HubrelayStatus.with {
            ($0.state, $0.reason, $0.sinceUnixMs, $0.outages) = (.degraded, "r", 1 << 41, 2)
            ($0.downMs, $0.publishing, $0.receiving, $0.gaps, $0.cause) = (3, true, true, 4, .probe)
        }
        let expected = ReceivedFrame.Status(
            state: 2, reason: "r", sinceUnixMilliseconds: 1 << 41, outages: 2, downMilliseconds: 3,
            publishing: true, receiving: true, gaps: 4, cause: 25)
        #expect(try received(.with { $0.status = status }) == .status(expected))
        let welcome = HubrelayRelayFrame.with { frame in
            frame.welcome = .with {
                ($0.version, $0.relayVersion, $0.relayID) = (1, "0.1.0", "id")
                ($0.maxFrameBytes, $0.maxPayloadBytes, $0.status) = (5000, 904, status)
                $0.features = ["patterns"]
            }
        }
        #expect(
            try received(welcome)
                == .welcome(
                    ReceivedFrame.Welcome(
                        version: 1, relayVersion: "0.1.0", relayID: "id", maxFrameBytes: 5000,
                        maxPayloadBytes: 904, status: expected)))
        let reply = HubrelayRelayFrame.with { frame in
            frame.reply = .with {
                ($0.id, $0.outcome, $0.receivers, $0.detail) = (1 << 53 - 1, .refused, 7, "d")
                ($0.channels, $0.patterns) = (["a", "b"], ["c*"])
            }
        }
        #expect(
            try received(reply)
                == .reply(
                    .init(
                        id: 1 << 53 - 1, outcome: 5, receivers: 7, detail: "d", channels: ["a", "b"],
                        patterns: ["c*"])))
    }

    @Test func messagesLossesErrorsAndRevocationsAreRead() throws {
        let message = HubrelayRelayFrame.with { frame in
            frame.message = .with { ($0.channel, $0.payload, $0.pattern) = ("c", .init([0, 255]), "p") }
        }
        #expect(try received(message) == .message(.init(channel: "c", payload: [0, 255], pattern: "p")))
        let plain = HubrelayRelayFrame.with { $0.message = .with { $0.channel = "c" } }
        #expect(try received(plain) == .message(.init(channel: "c", payload: [], pattern: nil)))
        let loss = HubrelayRelayFrame.with { frame in
            frame.loss = .with {
                ($0.publishes, $0.messages, $0.reason) = (1, 2, "r")
                ($0.publishesUnknown, $0.cause) = (3, .tooLarge)
            }
        }
        #expect(
            try received(loss)
                == .loss(.init(publishes: 1, messages: 2, reason: "r", publishesUnknown: 3, cause: 2)))
        let error = HubrelayRelayFrame.with { $0.error = .with { ($0.code, $0.detail) = (.timeout, "d") } }
        #expect(try received(error) == .error(code: 7, detail: "d"))
        let revoked = HubrelayRelayFrame.with { frame in
            frame.revoked = .with { ($0.channels, $0.patterns, $0.detail) = (["a"], ["b", "c"], "d") }
        }
        #expect(try received(revoked) == .revoked(channels: ["a"], patterns: ["b", "c"], detail: "d"))
    }

    @Test func aLaterVersionsFramesAndFieldsAreIgnored() throws {
        // Field 15, then a field of each wire type, with numbers that none of our frames has.
        let later: [UInt8] = [
            0x7a, 0x01, 0x00, 0x85, 0x01, 1, 2, 3, 4, 0x81, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 0x08, 1,
        ]
        #expect(try later.withUnsafeBytes { try ReceivedFrame.decode($0) } == .unknown)
        // A Reply with an id of an unexpected wire type and a field 9.
        let reply: [UInt8] = [0x1a, 0x07, 0x0a, 0x01, 0x41, 0x48, 0x01, 0x10, 0x01]
        #expect(
            try reply.withUnsafeBytes { try ReceivedFrame.decode($0) } == .reply(.init(id: 0, outcome: 1)))
    }

    @Test func anEmptyPatternIsNone() throws {
        let message: [UInt8] = [0x12, 0x05, 0x0a, 0x01, 0x63, 0x1a, 0x00]
        let expected = ReceivedFrame.Message(channel: "c", payload: [], pattern: nil)
        #expect(try message.withUnsafeBytes { try ReceivedFrame.decode($0) } == .message(expected))
    }

    @Test func bytesThatAreNoMessageAreAnError() throws {
        for bytes in [[0xff], [0x1a, 0x05, 0x00], [0x1a, 0x01, 0x0f], [0x00, 0x00]] as [[UInt8]] {
            #expect(throws: (any Error).self) { try bytes.withUnsafeBytes { try ReceivedFrame.decode($0) } }
        }
    }
}
