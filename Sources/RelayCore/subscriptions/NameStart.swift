/// The beginning of names at Redis: the prefix, or its form in patterns.
///
/// It is compared with the channel of each message. For nearly all messages this is the comparison of one word: a
/// prefix is short, and a name with its prefix hardly ever is. The other cases are compared out of line.
struct NameStart {
    let count: Int
    /// The first eight bytes as one word, filled up with zeros.
    private let word: UInt64
    /// Has a 1 for each bit that is compared in a name's first word.
    private let mask: UInt64
    /// Names of at least so many bytes need only that one comparison; `.max` if the prefix is longer than a word.
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

    /// What follows the prefix in a name; nil if the name begins otherwise.
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
