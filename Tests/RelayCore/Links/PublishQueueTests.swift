import Testing

@testable import RelayCore

extension PublishQueue {
    func publish(_ channel: String, _ payload: [UInt8], prefix: String = "", id: UInt64) {
        lending(prefix) { prefix in
            lending(channel) { channel in
                lending(payload) {
                    let owner = Owner.app(connection: 3, generation: 5, id: id)
                    publish(prefix: prefix, channel: channel, payload: $0, owner: owner)
                }
            }
        }
    }
}

/// The id of a publish; nil for anything else.
func id(_ owner: PublishQueue.Owner?) -> UInt64? {
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
        lending("PING\r\n") { #expect(queue.own($0, owner: .ping)) }
        queue.publish("b", [], id: 2)
        lending("ROLE\r\n") { #expect(queue.own($0, owner: .role)) }
        queue.publish("c", [], id: 0)
        #expect(queue.inFlight == 5)
        guard case .app(connection: 3, generation: 5, id: 1) = queue.popAnswered(), case .ping = queue.popAnswered(),
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

    @Test func aMarkerHasAPlaceAmongTheCommandsAndANumber() throws {
        let queue = PublishQueue()
        queue.publish("a", [], id: 1)
        #expect(queue.unmarked == 1 && queue.mark() && queue.unmarked == 0)
        queue.publish("b", [], id: 2)
        #expect(queue.mark() && queue.inFlight == 4 && queue.publishesInFlight == 2)
        var rest = Array(queue.output.bytes)[...]
        var commands: [[[UInt8]]] = []
        while let (command, more) = FakeRedis.parseCommand(rest) { (rest, commands) = (more, commands + [command]) }
        #expect(commands.map { $0.count } == [3, 2, 3, 2] && rest.isEmpty)
        #expect(commands[3] == ["PING", "hubrelay-2"].map { Array($0.utf8) })
        #expect(queue.isNumberDue && id(queue.popAnswered()) == 1)
        #expect(!queue.isNumberDue && queue.isStringDue && !queue.isRoleDue)
        guard case .marker(number: 1) = queue.popAnswered(), id(queue.popAnswered()) == 2,
            case .marker(number: 2) = queue.popAnswered()
        else {
            Issue.record("not in order")
            return
        }
        queue.publish("c", [], id: 3)
        queue.abandon(unsent: 0) { _, _ in }
        #expect(queue.unmarked == 0, "the next connection begins anew")
        #expect(queue.debt.asked == queue.debt.answered)
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
