import SwiftProtobuf
import TestSupport
import Testing

@testable import RelayCore

/// The top level of a body, field by field, as far as it can be read. This is enough to know where our decoder and
/// swift-protobuf differ on purpose. Written without the relay's reader.
private struct Outline {
    /// How many fields carry one of the kinds.
    var kinds = 0
    /// Whether a group begins or ends anywhere, inside a kind included.
    var hasGroup = false
    /// Whether a tag takes more than five bytes, which no tag needs.
    var hasLongTag = false
    /// Whether our decoder and swift-protobuf must agree.
    var isComparable: Bool { kinds <= 1 && !hasGroup && !hasLongTag }

    init(_ body: [UInt8], isKind: Bool = false) {
        var rest = body[...]
        while case let start = rest.startIndex, let tag = Self.varint(&rest) {
            if rest.startIndex - start > 5 { hasLongTag = true }
            switch tag & 7 {
            case 0: _ = Self.varint(&rest)
            case 1: rest = rest.dropFirst(8)
            case 5: rest = rest.dropFirst(4)
            case 2:
                guard let length = Self.varint(&rest), length <= UInt64(rest.count) else { return }
                let content = Array(rest.prefix(Int(length)))
                rest = rest.dropFirst(Int(length))
                guard !isKind, 1...5 ~= tag >> 3 else { continue }
                kinds += 1
                let inner = Outline(content, isKind: true)
                (hasGroup, hasLongTag) = (hasGroup || inner.hasGroup, hasLongTag || inner.hasLongTag)
            default:
                hasGroup = true
                return
            }
        }
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in 0..<10 {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 127) << UInt64(7 * shift)
            if byte < 128 { return value }
        }
        return nil
    }
}

@Suite struct ClientFrameTests {
    @Test(arguments: seeds(4))
    func whatTheOracleEncodesIsDecodedAsItWas(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let frame = random.clientFrame()
            let body: [UInt8] = try frame.serializedBytes()
            try #require(decode(body) == .frame(OwnedClientFrame(frame.frame!)), "\(body)")
        }
    }

    /// Our decoder and swift-protobuf accept and reject the same bodies, and read the same values from them.
    ///
    /// There are three known differences. If a frame has several kinds, or one kind twice, we take only the last one.
    /// protobuf merges two of one kind, and also checks the kinds that do not count. We refuse groups, which proto3
    /// does not have; swift-protobuf skips unknown groups. We take a tag of up to ten bytes like any other varint, as
    /// the decoders of Go and Java do; swift-protobuf and C++ take at most five.
    @Test(arguments: seeds(6))
    func agreesWithTheOracleOnDamagedAndOddBodies(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var compared = 0
        for _ in 0..<5000 {
            var body = random.oneIn(2) ? random.looseBody() : try random.clientFrame().serializedBytes()
            for _ in 0..<random.int(0...3) { body = random.damaged(body) }
            guard Outline(body).isComparable else { continue }
            try #require(decode(body) == decodeByOracle(body), "\(body)")
            compared += 1
        }
        #expect(compared > 2500)
    }

    @Test func everyTruncationAgreesWithTheOracle() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<100 {
            let body: [UInt8] = try random.clientFrame().serializedBytes()
            for length in 0..<body.count {
                let cut = Array(body[..<length])
                try #require(decode(cut) == decodeByOracle(cut), "\(cut)")
            }
        }
    }

    /// Lengths and ids whose varints have one byte or more, each also with the last byte missing. The fast path, which
    /// compares bytes, reads the same as the path that goes field by field, and as the oracle.
    @Test func publishesWithNumbersOfEveryLength() throws {
        for bits in [0, 7, 14, 21, 28, 35] {
            let power = UInt64(1) << UInt64(bits)
            for id in [power - 1, power] { try readsAlike(publishOf(1, id: id)) }
            guard bits <= 21 else { continue }
            for size in [power - 1, power] { try readsAlike(publishOf(Int(size), id: 1 << 20)) }
        }
    }

    private func publishOf(_ size: Int, id: UInt64) throws -> [UInt8] {
        try HubrelayClientFrame.publish("room.7", String(repeating: "x", count: size), id: id).serializedBytes()
    }

    private func readsAlike(_ body: [UInt8]) throws {
        for body in [body, Array(body.dropLast())] {
            let decoding = decode(body)
            try #require(decoding == decodeByOracle(body), "\(body.prefix(20))")
            let fieldByField = lending(body) { body -> Decoding in
                guard let frame = try? ClientFrame.decodeAny(body) else { return .malformed }
                return .frame(OwnedClientFrame(frame))
            }
            try #require(decoding == fieldByField, "\(body.prefix(20))")
        }
    }

    // MARK: Where we differ from protobuf

    @Test func theLastOfSeveralKindsCounts() throws {
        let publish: [UInt8] = try HubrelayClientFrame.publish("a", "x", id: 1).serializedBytes()
        let ping: [UInt8] = try HubrelayClientFrame.ping(id: 3).serializedBytes()
        #expect(decode(publish + ping) == .frame(.ping(id: 3)))
        #expect(decode(ping + publish) == .frame(.publish(channel: [97], payload: [120], id: 1)))
        #expect(decodeByOracle(publish + ping) == .frame(.ping(id: 3)))
    }

    @Test func aKindThatComesTwiceIsNotMerged() throws {
        let one: [UInt8] = try HubrelayClientFrame.subscribe(["a"], id: 1).serializedBytes()
        let other: [UInt8] = try HubrelayClientFrame.subscribe(["b"], id: 0).serializedBytes()
        #expect(decode(one + other) == .frame(.subscribe(id: 0, channels: [[98]], patterns: [])))
        #expect(decodeByOracle(one + other) == .frame(.subscribe(id: 1, channels: [[97], [98]], patterns: [])))
    }

    @Test func aKindThatDoesNotCountIsNotLookedInto() {
        let bad: [UInt8] = [0x12, 3, 0x0A, 1, 0xFF]  // a publish to a channel that is not UTF-8
        #expect(decode(bad) == .malformed)
        #expect(decode(bad + [0x2A, 2, 8, 3]) == .frame(.ping(id: 3)))
        #expect(decodeByOracle(bad + [0x2A, 2, 8, 3]) == .malformed)
    }

    @Test func groupsAreMalformed() {
        let group: [UInt8] = [0x33, 8, 1, 0x34]  // field 6: begin, a varint, end
        for body in [group, group + [0x2A, 0], [0x2A, 0] + group, [0x2A, 4] + group] as [[UInt8]] {
            #expect(decodeOrError(body) == .failure(.badWireType), "\(body)")
            #expect(decodeByOracle(body) != .malformed)
        }
        #expect(decode([0x34]) == .malformed)
        #expect(decode([0x33]) == .malformed)
    }

    @Test func tagsMayTakeTenBytes() {
        let five: [UInt8] = [0xAA, 128, 128, 128, 0, 2, 8, 3]
        let ten: [UInt8] = [0xAA, 128, 128, 128, 128, 128, 128, 128, 128, 0, 2, 8, 3]
        #expect(decode(five) == .frame(.ping(id: 3)) && decodeByOracle(five) == decode(five))
        #expect(decode(ten) == .frame(.ping(id: 3)) && decodeByOracle(ten) == .malformed)
    }
}
