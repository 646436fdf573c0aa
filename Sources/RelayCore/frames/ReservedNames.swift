/// The length of `__hubrelay:probe:`, of `__hubrelay:fence:` and of `__hubrelay:fleet:`, in bytes.
let reservedNameCount = 17

/// Whether `__hubrelay:probe:`, `__hubrelay:fence:` or `__hubrelay:fleet:` stands anywhere in a channel. Such a channel
/// is a relay's own, whatever the prefix of that relay is.
/// - Parameter start: the first byte at which the name may begin.
@inline(__always)
package func containsReservedName(_ channel: UnsafeRawBufferPointer, from start: Int) -> Bool {
    channel.count - start >= reservedNameCount && findReservedName(in: channel, from: start)
}

/// Nearly every channel has none, and then few of its bytes are read. The byte at which `__hubrelay:` might end says
/// how far away the next possible end is. All bytes of `__hubrelay:` differ, except the underscores.
private func findReservedName(in channel: UnsafeRawBufferPointer, from start: Int) -> Bool {
    let last = reservedNamePrefix.utf8CodeUnitCount - 1
    var end = start + last
    while end < channel.count {
        switch channel[end] {
        case UInt8(ascii: ":"):
            let name = UnsafeRawBufferPointer(rebasing: channel[(end - last)...])
            if hasPrefix(name, probeNamePrefix) || hasPrefix(name, fenceNamePrefix) { return true }
            if hasPrefix(name, fleetNamePrefix) { return true }
            end += last + 1
        case UInt8(ascii: "y"): end += 1
        case UInt8(ascii: "a"): end += 2
        case UInt8(ascii: "l"): end += 3
        case UInt8(ascii: "e"): end += 4
        case UInt8(ascii: "r"): end += 5
        case UInt8(ascii: "b"): end += 6
        case UInt8(ascii: "u"): end += 7
        case UInt8(ascii: "h"): end += 8
        case UInt8(ascii: "_"): end += 9
        default: end += last + 1
        }
    }
    return false
}
