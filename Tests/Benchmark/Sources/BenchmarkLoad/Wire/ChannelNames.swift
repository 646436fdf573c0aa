/// The channels of one run. All names have the same length, so that a message is written by changing digits in place.
/// Every run has its own names, so that nothing of an earlier run arrives in a later one.
struct ChannelNames {
    static let digits = 6
    static let limit = 1_000_000

    /// The part of the names before the digits.
    let stem: [UInt8]
    let count: Int

    init(stem: String, count: Int) {
        precondition(count <= Self.limit)
        (self.stem, self.count) = (Array(stem.utf8), count)
    }

    var byteCount: Int { stem.count + Self.digits }

    func append(_ index: Int, to bytes: inout [UInt8]) {
        bytes += stem
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: Self.digits))
        bytes.withUnsafeMutableBytes { Self.write(UInt32(index), to: $0.baseAddress! + start) }
    }

    /// Writes the digits of an index.
    @inline(__always)
    static func write(_ index: UInt32, to place: UnsafeMutableRawPointer) {
        var left = index
        for position in stride(from: digits - 1, through: 0, by: -1) {
            let (rest, digit) = left.quotientAndRemainder(dividingBy: 10)
            place.storeBytes(of: UInt8(ascii: "0") + UInt8(digit), toByteOffset: position, as: UInt8.self)
            left = rest
        }
    }
}
