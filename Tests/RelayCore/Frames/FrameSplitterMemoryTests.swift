import Glibc
import RelayCore
import Testing

/// Runs alone, because it measures the memory of the process.
@Suite(.serialized) struct FrameSplitterMemoryTests {
    /// Bytes of address space that the process uses.
    private var addressSpace: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 200)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        return (Int(String(decoding: line.map(UInt8.init(bitPattern:)).prefix { $0 > 32 }, as: UTF8.self)) ?? 0) * 4096
    }

    /// A thousand peers that announce 64 MiB each and send a few bytes of it cost a few bytes each.
    @Test func nothingIsReservedForWhatALengthAnnounces() throws {
        let before = addressSpace
        try #require(before > 0)
        let splitters = UnsafeMutablePointer<FrameSplitter>.allocate(capacity: 1000)
        for index in 0..<1000 { (splitters + index).initialize(to: FrameSplitter()) }
        defer {
            splitters.deinitialize(count: 1000)
            splitters.deallocate()
        }
        for index in 0..<1000 {
            for piece in [[4, 0, 0, 0, 1], [2, 3]] as [[UInt8]] {
                try lending(piece) { bytes in
                    try splitters[index].feed(bytes) {
                        64 << 20
                    } consume: { _ in
                        .goOn
                    }
                }
            }
            #expect(splitters[index].heldBytes == 7)
        }
        #expect(addressSpace - before < 1 << 30)
    }
}
