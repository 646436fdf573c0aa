import Testing

@testable import RelayCore

/// Single properties of the decoder, each with bytes written out.
@Suite struct ClientFrameFieldTests {
    @Test func emptyAndUnknownKindsAreNoFrame() {
        #expect(decode([]) == .noKind)
        #expect(decode([0x32, 0]) == .noKind)  // kind 6
        #expect(decode([0xA0, 6, 1]) == .noKind)  // field 100
    }

    @Test func aKindOfAnotherWireTypeIsUnknown() {
        #expect(decode([0x28, 3]) == .noKind)
        #expect(decode([0x2D, 1, 2, 3, 4]) == .noKind)
        #expect(decode([0x29, 1, 2, 3, 4, 5, 6, 7, 8]) == .noKind)
        #expect(decode([0x2A, 2, 8, 7, 0x28, 3]) == .frame(.ping(id: 7)))
    }

    @Test func fieldsOfAnotherWireTypeAreUnknown() {
        // Channel as a number, payload as four bytes, id as text.
        #expect(
            decode([0x12, 10, 8, 5, 0x15, 1, 2, 3, 4, 0x1A, 1, 97])
                == .frame(.publish(channel: [], payload: [], id: 0)))
        // Version as text, name as a number.
        #expect(decode([0x0A, 5, 0x0A, 1, 49, 0x10, 1]) == .frame(.hello(version: 0, name: [])))
        // Names as numbers, id as eight bytes.
        let odd: [UInt8] = [0x10, 1, 0x18, 1, 9, 1, 2, 3, 4, 5, 6, 7, 8]
        #expect(decode([0x1A, 13] + odd) == .frame(.subscribe(id: 0, channels: [], patterns: [])))
        #expect(decode([0x22, 13] + odd) == .frame(.unsubscribe(id: 0, channels: [], patterns: [])))
        #expect(decode([0x2A, 3, 0x0A, 1, 97]) == .frame(.ping(id: 0)))
    }

    @Test func theLastValueOfAFieldCounts() {
        #expect(
            decode([0x12, 15, 0x0A, 1, 97, 0x12, 1, 98, 0x18, 1, 0x0A, 1, 99, 0x12, 0, 0x18, 2])
                == .frame(.publish(channel: [99], payload: [], id: 2)))
        #expect(
            decode([0x0A, 10, 8, 1, 0x12, 1, 97, 8, 2, 0x12, 1, 98]) == .frame(.hello(version: 2, name: [98])))
    }

    @Test func aVersionIsCutTo32Bits() {
        #expect(decode([0x0A, 6, 8, 0x81, 0x80, 0x80, 0x80, 0x10]) == .frame(.hello(version: 1, name: [])))
    }

    @Test func textIsCheckedAlsoWhereALaterValueReplacesIt() {
        #expect(decodeOrError([0x12, 6, 0x0A, 1, 0xFF, 0x0A, 1, 97]) == .failure(.badUTF8))
        #expect(decodeOrError([0x0A, 4, 0x12, 2, 0xC3, 0x28]) == .failure(.badUTF8))
    }

    @Test(arguments: [0x1A, 0x22] as [UInt8])
    func everyNameIsChecked(tag: UInt8) {
        for number in [0x12, 0x1A] as [UInt8] {
            #expect(decodeOrError([tag, 9, 0x12, 1, 97, 0x1A, 1, 98, number, 1, 0x80]) == .failure(.badUTF8))
        }
    }

    @Test func payloadsNeedNoText() {
        #expect(
            decode([0x12, 5, 0x12, 3, 0xFF, 0, 0x80])
                == .frame(.publish(channel: [], payload: [0xFF, 0, 0x80], id: 0)))
    }

    @Test func contentThatEndsBeyondItsKindIsMalformed() {
        #expect(decodeOrError([0x12, 3, 0x0A, 2, 97, 98]) == .failure(.truncated))
        #expect(decodeOrError([0x2A, 1, 8]) == .failure(.truncated))
    }

    // MARK: NameRequest

    /// Two channels and two patterns, mixed, with an unknown field and the id in between.
    private static let mixed: [UInt8] = [
        0x1A, 1, 112, 0x12, 1, 97, 8, 9, 0x20, 5, 0x1A, 1, 113, 0x12, 1, 98,
    ]

    private func names(upTo limit: Int) throws -> [String] {
        try lending(Self.mixed) { content in
            let request = try NameRequest(content)
            #expect(request.count == 4 && request.id == 9)
            var names: [String] = []
            request.forEach { name, isPattern in
                names.append((isPattern ? "pattern " : "channel ") + String(decoding: name, as: UTF8.self))
                return names.count < limit
            }
            return names
        }
    }

    @Test func namesComeInTheOrderOfTheFrame() throws {
        #expect(try names(upTo: 9) == ["pattern p", "channel a", "pattern q", "channel b"])
    }

    @Test func namesStopWhenAsked() throws {
        #expect(try names(upTo: 1) == ["pattern p"])
        #expect(try names(upTo: 3) == ["pattern p", "channel a", "pattern q"])
    }
}
