import TestSupport
import Testing

@testable import RelayCore

@Suite("A channel's hash slot is what Redis makes of it")
struct HashSlotTests {
    private func slot(_ prefix: [UInt8], _ name: [UInt8]) -> UInt16 {
        let slots = HashSlots(prefix: prefix)
        // The copy is exactly as large as the name, so that the sanitizer finds a read beyond its end.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: name.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: name)
        return slots.slot(of: UnsafeRawBufferPointer(copy))
    }

    /// Computes the slot slowly, bit by bit, from the definitions alone.
    private func plainSlot(_ key: [UInt8]) -> UInt16 {
        var hashed = key[...]
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let rest = key[(open + 1)...]
            if let close = rest.firstIndex(of: UInt8(ascii: "}")), close > open + 1 { hashed = rest[..<close] }
        }
        var crc: UInt32 = 0
        for byte in hashed {
            crc ^= UInt32(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : (crc << 1 ^ 0x1021) & 0xffff }
        }
        return UInt16(crc % 16_384)
    }

    /// The slots come from the Redis Cluster specification, and from a real Redis.
    @Test(
        "known names, split between prefix and name in every way",
        arguments: [
            ("123456789", 0x31c3 % 16_384), ("", 0), ("foo", 12_182), ("bar", 5_061), ("{user1000}.following", 3_443),
            ("{user1000}.followers", 3_443), ("user1000", 3_443), ("foo{}{bar}", 8_363), ("foo{{bar}}zap", 4_015),
            ("foo{bar}{zap}", 5_061), ("{bar", 4_015), ("{}", 15_257), ("{", 4_092), ("}", 12_090), ("}{", 12_793),
        ])
    func known(key: String, slot expected: Int) {
        let bytes = Array(key.utf8)
        for split in 0...bytes.count {
            let found = slot(Array(bytes[..<split]), Array(bytes[split...]))
            #expect(Int(found) == expected, "\(key), prefix of \(split)")
        }
    }

    @Test("random names of every length, split anywhere", arguments: 0..<20 as Range<UInt64>)
    func random(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let key = generator.clusterKey()
            let split = generator.int(0...key.count)
            #expect(slot(Array(key[..<split]), Array(key[split...])) == plainSlot(key), "\(key), prefix of \(split)")
        }
    }

    @Test("a brace is found in each of the places that are looked at together")
    func bracePlaces() {
        for length in 0...40 {
            for place in 0..<max(1, length - 2) where length > 2 {
                var name = [UInt8](repeating: UInt8(ascii: "z"), count: length)
                name[place] = UInt8(ascii: "{")
                #expect(slot([], name) == plainSlot(name))
                name[length - 1] = UInt8(ascii: "}")
                #expect(slot([], name) == plainSlot(name))
                // A byte that differs from a brace only in the lowest or the highest bit is not a brace.
                for other: UInt8 in [0x7a, 0xfb, 0x7c, 0x00, 0xff] {
                    name[place] = other
                    #expect(slot(Array("p".utf8), name) == plainSlot(Array("p".utf8) + name))
                }
            }
        }
    }

    @Test("a prefix with a whole hash tag has one slot for all names")
    func fixed() {
        #expect(HashSlots(prefix: Array("{app}:".utf8)).fixed == plainSlot(Array("app".utf8)))
        #expect(HashSlots(prefix: Array("x{app}{y}".utf8)).fixed == plainSlot(Array("app".utf8)))
        for prefix in ["", "app:", "{app", "app}", "{}app:", "{}{app}", "}app{"] {
            #expect(HashSlots(prefix: Array(prefix.utf8)).fixed == nil, "\(prefix)")
        }
        #expect(slot(Array("{app}:".utf8), Array("{room}".utf8)) == plainSlot(Array("app".utf8)))
    }

    @Test("as a real Redis says (CLUSTER KEYSLOT)")
    func realRedis() throws {
        let port = "\(try freePort())"
        let server = try RedisServer(onPort: true, settings: ["--cluster-enabled", "yes", "--cluster-port", port])
        let client = try server.client()
        var generator = SeededGenerator(seed: 1)
        let keys = (0..<500).map { _ in generator.clusterKey() }
        let words = [Array("CLUSTER".utf8), Array("KEYSLOT".utf8)]
        for key in keys { try client.send(words + [key]) }
        for key in keys {
            let split = generator.int(0...key.count)
            let found = slot(Array(key[..<split]), Array(key[split...]))
            #expect(try client.read().integer == Int(found), "\(key), prefix of \(split)")
        }
    }
}

extension SeededGenerator {
    /// A name of any bytes, with or without braces, rarely long.
    fileprivate mutating func clusterKey() -> [UInt8] {
        let length = oneIn(10) ? int(40...300) : int(0...40)
        let braces = pick([0, 4, 20, 60])
        return (0..<length).map { _ in
            int(0...99) < braces
                ? pick([UInt8(ascii: "{"), UInt8(ascii: "}")]) : UInt8.random(in: 0...255, using: &self)
        }
    }
}
