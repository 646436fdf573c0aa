import Testing

@testable import RelayCore

private struct Name: Hashable {
    var bytes: [UInt8]
    var isPattern: Bool
}

/// The table beside a dictionary that must say the same.
private struct Model {
    let table: ChannelTable
    var indices: [Name: UInt32] = [:]
    /// The members of each name.
    var members: [Name: Set<Int>] = [:]

    init(seed: UInt64) { table = ChannelTable(seed: seed) }

    func find(_ name: Name) -> UInt32 { lending(name.bytes) { table.find($0, isPattern: name.isPattern) } }

    /// - Returns: whether the table gave the index it ought to.
    mutating func insert(_ name: Name) -> Bool {
        let index = lending(name.bytes) { table.findOrInsert($0, isPattern: name.isPattern) }
        if let known = indices[name] { return index == known }
        defer { indices[name] = index }
        return !indices.values.contains(index)
    }

    mutating func remove(_ name: Name) {
        guard let index = indices.removeValue(forKey: name) else { return }
        for connection in members.removeValue(forKey: name) ?? [] {
            _ = table.removeMember(at: table.memberPlace(.init(index: connection), of: index)!, of: index)
        }
        table.remove(index)
    }

    /// Whether every name is found under its index, with its bytes and its members.
    func isRight() -> Bool {
        guard table.count == indices.count else { return false }
        for (name, index) in indices {
            let entry = table.entries[Int(index)]
            guard find(name) == index, Array(table.name(of: index)) == name.bytes, entry.isPattern == name.isPattern,
                Int(entry.memberCount) == members[name]?.count ?? 0
            else { return false }
            for connection in members[name] ?? [] where table.memberPlace(.init(index: connection), of: index) == nil {
                return false
            }
        }
        return true
    }
}

@Suite struct ChannelTableTests {
    /// Few names in a small table: runs of full buckets, some of them around its end, are made and taken apart.
    @Test(arguments: seeds(20))
    func insertionsAndRemovalsInASmallTable(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var model = Model(seed: seed)
        let pool = (0..<63).map { Name(bytes: [UInt8($0)], isPattern: random.oneIn(2)) }
        for _ in 0..<400 {
            let name = random.pick(pool)
            var isRight = true
            if random.oneIn(2) { isRight = model.insert(name) } else { model.remove(name) }
            try #require(isRight && model.isRight())
            for name in pool where model.indices[name] == nil { try #require(model.find(name) == ChannelTable.none) }
        }
    }

    @Test(arguments: seeds(3))
    func growthAndMembers(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var model = Model(seed: seed)
        let pool = (0..<1500).map { _ in
            Name(bytes: random.oneIn(20) ? random.bytes(1...512) : random.bytes(1...18), isPattern: random.oneIn(2))
        }
        for step in 1...12_000 {
            let name = random.pick(pool)
            switch random.int(0...5) {
            case 0...1:
                let isRight = model.insert(name)
                #expect(isRight)
            case 2: model.remove(name)
            default:
                guard let index = model.indices[name] else { continue }
                let connection = random.int(0...(step % 2 == 0 ? 12 : 60))
                if let place = model.table.memberPlace(.init(index: connection), of: index) {
                    let known = model.members[name]!.remove(connection)
                    #expect(known == connection)
                    #expect(model.table.removeMember(at: place, of: index).connection.index == connection)
                } else {
                    #expect(!(model.members[name] ?? []).contains(connection))
                    model.members[name, default: []].insert(connection)
                    model.table.addMember(.init(connection: .init(index: connection), position: 0), to: index)
                }
            }
            if step % 1000 == 0 { try #require(model.isRight()) }
        }
        for name in pool { model.remove(name) }
        #expect(model.table.count == 0 && model.isRight())
    }

    /// Lists that are long enough to have an index, which grows and shrinks with them.
    @Test(arguments: seeds(5))
    func manyMembersOfFewNames(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let table = ChannelTable(seed: seed)
        let indices = (0..<3).map { name in lending("n\(name)") { table.findOrInsert($0, isPattern: false) } }
        var members: [[Int: UInt32]] = [[:], [:], [:]]
        // Indices far apart as well as side by side.
        let connections = (0..<300).map { $0 < 200 ? $0 : ($0 << 12) }
        for step in 1...20_000 {
            let (name, connection) = (random.int(0...2), random.pick(connections))
            let isGrowing = step / 2000 % 2 == 0
            if let place = table.memberPlace(.init(index: connection), of: indices[name]) {
                if isGrowing, !random.oneIn(4) { continue }
                let removed = table.removeMember(at: place, of: indices[name])
                #expect(
                    removed.connection.index == connection
                        && removed.position == members[name].removeValue(forKey: connection))
            } else {
                #expect(members[name][connection] == nil)
                members[name][connection] = UInt32(step)
                table.addMember(.init(connection: .init(index: connection), position: UInt32(step)), to: indices[name])
            }
            guard step % 500 == 0 else { continue }
            for connection in connections {
                let place = table.memberPlace(.init(index: connection), of: indices[name])
                let position = place.map { table.members(of: indices[name])[$0].position }
                try #require(position == members[name][connection])
            }
        }
    }

    @Test func aHundredThousandNamesComeAndGo() {
        let table = ChannelTable(seed: 7)
        let names = (0..<100_000).map { Array("room.\($0)".utf8) }
        var indices: [UInt32] = []
        for name in names { indices.append(lending(name) { table.findOrInsert($0, isPattern: false) }) }
        #expect(table.count == names.count && Set(indices).count == names.count)
        for place in stride(from: 0, to: names.count, by: 2) { table.remove(indices[place]) }
        for (place, name) in names.enumerated() {
            let found = lending(name) { table.find($0, isPattern: false) }
            if found != (place % 2 == 0 ? ChannelTable.none : indices[place]) { Issue.record("name \(place)") }
        }
        for place in stride(from: 1, to: names.count, by: 2) { table.remove(indices[place]) }
        #expect(table.count == 0)
    }

    @Test func aChannelAndAPatternOfTheSameNameAreTwo() {
        let table = ChannelTable(seed: 1)
        let channel = lending("a*") { table.findOrInsert($0, isPattern: false) }
        let pattern = lending("a*") { table.findOrInsert($0, isPattern: true) }
        #expect(channel != pattern && table.count == 2)
        table.remove(channel)
        #expect(lending("a*") { table.find($0, isPattern: true) } == pattern)
        #expect(lending("a*") { table.find($0, isPattern: false) } == ChannelTable.none)
    }

    /// Names that differ in one byte, at every offset within the steps of eight bytes in which they are compared.
    @Test func namesAreTheSameOnlyIfEveryByteIs() {
        for count in 1...40 {
            let name = [UInt8](repeating: 97, count: count)
            for place in 0..<count {
                var other = name
                other[place] ^= 128
                lending(name) { name in
                    lending(other) { other in
                        #expect(!name.hasSameBytes(as: other))
                        #expect(name.hasSameBytes(as: name))
                        #expect(!name.hasSameBytes(as: UnsafeRawBufferPointer(rebasing: name.dropLast())))
                    }
                }
            }
        }
    }

    @Test func forEachMayRemoveWhatItIsGiven() {
        let table = ChannelTable(seed: 3)
        for number in 0..<500 { _ = lending("name \(number)") { table.findOrInsert($0, isPattern: false) } }
        var seen: Set<UInt32> = []
        table.forEach { index in
            #expect(seen.insert(index).inserted)
            if index % 3 != 0 { table.remove(index) }
        }
        #expect(seen.count == 500 && table.count == 167)
    }
}
