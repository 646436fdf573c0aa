/// All that keeps a relay from being started as it was asked to.
package struct ConfigurationErrors: Error, Equatable, CustomStringConvertible {
    /// At least one, in the order in which the settings are read.
    package let faults: [ConfigurationError]

    package init(faults: [ConfigurationError]) { self.faults = faults }

    /// One line for each.
    package var description: String { faults.map(\.description).joined(separator: "\n") }
}

/// Why a relay cannot be started as it was asked to: one line for the operator.
///
/// The line names the setting, first as it was given, by flag or by environment variable; the value with its secrets
/// masked; and what is allowed.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// What a value is not, as the parsers of single values say it; the setting's name and its range are added above.
package struct InvalidValue: Error, Equatable {
    /// The rest of a sentence that begins with the value: "is not a duration".
    package let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// Any text in quotes on one line: what is invisible is escaped, what is longer than `limit` characters is cut.
package func quoted(_ text: String, limit: Int = 100) -> String {
    let cut = text.unicodeScalars.index(
        text.startIndex, offsetBy: limit, limitedBy: text.endIndex)
    guard let cut, cut < text.endIndex else { return "\"\(escaped(text, quotes: true))\"" }
    return "\"\(escaped(String(text[..<cut]), quotes: true))...\""
}

/// Any text on one line: whatever could break the line, or hide or forge a part of it on a terminal, is escaped as
/// in Swift source. With `quotes` also `"` and `\`, so that the text can stand between quotes.
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
    /// Control and format characters, foreign line ends, and what no font has.
    var isInvisible: Bool {
        switch self {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        case .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
