/// Changes an address by whole parts: inserts an IP address that is legal or nearly so, or a setting with a value at
/// the edge of its range. Changes of single bytes rarely make either.
///
/// - Parameter settings: the settings that such an address may have; may be empty.
func mutateAddress(
    _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maxSize: Int, seed: UInt32, settings: [String]
) -> Int {
    var choices = withUnsafeBytes(of: seed) { Choices($0) }
    guard choices.next(4) == 0 else { return mutateBytes(data, size, maxSize) }
    let text = Array(UnsafeBufferPointer(start: data, count: size))
    let place = choices.next(size + 1)
    let part: String
    if !settings.isEmpty, choices.next(2) == 0 {
        part = ",\(settings[choices.next(settings.count)])=\(values[choices.next(values.count)]),"
    } else {
        let address = ipAddress(&choices)
        // The address alone is an input as well. It is compared with what the C library makes of it.
        if choices.next(2) == 0 { return replace(data, with: Array(address.utf8), maxSize) }
        part = choices.next(2) == 0 ? "[\(address)]" : address
    }
    return replace(data, with: text[..<place] + Array(part.utf8) + text[place...], maxSize)
}

private let values = [
    "", "0", "1", "-1", "true", "false", "2147483647", "2147483648", "0x1", "1.5", " 1", "tls12|tls13",
]

private func replace(_ data: UnsafeMutablePointer<UInt8>, with changed: [UInt8], _ maxSize: Int) -> Int {
    let count = min(changed.count, maxSize)
    data.update(from: changed, count: count)
    return count
}

/// An address. It may have one group less or more than allowed, and `::` at any place, allowed or not.
private func ipAddress(_ choices: inout Choices) -> String {
    let v4 = (0..<4 + choices.next(8) / 7).map { _ in ["0", "1", "10", "255", "256", "01"][choices.next(6)] }
        .joined(separator: ".")
    guard choices.next(4) > 0 else { return v4 }
    let groups = (0..<choices.next(10)).map { _ in ["0", "1", "db8", "ffff", "10000", "A0"][choices.next(6)] }
    var parts = groups
    if choices.next(8) == 0 { parts.append(v4) }
    let zeros = choices.next(parts.count + 2)
    guard zeros <= parts.count else { return parts.joined(separator: ":") }
    return parts[..<zeros].joined(separator: ":") + "::" + parts[zeros...].joined(separator: ":")
}
