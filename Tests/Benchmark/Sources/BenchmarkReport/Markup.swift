/// Writes HTML that is also XML. It escapes text, and closes tags.
struct Markup {
    private(set) var text = ""

    /// An element whose content `body` writes. Without `body`, it is empty.
    mutating func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ body: ((inout Markup) -> Void)? = nil
    ) {
        text += "<" + name
        for (name, value) in attributes { text += " \(name)=\"\(Self.escaped(value))\"" }
        guard let body else {
            text += "/>\n"
            return
        }
        text += ">"
        body(&self)
        text += "</\(name)>\n"
    }

    /// An element that contains only text.
    mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String) {
        element(name, attributes) { $0.write(text) }
    }

    /// Text between tags.
    mutating func write(_ content: String) { text += Self.escaped(content) }

    /// A style sheet, which must contain neither `<` nor `&`.
    mutating func style(_ rules: String) { text += "<style>\n\(rules)\n</style>\n" }

    /// Adds what another `Markup` has written.
    mutating func write(_ other: Markup) { text += other.text }

    /// Characters that XML does not have become U+FFFD.
    static func escaped(_ content: String) -> String {
        var escaped = ""
        for scalar in content.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF:
                escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
