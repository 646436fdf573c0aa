/// Text that a server sent, for people to read in logs and in `detail` fields.
package enum RedisText {
    /// How many bytes of UTF-8 are kept of one text.
    package static let maxBytes = 512

    /// At most `maxBytes` bytes of the text, cut after a whole character. Malformed UTF-8 and control characters (C0,
    /// DEL, C1, and the line and paragraph separators) become U+FFFD, so that a server can neither forge a log line nor
    /// control a terminal.
    package static func cleaned(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = ""
        // Cleaning makes no character shorter. The three more bytes complete a character that the cut would split.
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
