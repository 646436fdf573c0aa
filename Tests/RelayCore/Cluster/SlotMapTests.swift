import Testing

@testable import RelayCore

@Suite("Which node each slot is at")
struct SlotMapTests {
    private func map(_ prefix: String) -> SlotMap { SlotMap(HashSlots(prefix: Array(prefix.utf8))) }

    @Test("at first, nowhere")
    func empty() {
        let map = map("app:")
        #expect(map.usedSlots == 0..<16_384)
        #expect(map.usedSlots.allSatisfy { map.node(ofSlot: UInt16($0)) == Hub.nowhere })
        #expect(map.counts(nodes: 2) == [16_384, 0])
    }

    @Test("each slot has a node of its own, the first and the last as well")
    func assigning() {
        let map = map("")
        #expect(map.assign(0, to: 1) && map.assign(16_383, to: 2) && map.assign(5, to: 1))
        #expect(!map.assign(0, to: 1), "no news")
        #expect([0, 1, 5, 16_383].map { map.node(ofSlot: $0) } == [1, 0, 1, 2])
        #expect(map.counts(nodes: 4) == [16_381, 2, 1, 0])
        #expect(map.assign(5, to: Hub.nowhere) && map.counts(nodes: 3)[1] == 1)
    }

    @Test("a prefix with a hash tag uses one slot, and no other counts")
    func fixedSlot() throws {
        let map = map("{app}:")
        let slot = try #require(map.hashSlots.fixed)
        #expect(map.usedSlots == Int(slot)..<Int(slot) + 1)
        for slot in 0..<16_384 { _ = map.assign(slot, to: 3) }
        #expect(map.counts(nodes: 4) == [0, 0, 0, 1])
        #expect(map.assign(Int(slot), to: 1) && map.counts(nodes: 4) == [0, 1, 0, 0])
    }
}
