extension Report {
    /// Aligned text for a terminal, with a line feed at its end: where it was measured, the tables, and what
    /// their columns mean. Control characters in names are shown as `?`.
    package var table: String {
        let name = "hubrelay benchmark"
        let width = header.map(\.name.count).max() ?? 0
        let head = header.map { "\(padded($0.name, to: width))  \(printable($0.value))" }
        let body = tables.isEmpty ? ["Nothing was measured."] : tables.map(\.terminalText)
        let tail = warnings.isEmpty ? [] : [(["Wrong:"] + warnings.map(printable)).joined(separator: "\n  ")]
        return ([([name] + head).joined(separator: "\n")] + body + tail).joined(separator: "\n\n") + "\n"
    }
}

extension FigureTable {
    /// Title, columns, rows and notes.
    fileprivate var terminalText: String {
        let cells = [columns.map(\.name)] + rows.map { $0.map(printable) }
        let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        let lines = cells.map { row in
            let texts = columns.indices.map { column in
                padded(row[column], to: widths[column], atLeft: columns[column].isText)
            }
            return trimmingEnd(texts.joined(separator: "  "))
        }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
        return ([title, lines[0], rule] + lines.dropFirst() + notes.map { "  " + $0 }).joined(separator: "\n")
    }
}

private func padded(_ text: String, to width: Int, atLeft: Bool = true) -> String {
    let blanks = String(repeating: " ", count: max(0, width - text.count))
    return atLeft ? text + blanks : blanks + text
}

private func trimmingEnd(_ text: String) -> String {
    String(text.reversed().drop { $0 == " " }.reversed())
}

/// The text without characters that would move the cursor or change the terminal.
private func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
}
