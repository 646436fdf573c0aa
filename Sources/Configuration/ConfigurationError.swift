/// Everything that prevents the start of a relay with the given settings.
package struct ConfigurationErrors: Error, Equatable, CustomStringConvertible {
    /// At least one, in the order in which the settings are read.
    package let faults: [ConfigurationError]

    package init(faults: [ConfigurationError]) { self.faults = faults }

    /// One line for each fault.
    package var description: String { faults.map(\.description).joined(separator: "\n") }
}

/// Why a relay cannot be started with the given settings: one line for the operator.
///
/// The line names the setting, beginning with the flag or the environment variable by which it was given. It also has
/// the value, with its secrets masked, and what is allowed.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Why the parser of a single value refuses it. The caller adds the setting's name and its range.
package struct InvalidValue: Error, Equatable {
    /// The rest of a sentence that begins with the value: "is not a duration".
    package let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// Text in quotes on one line. Invisible characters are escaped, and text longer than `limit` characters is cut.
package func quoted(_ text: String, limit: Int = 100) -> String {
    let cut = text.unicodeScalars.index(
        text.startIndex, offsetBy: limit, limitedBy: text.endIndex)
    guard let cut, cut < text.endIndex else { return "\"\(escaped(text, quotes: true))\"" }
    return "\"\(escaped(String(text[..<cut]), quotes: true))...\""
}

/// Text on one line: whatever could break the line, or hide or forge a part of it on a terminal, is escaped as in Swift
/// source. With `quotes`, `"` and `\` are escaped too, so that the text can stand between quotes.
package func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"" where quotes, "\\" where quotes: result += "\\\(scalar)"
        case " "..."~": result.unicodeScalars.append(scalar)
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where scalar.properties.generalCategory.isInvisible:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

extension Unicode.GeneralCategory {
    /// Control and format characters, line and paragraph separators, and characters that no font has.
    var isInvisible: Bool {
        switch self {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        case .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
