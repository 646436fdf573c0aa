/// Lends a copy of `bytes` that begins and ends where its allocation does, so that AddressSanitizer sees any read
/// beyond it.
func lending<Result>(
    _ bytes: some Collection<UInt8>, _ body: (UnsafeRawBufferPointer) throws -> Result
) rethrows -> Result {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return try body(UnsafeRawBufferPointer(copy))
}

/// Lends the UTF-8 of a text, as `lending` does.
func lending<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try lending(Array(text.utf8), body)
}

/// The bodies of the whole frames that `bytes` begin with, and the bytes after them.
func splitFrames(_ bytes: [UInt8]) -> (bodies: [[UInt8]], rest: [UInt8]) {
    var bodies: [[UInt8]] = []
    var rest = bytes[...]
    while rest.count >= 4 {
        let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard rest.count >= 4 + length else { break }
        bodies.append(Array(rest.dropFirst(4).prefix(length)))
        rest = rest.dropFirst(4 + length)
    }
    return (bodies, Array(rest))
}
