/// Whether `bytes` are well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing over
/// U+10FFFF). Names are short and nearly always ASCII, so ASCII is tried first, eight bytes at a time.
@inline(__always)
package func isValidUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    isASCII(bytes) || isWellFormed(bytes)
}

/// Whether no byte is over 127. The last word may overlap the one before it, so that no word reaches past the end.
@inline(__always)
private func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let count = bytes.count
    guard count >= 8 else { return isASCIIShort(bytes) }
    var high = bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
    var index = 0
    while index + 8 < count {
        high |= bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        index += 8
    }
    return high & 0x8080_8080_8080_8080 == 0
}

@inline(__always)
private func isASCIIShort(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let count = bytes.count
    if count >= 4 {
        let high =
            bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
            | bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
        return high & 0x8080_8080 == 0
    }
    var high: UInt8 = 0
    for index in 0..<count { high |= bytes[index] }
    return high < 128
}

private func isWellFormed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    let count = bytes.count
    while index < count {
        if bytes[index] < 0x80 {
            index += 1
            continue
        }
        let length = sequenceLength(bytes, at: index)
        guard length > 0 else { return false }
        index += length
    }
    return true
}

/// The length of the well-formed sequence of several bytes that begins at `index`; 0 if there is none.
private func sequenceLength(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int {
    let lead = bytes[index]
    let length: Int
    let second: ClosedRange<UInt8>  // what may follow the lead byte
    switch lead {
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return 0
    }
    guard index + length <= bytes.count, second.contains(bytes[index + 1]) else { return 0 }
    for offset in 2..<4 where offset < length && bytes[index + offset] & 0xC0 != 0x80 { return 0 }
    return length
}
