/// Text that a server sent and people will read, in logs and in `detail` fields.
package enum RedisText {
    /// UTF-8 bytes that are kept of one text.
    package static let maxBytes = 512

    /// At most `maxBytes` bytes of the text, ended on a whole character. Malformed UTF-8 and control characters
    /// (C0, DEL, C1, and the line and paragraph separators) become U+FFFD: a server can neither forge a log
    /// line nor steer a terminal.
    package static func cleaned(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = ""
        // No character grows shorter by the cleaning, and three bytes more end the one that the cut would split.
        for scalar in String(decoding: bytes.prefix(maxBytes + 3), as: UTF8.self).unicodeScalars {
            let shown = isControl(scalar) ? "\u{FFFD}" : scalar
            guard text.utf8.count + UTF8.width(shown) <= maxBytes else { break }
            text.unicodeScalars.append(shown)
        }
        return text
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029: true
        default: false
        }
    }
}
