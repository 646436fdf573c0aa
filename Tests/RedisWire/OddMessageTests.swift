import RESP
import RedisWire
import Testing

/// CLIENT TRACKING with REDIRECT makes Redis send another connection messages whose payload is not a string.
@Suite("A message whose payload is no string is skipped")
struct OddMessageTests {
    // Computed each time: in a constant, the sanitizer would take the target of an indirect value for leaked memory.
    static var payloads: [Resp] {
        [
            .nilBulk, .nilArray, .integer(1), .status("OK"), .error("ERR what"), .array([]), .array([.bulk("key")]),
            .array([.bulk("message"), .bulk("c"), .bulk("x")]),
            .array([.nilBulk, .integer(1), .status("OK"), .array([])]),
            .array([.array([.array([.array([.array([.array([.array([])])])])])])]),
            .array((0..<100_000).map { .bulk("key:\($0)") }),
        ]
    }
    static let words = [["message", "__redis__:invalidate"], ["smessage", "c"], ["pmessage", "*", "c"]]

    @Test("and what comes before and behind it is read", arguments: payloads.indices, words.indices)
    func isSkipped(payload: Int, words: Int) throws {
        let odd = Sample.oddMessage(Self.words[words], Self.payloads[payload])
        let (before, behind) = (Sample.message([1], [2]), Sample.patternMessage([3], [4], [5]))
        let confirmation = Sample.confirmation(.subscribe, [6], 1)
        let bytes = before.bytes + odd.bytes + odd.bytes + confirmation.bytes + behind.bytes
        for size in [bytes.count, 1_000, 7] where bytes.count < 50_000 || size > 1 {
            let reading = Reading()
            try reading.feed(bytes, inPiecesOf: size)
            #expect(reading.events == [before.event, .oddMessage, .oddMessage, confirmation.event, behind.event])
            #expect(reading.reader.pendingBytes == 0)
        }
    }

    @Test("split at every byte", arguments: payloads.indices.dropLast())
    func isSkippedWhereverItIsSplit(payload: Int) throws {
        let bytes = Sample.oddMessage(Self.words[0], Self.payloads[payload]).bytes + Sample.message([1], [2]).bytes
        for place in bytes.indices {
            let reading = Reading()
            try reading.feed(bytes[..<place])
            try reading.feed(bytes[place...])
            #expect(reading.events == [.oddMessage, .message([1], [2])])
        }
    }

    @Test("within the limits for all arrays together")
    func limits() {
        var limits = ReplyLimits()
        (limits.maxElements, limits.maxValues, limits.maxDepth) = (4, 10, 4)
        let nine = Resp.array((0..<9).map { .integer($0) })
        let deep = Resp.array([.array([.array([.integer(1)])])])
        let deeper = Resp.array([deep])
        for (payload, error) in [
            (nine, nil), (.array([nine]), .tooManyElements(limit: 10)), (deep, nil), (deeper, .tooDeep(limit: 4)),
            (.array((0..<11).map { .integer($0) }), .tooManyElements(limit: 10)),
        ] as [(Resp, ReplyError?)] {
            let reading = Reading(limits: limits)
            #expect(reading.error(feeding: Sample.oddMessage(Self.words[0], payload).bytes) == error)
            #expect(reading.events == (error == nil ? [.oddMessage] : []))
        }
    }
}
