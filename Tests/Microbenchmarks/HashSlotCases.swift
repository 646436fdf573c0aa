import RelayCore

/// The slot of a channel, which each publish on a cluster computes.
let hashSlotCases = [
    Benchmark(name: "hash-slot-8", operations: 64) { hashing(nameOf: 8) },
    Benchmark(name: "hash-slot-40", operations: 64) { hashing(nameOf: 40) },
]

private func hashing(nameOf length: Int) -> Workload {
    let hashSlots = HashSlots(prefix: Array(Bench.prefix.utf8))
    let names = (0..<64).map { number in
        permanent((0..<length).map { UInt8(ascii: "a") + UInt8(($0 + number) % 26) })
    }
    // Computed as in the specification: bit by bit, over the prefix and the name.
    let expected = names.reduce(0) { $0 + Int(slotBitByBit(Array(Bench.prefix.utf8) + $1)) }
    var sum = 0
    return Workload(outputOfRound: expected, output: { sum }) {
        for name in names { sum += Int(hashSlots.slot(of: name)) }
    }
}

/// CRC16 (XMODEM) modulo the number of slots.
private func slotBitByBit(_ name: [UInt8]) -> UInt16 {
    var crc: UInt16 = 0
    for byte in name {
        crc ^= UInt16(byte) << 8
        for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
    }
    return crc % UInt16(HashSlots.count)
}
