/// What the fuzz targets share. They are compiled together with the sources that they test, as one module. So all code
/// is instrumented, and nothing has to be exported for the purpose.

/// Cuts `input` into pieces and calls `feed` with a copy of each. The copy is freed afterwards, so that the sanitizer
/// finds a read beyond it or after it. `size` returns the length of each piece.
func inPieces(
    _ input: UnsafeRawBufferPointer, size: () -> Int, feed: (UnsafeRawBufferPointer) -> Bool
) {
    var rest = input
    repeat {
        let count = min(max(size(), 0), rest.count)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { piece.deallocate() }
        piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        guard feed(UnsafeRawBufferPointer(piece)) else { return }
    } while !rest.isEmpty
}

/// Numbers that depend only on the input, so that a finding can be repeated.
struct Choices {
    private var state: UInt64

    init(_ input: UnsafeRawBufferPointer) {
        // FNV-1a.
        state = input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// A number from 0 up to, but not including, `bound`.
    mutating func next(_ bound: Int) -> Int {
        state = state &* 0x5851_F42D_4C95_7F2D &+ 0x1405_7B7E_F767_814F
        return Int((state >> 33) % UInt64(bound))
    }
}

extension [UInt8] {
    /// Adds bytes that cannot be mistaken for others added beside them.
    mutating func log(_ tag: Character, _ parts: UnsafeRawBufferPointer?...) {
        append(contentsOf: String(tag).utf8)
        for part in parts {
            append(contentsOf: "\(part?.count ?? -1):".utf8)
            if let part { append(contentsOf: part) }
        }
    }

    /// Adds text in the same way.
    mutating func log(_ tag: Character, _ text: String) {
        var text = text
        text.withUTF8 { log(tag, UnsafeRawBufferPointer($0)) }
    }
}
