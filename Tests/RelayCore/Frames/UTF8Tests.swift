import RelayCore
import Testing

/// Whether the standard library accepts `bytes` as UTF-8.
private func isText(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

@Suite struct UTF8Tests {
    private func agrees(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { isValidUTF8($0) } == isText(bytes) }
    /// Like `agrees`, but a sanitizer finds reads beyond the end.
    private func agreesExactly(_ bytes: [UInt8]) -> Bool { lending(bytes) { isValidUTF8($0) } == isText(bytes) }

    @Test func emptyIsText() { #expect(agreesExactly([])) }

    @Test func everySequenceOfOneAndTwoBytes() {
        for first in 0...255 as ClosedRange<UInt8> {
            #expect(agrees([first]))
            let wrong = (0...255 as ClosedRange<UInt8>).filter { !agrees([first, $0]) }
            #expect(wrong.isEmpty, "\(first), then one of \(wrong)")
        }
    }

    /// All second and third bytes after those leading bytes that restrict the second byte.
    /// Takes seconds: 65,536 pairs after each leading byte.
    @Test(arguments: [0xE0, 0xED, 0xEF, 0xF0, 0xF4] as [UInt8])
    func everySequenceOfThreeBytes(lead: UInt8) {
        var bytes = [lead, 0, 0]
        for second in 0...255 as ClosedRange<UInt8> {
            bytes[1] = second
            var wrong: [UInt8] = []
            for third in 0...255 as ClosedRange<UInt8> {
                bytes[2] = third
                if !agrees(bytes) { wrong.append(third) }
            }
            #expect(wrong.isEmpty, "\(lead), \(second), then one of \(wrong)")
        }
    }

    private static let edges: [UInt8] = [
        0, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4,
        0xF5, 0xFF,
    ]

    /// Four bytes, each at an edge of a class of bytes.
    /// Takes seconds: all combinations of the bytes at the edges of what is allowed.
    @Test(arguments: edges)
    func everySequenceOfEdges(lead: UInt8) {
        for second in Self.edges {
            for third in Self.edges {
                let wrong = Self.edges.filter { !agrees([lead, second, third, $0]) }
                #expect(wrong.isEmpty, "\(lead), \(second), \(third), then one of \(wrong)")
            }
        }
    }

    /// The check reads eight bytes at a time, so each sequence is tried at every offset within such a step.
    @Test func everyOffsetInAText() {
        let sequences: [[UInt8]] = [
            [0x80], [0xFF], [0xC3, 0xBC], [0xC3], [0xE2, 0x82, 0xAC], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xC0, 0x80],
            [0xF0, 0x9F, 0x98, 0x80], [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
        ]
        for sequence in sequences {
            for before in 0...25 {
                for after in 0...17 {
                    let bytes = [UInt8](repeating: 97, count: before) + sequence + [UInt8](repeating: 98, count: after)
                    #expect(agreesExactly(bytes), "\(sequence) behind \(before), before \(after)")
                }
            }
        }
    }

    @Test(arguments: seeds(4))
    func randomTextsAndDamagedOnes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            var bytes = Array(random.text(0...20).utf8)
            #expect(agreesExactly(bytes))
            guard !bytes.isEmpty else { continue }
            if random.oneIn(2) { bytes.removeLast(random.int(0...min(3, bytes.count - 1))) }
            bytes[random.int(0...(bytes.count - 1))] = random.pick(Self.edges)
            #expect(agreesExactly(bytes), "\(bytes)")
        }
    }
}
