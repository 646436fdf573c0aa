// Numbers with units: durations, sizes, counts, modes and lists of ids. Every parser takes the whole text or throws.

/// A duration in nanoseconds: a decimal number followed by `ms`, `s`, `m` or nothing (seconds).
///
/// - Throws: ``InvalidValue`` when the text is not a duration, has more than nine decimals, or is outside `range`.
package func parseDuration(_ text: String, in range: ClosedRange<UInt64>) throws(InvalidValue) -> UInt64 {
    let units: [(String, UInt64)] = [("ms", millisecond), ("s", second), ("m", minute), ("", second)]
    for (unit, factor) in units where text.hasSuffix(unit) {
        guard let amount = Decimal(text.utf8.dropLast(unit.utf8.count)) else { break }
        guard let value = amount.multiplied(by: factor), range.contains(value) else {
            throw InvalidValue("is out of range")
        }
        return value
    }
    throw InvalidValue("is not a duration")
}

/// A size in bytes: a whole number followed by `B`, `KiB`, `MiB`, `GiB` or nothing (bytes).
///
/// - Throws: ``InvalidValue`` when the text is not a size, or is outside `range`.
package func parseSize(_ text: String, in range: ClosedRange<UInt64>) throws(InvalidValue) -> Int {
    let units: [(String, UInt64)] = [
        ("KiB", kibibyte), ("MiB", mebibyte), ("GiB", gibibyte), ("B", 1), ("", 1),
    ]
    for (unit, factor) in units where text.hasSuffix(unit) {
        guard let amount = Decimal(text.utf8.dropLast(unit.utf8.count)), amount.isWhole else { break }
        guard let value = amount.multiplied(by: factor), range.contains(value) else {
            throw InvalidValue("is out of range")
        }
        return Int(value)
    }
    throw InvalidValue("is not a size")
}

/// A whole decimal number without sign, spaces or separators.
///
/// - Throws: ``InvalidValue`` when the text is not such a number, or is outside `range`.
package func parseCount(_ text: String, in range: ClosedRange<UInt64>) throws(InvalidValue) -> UInt64 {
    guard let amount = Decimal(text.utf8[...]), amount.isWhole else {
        throw InvalidValue("is not a whole number")
    }
    guard let value = amount.multiplied(by: 1), range.contains(value) else {
        throw InvalidValue("is out of range")
    }
    return value
}

/// Permission bits in octal, with or without leading zeros.
///
/// - Throws: ``InvalidValue`` for anything but octal digits, and for bits beyond 0777: set-id and sticky bits mean
///   nothing on a socket.
package func parseMode(_ text: String) throws(InvalidValue) -> UInt32 {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }) else {
        throw InvalidValue("is not an octal number")
    }
    guard let mode = UInt32(text, radix: 8), mode <= 0o777 else { throw InvalidValue("is out of range") }
    return mode
}

/// User or group numbers, separated by commas.
///
/// - Throws: ``InvalidValue`` for an empty list or item, and for 4294967295, which the kernel takes for "none".
package func parseIDs(_ text: String) throws(InvalidValue) -> [UInt32] {
    var ids: [UInt32] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
        ids.append(UInt32(try parseCount(String(item), in: 0...UInt64(UInt32.max - 1))))
    }
    return ids
}

/// `true`, `yes` or `1`, `false`, `no` or `0`, in any case; nil for anything else.
func parseBoolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "1": true
    case "false", "no", "0": false
    default: nil
    }
}

/// Nanoseconds as a person would type them: in the largest unit that needs no decimals.
package func formatDuration(_ nanoseconds: UInt64) -> String {
    switch nanoseconds {
    case 0: "0s"
    case _ where nanoseconds % minute == 0: "\(nanoseconds / minute)m"
    case _ where nanoseconds % second == 0: "\(nanoseconds / second)s"
    case _ where nanoseconds % millisecond == 0: "\(nanoseconds / millisecond)ms"
    // The addition puts a digit before the decimals, which keeps their leading zeros. That digit is dropped.
    default: "\(nanoseconds / millisecond).\(String(nanoseconds % millisecond + millisecond).dropFirst())ms"
    }
}

/// Bytes as a person would type them: in the largest unit that needs no decimals.
package func formatSize(_ bytes: UInt64) -> String {
    switch bytes {
    case 0: "0B"
    case _ where bytes % gibibyte == 0: "\(bytes / gibibyte)GiB"
    case _ where bytes % mebibyte == 0: "\(bytes / mebibyte)MiB"
    case _ where bytes % kibibyte == 0: "\(bytes / kibibyte)KiB"
    default: "\(bytes)B"
    }
}

/// A decimal number as it was typed. It is exact: as a binary fraction, 0.3s would be another value.
private struct Decimal {
    private var whole: UInt64 = 0
    /// In billionths.
    private var fraction: UInt64 = 0
    private var overflowed = false
    private(set) var isWhole = true

    /// nil if the text is anything but digits, or digits, a point and one to nine digits.
    init?(_ text: Substring.UTF8View) {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, !first.isEmpty, parts.allSatisfy({ $0.allSatisfy(isDigit) }) else {
            return nil
        }
        if let value = UInt64(Substring(first)) { whole = value } else { overflowed = true }
        guard parts.count == 2 else { return }
        guard (1...9).contains(parts[1].count) else { return nil }
        isWhole = false
        fraction = parts[1].reduce(0) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) }
        for _ in parts[1].count..<9 { fraction *= 10 }
    }

    /// The number of `unit`s, rounded down to a whole number; nil if it needs more than 64 bits.
    func multiplied(by unit: UInt64) -> UInt64? {
        let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
        // The largest unit with decimals is a minute, and 6e10 times 1e9 overflows. So a part of the division comes
        // first.
        let part = fraction * (unit / 1000) / 1_000_000
        let (sum, carry) = product.addingReportingOverflow(part)
        return overflowed || overflow || carry ? nil : sum
    }
}

func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}
