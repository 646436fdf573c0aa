import Testing

@testable import RelayCore

@Suite struct AbandonedPublishTests {
    /// For every number of bytes that never left: if one byte of a publish has left, the publish may have arrived.
    @Test func hadLeftIsRightAtEveryByte() {
        func fill(_ queue: PublishQueue) -> [UInt64: Int] {
            var starts: [UInt64: Int] = [:]
            for (id, size) in [(1, 0), (2, 100), (3, 7)] as [(UInt64, Int)] {
                starts[id] = queue.output.count
                queue.publish("c", [UInt8](repeating: 1, count: size), id: id)
            }
            return starts
        }
        let scratch = PublishQueue()
        _ = fill(scratch)
        let total = scratch.output.count
        for unsent in 0...total {
            let queue = PublishQueue()
            // The output of an earlier turn, and an answered command, do not count.
            queue.publish("before", [1, 2, 3], id: 9)
            queue.output.removeAll()
            _ = queue.popAnswered()
            let starts = fill(queue)
            var told: [UInt64: Bool] = [:]
            queue.abandon(unsent: unsent) { told[id($0)!] = $1 }
            for (id, start) in starts { #expect(told[id] == (start < total - unsent), "\(id), \(unsent) unsent") }
            #expect(queue.inFlight == 0 && queue.output.count == 0 && queue.backlog == 0)
        }
    }

    /// Bytes of an earlier turn that the kernel has refused are unsent as well.
    @Test func theBacklogOfEarlierTurnsIsUnsent() {
        let queue = PublishQueue()
        queue.publish("a", [1], id: 1)
        let first = queue.output.count
        queue.output.removeAll()
        queue.publish("b", [1], id: 2)
        let second = queue.output.count
        queue.output.removeAll()
        queue.publish("c", [1], id: 3)
        queue.backlog = first - 1 + second
        var told: [UInt64: Bool] = [:]
        queue.abandon(unsent: queue.backlog + queue.output.count) { told[id($0)!] = $1 }
        #expect(told == [1: true, 2: false, 3: false])
    }

    @Test func ownersComeInOrder() {
        let queue = PublishQueue()
        for number in 1...100 as ClosedRange<UInt64> { queue.publish("c", [], id: number) }
        var ids: [UInt64] = []
        queue.abandon(unsent: 0) { owner, hadLeft in
            #expect(hadLeft)
            ids.append(id(owner)!)
        }
        #expect(ids == Array(1...100))
    }

    @Test func aQueueIsOfUseAfterIt() {
        let queue = PublishQueue()
        for _ in 0..<3 {
            queue.publish("c", [], id: 1)
            queue.publish("c", [], id: 2)
            queue.output.removeAll()
            #expect(id(queue.popAnswered()) == 1)
            queue.publish("c", [], id: 3)
            var told: [UInt64: Bool] = [:]
            queue.abandon(unsent: queue.output.count) { told[id($0)!] = $1 }
            #expect(told == [2: true, 3: false])
        }
    }
}
