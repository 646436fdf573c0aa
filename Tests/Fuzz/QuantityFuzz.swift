/// Durations, sizes, counts, modes and lists of ids have the values that plain arithmetic on 128 bits gives. The text
/// shown for a number is read as that number.
func fuzzQuantities(_ input: UnsafeRawBufferPointer) {
    let text = String(decoding: input, as: UTF8.self)
    var choices = Choices(input)
    let edge = UInt64(choices.next(1 << 20)) << UInt64(choices.next(43))
    for range in [0...UInt64.max, 1...edge + 1] {
        let sizes = range.clamped(to: 0...UInt64(Int.max))
        precondition((try? parseDuration(text, in: range)) == plainly(text, durationUnits, in: range))
        precondition(
            (try? parseSize(text, in: sizes)).map(UInt64.init) == plainly(text, sizeUnits, isWhole: true, in: sizes))
        precondition((try? parseCount(text, in: range)) == plainly(text, [("", 1)], isWhole: true, in: range))
    }
    precondition((try? parseDuration(formatDuration(edge), in: 0...UInt64.max)) == edge)
    precondition((try? parseSize(formatSize(edge), in: 0...UInt64(Int.max))) == Int(edge))

    let isOctal = !text.isEmpty && text.allSatisfy { $0.isASCII && $0 >= "0" && $0 <= "7" }
    let significant = text.drop { $0 == "0" }
    let mode =
        isOctal && significant.count <= 3 ? significant.reduce(0) { $0 * 8 + UInt32($1.wholeNumberValue ?? 0) } : nil
    precondition((try? parseMode(text)) == mode)

    let items = text.split(separator: ",", omittingEmptySubsequences: false)
    let ids = items.compactMap { plainly(String($0), [("", 1)], isWhole: true, in: 0...4_294_967_294) }
    precondition((try? parseIDs(text)) == (ids.count == items.count ? ids.map { UInt32($0) } : nil))
}

private let durationUnits: [(String, UInt128)] = [
    ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("", 1_000_000_000),
]
private let sizeUnits: [(String, UInt128)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1), ("", 1)]

/// Digits, optionally followed by a point and one to nine more digits, and then by a unit: the first unit that fits.
/// Rounded down.
private func plainly(
    _ text: String, _ units: [(String, UInt128)], isWhole: Bool = false, in range: ClosedRange<UInt64>
) -> UInt64? {
    let bytes = Array(text.utf8)
    for (unit, factor) in units where bytes.reversed().starts(with: unit.utf8.reversed()) {
        let number = bytes.dropLast(unit.utf8.count)
        let parts = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isNumber = parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }
        guard isNumber, parts.count == 1 || parts.count == 2 && parts[1].count <= 9 && !isWhole else { continue }
        let significant = parts[0].drop { $0 == 48 }
        guard significant.count <= 20 else { return nil }
        let decimals = (parts.count == 2 ? Array(parts[1]) : []) + Array(repeating: 48, count: 9)
        let billionths = (significant + decimals.prefix(9)).reduce(UInt128(0)) { $0 * 10 + UInt128($1 - 48) }
        let (product, isTooLarge) = billionths.multipliedReportingOverflow(by: factor)
        guard !isTooLarge else { return nil }
        let value = product / 1_000_000_000
        return value <= UInt128(range.upperBound) && value >= UInt128(range.lowerBound) ? UInt64(value) : nil
    }
    return nil
}
