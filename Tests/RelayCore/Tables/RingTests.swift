import Testing

@testable import RelayCore

@Suite struct RingTests {
    @Test(arguments: seeds(5))
    func isAFirstInFirstOutQueue(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var ring = Ring<Int>(minimumCapacity: random.int(1...20))
        var model: [Int] = []
        for number in 0..<5000 {
            let isFilling = number / 1000 % 2 == 0
            if random.oneIn(isFilling ? 4 : 2) {
                let expected = model.isEmpty ? nil : model.removeFirst()
                let element = ring.popFirst()
                #expect(element == expected)
            } else {
                ring.append(number)
                model.append(number)
            }
            let (count, isEmpty, first) = (ring.count, ring.isEmpty, ring.first)
            #expect(count == model.count && isEmpty == model.isEmpty && first == model.first)
        }
        var rest: [Int] = []
        while let element = ring.popFirst() { rest.append(element) }
        #expect(rest == model)
    }

    @Test func theFirstElementIsChangedInPlace() {
        var ring = Ring<Int>()
        ring.updateFirst { $0 += 1 }
        let isStillEmpty = ring.isEmpty
        #expect(isStillEmpty)
        ring.append(1)
        ring.append(5)
        ring.updateFirst { $0 += 1 }
        let elements = [ring.popFirst(), ring.popFirst()]
        #expect(elements == [2, 5])
    }

    @Test func survivesBeingLargeAndEmpty() {
        var ring = Ring<Int>()
        for _ in 0..<2 {
            for number in 0..<5000 { ring.append(number) }
            for number in 0..<5000 {
                let element = ring.popFirst()
                #expect(element == number)
            }
            let last = ring.popFirst()
            #expect(last == nil)
        }
        ring.append(1)
        ring.removeAll()
        let (isEmpty, first) = (ring.isEmpty, ring.first)
        #expect(isEmpty && first == nil)
    }

    @Test(arguments: [0, 1, 40, 2000])
    func whatIsTakenOutOrGoesWithItIsKeptByNobody(count: Int) {
        final class Element {}
        weak var kept: Element?
        do {
            var ring = Ring<Element>()
            for _ in 0..<count { ring.append(Element()) }
            let taken = ring.popFirst()
            ring.append(Element())
            kept = ring.first ?? taken
            #expect(kept != nil)
        }
        #expect(kept == nil)
    }
}

@Suite struct WaiterPoolTests {
    private func operation(_ id: UInt64) -> NameOperation {
        NameOperation(kind: .subscribe, id: id, connection: 0)
    }

    @Test(arguments: seeds(5))
    func everyListKeepsItsOwn(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var pool = WaiterPool()
        var heads = [UInt32](repeating: 0, count: 20)
        var model = [[UInt64]](repeating: [], count: 20)
        for id in 0..<2000 as Range<UInt64> {
            let list = random.int(0...19)
            if random.oneIn(5) {
                #expect(pool.takeAll(from: &heads[list]).map(\.id).sorted() == model[list])
                #expect(heads[list] == 0)
                model[list] = []
            } else {
                pool.add(operation(id), to: &heads[list])
                model[list].append(id)
            }
        }
    }

    @Test func takenOperationsAreNotKept() {
        var pool = WaiterPool()
        var head: UInt32 = 0
        weak var kept: NameOperation?
        do {
            let waiting = operation(1)
            kept = waiting
            pool.add(waiting, to: &head)
            #expect(pool.takeAll(from: &head).count == 1)
        }
        #expect(kept == nil)
    }
}
