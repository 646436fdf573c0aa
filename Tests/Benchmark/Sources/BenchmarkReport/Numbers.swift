// Numbers as people read them. A dash stands for what is not known.

/// Stands in place of a figure that is not known.
let unknown = "–"

/// A number with `decimals` decimals and with commas between thousands, rounded half away from zero.
func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return unknown }
    let factor = power(of: 10, decimals)
    let scaled = (value.magnitude * factor).rounded()
    guard scaled < 1e18 else { return "\(value)" }
    let digits = UInt64(scaled)
    let sign = value < 0 && digits > 0 ? "-" : ""
    let whole = sign + grouped(digits / UInt64(factor))
    guard decimals > 0 else { return whole }
    let fraction = String(digits % UInt64(factor))
    return whole + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
}

/// A number with three significant digits, or with all digits before the point if they are more.
func brief(_ value: Double?) -> String {
    guard let value else { return unknown }
    let decimals =
        switch value.magnitude {
        case ..<0.9995: 3
        case ..<9.995: 2
        case ..<99.95: 1
        default: 0
        }
    return fixed(value, decimals: decimals)
}

/// The nearest whole number.
func whole(_ value: Double?) -> String { value.map { fixed($0, decimals: 0) } ?? unknown }

func whole(_ value: Int) -> String { (value < 0 ? "-" : "") + grouped(UInt64(value.magnitude)) }

/// A number of bytes in MiB.
func mebibytes(_ bytes: Double?) -> String { bytes.map { fixed($0 / 1_048_576, decimals: 1) } ?? unknown }

/// A multiple, with its range in parentheses.
func multiple(_ spread: Spread?) -> String {
    guard let spread else { return unknown }
    let range = (fixed(spread.min, decimals: 2), fixed(spread.max, decimals: 2))
    let median = fixed(spread.median, decimals: 2)
    return range.0 == range.1 ? median : "\(median) (\(range.0)–\(range.1))"
}

/// A count as the label of an axis: 500, 20k, 1M.
func axisCount(_ value: Double) -> String {
    for (factor, suffix) in [(1e6, "M"), (1e3, "k")] where value >= factor {
        return trimmed(value / factor) + suffix
    }
    return trimmed(value)
}

/// A number of bytes as the label of an axis: 200 B, 16 KiB.
func axisBytes(_ value: Double) -> String {
    for (factor, suffix) in [(1_048_576.0, " MiB"), (1024.0, " KiB")] where value >= factor {
        return trimmed(value / factor) + suffix
    }
    return trimmed(value) + " B"
}

/// A number with as many decimals as needed, but at most three.
func trimmed(_ value: Double) -> String {
    let decimals = (0...2).first { decimals in
        let scaled = value * power(of: 10, decimals)
        return abs(scaled - scaled.rounded()) < 1e-6 * max(1, abs(scaled))
    }
    return fixed(value, decimals: decimals ?? 3)
}

func power(of base: Double, _ exponent: Int) -> Double {
    let product = (0..<Int(exponent.magnitude)).reduce(1.0) { product, _ in product * base }
    return exponent < 0 ? 1 / product : product
}

private func grouped(_ value: UInt64) -> String {
    let digits = String(value)
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
        text.append(digit)
    }
    return text
}
