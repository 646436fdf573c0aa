import RedisWire
import Testing

@testable import Relay

@Suite("What a server may say is bounded by the kind of the link")
struct ReplyLimitsTests {
    private func error(_ text: String, _ limits: ReplyLimits) -> ReplyError? {
        let sink = Ignored()
        let reader = ReplyReader(limits: limits, sink: sink)
        do { try Array(text.utf8).withUnsafeBytes { try reader.feed($0) } } catch { return error as? ReplyError }
        return nil
    }

    private final class Ignored: ReplySink {}

    /// Arrays of one element inside each other.
    private func nested(_ depth: Int) -> String { String(repeating: "*1\r\n", count: depth) + ":1\r\n" }

    @Test func aRoleAndWhatASentinelKnowsAreShortAnswers() {
        #expect(
            error("*3\r\n$6\r\nmaster\r\n:0\r\n*1\r\n*3\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\n1\r\n", .ofShortAnswers) == nil)
        #expect(error(nested(3), .ofShortAnswers) == nil)
        #expect(error(nested(4), .ofShortAnswers) != nil)
        #expect(error("*16384\r\n", .ofShortAnswers) == nil)
        #expect(error("*16385\r\n", .ofShortAnswers) != nil)
        #expect(error("$4194305\r\n", .ofShortAnswers) != nil)
    }

    @Test func aClusterHasAtMostOneRangeForEachSlot() {
        #expect(error("*16384\r\n", .ofClusterSlots) == nil)
        #expect(error("*16385\r\n", .ofClusterSlots) != nil)
        #expect(error(nested(4), .ofClusterSlots) == nil)
        #expect(error(nested(5), .ofClusterSlots) != nil)
    }

    @Test func inAGreetingOnlyARoleIsAnArray() {
        #expect(ReplyLimits.objectionInGreeting(toArrayOf: 3, depth: 0) == nil)
        #expect(ReplyLimits.objectionInGreeting(toArrayOf: 8, depth: 0) == nil)
        #expect(ReplyLimits.objectionInGreeting(toArrayOf: 9, depth: 0) != nil)
        #expect(ReplyLimits.objectionInGreeting(toArrayOf: 10_000, depth: 1) == nil, "the replicas of a master")
    }
}
