/// What names at Redis begin with: the prefix, or its form in patterns.
///
/// It is compared with the channel of each message, so nearly all of them take one word's comparison: prefixes are short,
/// and names with them hardly ever. The rest is compared out of line.
struct NameStart {
    let count: Int
    /// The first eight bytes as one word, zero where there are fewer.
    private let word: UInt64
    /// Which bits of a name's first word they are.
    private let mask: UInt64
    /// Names of at least so many bytes take that one comparison: none, where the prefix is longer than a word.
    private let quickCount: Int
    private let bytes: [UInt8]

    private static let wordSize = MemoryLayout<UInt64>.size

    init(_ bytes: [UInt8]) {
        func word(_ byte: (Int) -> UInt8) -> UInt64 {
            let bytes = (0..<Self.wordSize).map { $0 < bytes.count ? byte($0) : 0 }
            return bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        }
        (self.bytes, count) = (bytes, bytes.count)
        quickCount = bytes.count <= Self.wordSize ? Self.wordSize : .max
        (self.word, mask) = (word { bytes[$0] }, word { _ in .max })
    }

    /// What follows it in a name; nil for a name that begins otherwise.
    @inline(__always)
    func rest(of redisName: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard redisName.count >= quickCount else { return restBytewise(of: redisName) }
        guard (redisName.loadUnaligned(as: UInt64.self) ^ word) & mask == 0 else { return nil }
        return UnsafeRawBufferPointer(
            start: redisName.baseAddress.unsafelyUnwrapped + count, count: redisName.count &- count)
    }

    @inline(never)
    private func restBytewise(of redisName: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard redisName.count >= count else { return nil }
        let start = UnsafeRawBufferPointer(start: redisName.baseAddress, count: count)
        guard bytes.withUnsafeBytes({ start.hasSameBytes(as: $0) }) else { return nil }
        return UnsafeRawBufferPointer(rebasing: redisName[count...])
    }
}
