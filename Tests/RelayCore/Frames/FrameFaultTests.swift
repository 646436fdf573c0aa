import TestSupport
import Testing

@testable import RelayCore

/// Where a frame is wrong.
@Suite struct FrameFaultTests {
    private func fault(_ bytes: [UInt8]) -> String? { bytes.withUnsafeBytes { FrameFault(in: $0)?.text } }

    /// A field of bytes with a tag of one byte.
    private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(content.count)] + content
    }

    private let bad: [UInt8] = [0xff]

    @Test func itIsNamedByItsKindAndField() {
        let utf8 = "is invalid: a string that is not UTF-8"
        #expect(fault(field(1, field(2, bad))) == "hello.client_name \(utf8)")
        #expect(fault(field(2, field(1, bad) + field(2, bad))) == "publish.channel \(utf8)")
        #expect(fault(field(3, [8, 1] + field(2, [97]) + field(2, bad))) == "subscribe.channels \(utf8)")
        #expect(fault(field(3, field(3, bad))) == "subscribe.patterns \(utf8)")
        #expect(fault(field(4, field(3, bad))) == "unsubscribe.patterns \(utf8)")
        #expect(fault(field(5, [8])) == "ping.id is invalid: a field ends beyond its message")
        #expect(fault(field(5, [19])) == "ping.settled is invalid: a group or an unknown wire type")
        #expect(
            fault(field(2, [1 << 3 | 2, 5, 97])) == "publish.channel is invalid: a field ends beyond its message")
        #expect(fault(field(2, [0])) == "publish.0 is invalid: a field number out of range")
        #expect(fault(field(2, [9 << 3 | 2, 5])) == "publish.9 is invalid: a field ends beyond its message")
    }

    @Test func theFrameItselfMayBeWrong() {
        #expect(fault([2 << 3 | 2, 5]) == "publish is invalid: a field ends beyond its message")
        #expect(fault([7 << 3 | 3]) == "field 7 is invalid: a group or an unknown wire type")
        #expect(fault([0x80]) == "field 0 is invalid: a field ends beyond its message")
        #expect(
            fault([UInt8](repeating: 0xff, count: 12)) == "field 0 is invalid: a varint of over ten bytes")
    }

    @Test func nothingIsFoundInWhatIsRight() {
        #expect(fault(field(2, field(1, [97]) + field(2, bad) + [24, 1])) == nil)
        #expect(fault([]) == nil && fault(field(9, bad)) == nil)
    }

    /// If a frame has several kinds, only the last one counts, and so does only its fault.
    @Test func theKindThatCountsIsLookedAt() {
        #expect(fault(field(2, field(1, bad)) + field(5, [8, 1])) == nil)
    }

    /// Every frame that the decoder refuses has a fault that can be named, and no other frame has one.
    @Test func itFindsAFaultInEveryFrameThatIsRefusedAndInNoOther() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<20_000 {
            var bytes = random.looseBody()
            for _ in 0..<Int.random(in: 0...2, using: &random) { bytes = random.damaged(bytes) }
            let isRefused = bytes.withUnsafeBytes { body in
                do throws(WireError) {
                    _ = try ClientFrame.decodeAny(body)
                    return false
                } catch { return true }
            }
            #expect((fault(bytes) != nil) == isRefused, "\(bytes)")
        }
    }
}
