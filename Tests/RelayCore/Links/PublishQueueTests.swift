import Testing

@testable import RelayCore

extension PublishQueue {
    func publish(_ channel: String, _ payload: [UInt8], prefix: String = "", id: UInt64) {
        lending(prefix) { prefix in
            lending(channel) { channel in
                lending(payload) {
                    let owner = Owner.app(slot: 3, generation: 5, id: id)
                    publish(prefix: prefix, channel: channel, payload: $0, owner: owner)
                }
            }
        }
    }
}

private func id(_ owner: PublishQueue.Owner?) -> UInt64? {
    guard case .app(_, _, let id) = owner else { return nil }
    return id
}

@Suite struct PublishQueueTests {
    @Test func writesRESP() {
        let queue = PublishQueue()
        queue.publish("room", [0, 13, 10, 255], prefix: "app:", id: 1)
        let expected = Array("*3\r\n$7\r\nPUBLISH\r\n$8\r\napp:room\r\n$4\r\n".utf8) + [0, 13, 10, 255, 13, 10]
        #expect(Array(queue.output.bytes) == expected)
    }

    @Test(arguments: seeds(3))
    func anyChannelAndPayloadArriveAsTheyAre(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let queue = PublishQueue()
        let sizes = [0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 70_000]
        for size in sizes + (0..<100).map({ _ in random.int(0...500) }) {
            let (prefix, channel) = (random.text(0...10), random.text(1...20))
            let payload = random.bytes(size...size)
            queue.publish(channel, payload, prefix: prefix, id: 1)
            let (command, rest) = try #require(FakeRedis.parseCommand(Array(queue.output.bytes)[...]))
            #expect(command == [Array("PUBLISH".utf8), Array((prefix + channel).utf8), payload] && rest.isEmpty)
            queue.output.removeAll()
        }
    }

    @Test func answersBelongToTheOldestCommand() {
        let queue = PublishQueue()
        queue.publish("a", [], id: 1)
        lending("PING\r\n") { queue.command($0, owner: .ping) }
        queue.publish("b", [], id: 2)
        lending("ROLE\r\n") { queue.command($0, owner: .role) }
        queue.publish("c", [], id: 0)
        #expect(queue.inFlight == 5)
        guard case .app(slot: 3, generation: 5, id: 1) = queue.popAnswered(), case .ping = queue.popAnswered(),
            id(queue.popAnswered()) == 2, case .role = queue.popAnswered(), id(queue.popAnswered()) == 0
        else {
            Issue.record("not in order")
            return
        }
        #expect(queue.inFlight == 0 && queue.popAnswered() == nil)
    }

    @Test func aProbeKeepsItsNumber() {
        let queue = PublishQueue()
        lending("p") { queue.publish(prefix: $0, channel: $0, payload: $0, owner: .probe(number: .max)) }
        guard case .probe(number: .max) = queue.popAnswered() else {
            Issue.record("not the probe")
            return
        }
    }

    @Test func theRingGoesRound() {
        let queue = PublishQueue()
        var next: UInt64 = 1
        for number in 1...200_000 as ClosedRange<UInt64> {
            queue.publish("c", [], id: number)
            queue.output.removeAll()
            guard number > 1000 else { continue }
            #expect(id(queue.popAnswered()) == next)
            next += 1
        }
        #expect(queue.inFlight == 1000)
    }

    // MARK: Congestion

    @Test func aFullRingIsCongestedAndKeepsRoomForTheRelaysOwn() {
        let queue = PublishQueue()
        for _ in 0..<(PublishQueue.ringCapacity - 17) {
            queue.publish("c", [], id: 1)
            queue.output.removeAll()
        }
        #expect(!queue.isCongested)
        queue.publish("c", [], id: 1)
        queue.output.removeAll()
        #expect(queue.isCongested)
        _ = queue.popAnswered()
        #expect(!queue.isCongested)
    }

    @Test func bytesThatWaitAreCongestion() {
        let queue = PublishQueue()
        queue.backlog = PublishQueue.highWater
        #expect(!queue.isCongested)
        queue.backlog += 1
        #expect(queue.isCongested)
        queue.backlog = 0
        queue.publish("c", [UInt8](repeating: 0, count: PublishQueue.highWater), id: 1)
        #expect(queue.isCongested)
        queue.output.removeAll()
        #expect(!queue.isCongested)
    }
}

@Suite struct AbandonedPublishTests {
    /// Whatever the number of bytes that never left: a publish of which one has is one that may have arrived.
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
            // What an earlier turn has written, and an answered command, do not count.
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
