import TestSupport
import Testing

@testable import RelayCore

/// The first few of many items, in order.
@Suite struct LeadingTests {
    @Test func theyAreThoseThatSortingWouldPutFirst() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            let items = (0..<Int.random(in: 0...60, using: &random)).map { _ in Int.random(in: 0...30, using: &random) }
            let limit = Int.random(in: 1...20, using: &random)
            var leading = Leading<Int>(limit: limit, by: >)
            for item in items { leading.offer(item) }
            #expect(leading.inOrder == Array(items.sorted(by: >).prefix(limit)), "\(items), \(limit)")
        }
    }
}
