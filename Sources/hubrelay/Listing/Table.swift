internal import Configuration

/// A table for people. Text from outside is escaped before it gets here, so that nothing in it can move the cursor,
/// change colours or break a line.
struct Table {
    struct Column {
        var title: String
        /// Numbers are aligned to the right.
        var isNumber = false
        /// Whether the column takes the width that the others leave, if a width is given. Its cells are cut then.
        var isFlexible = false
        var cell: (Row) -> String
    }

    var columns: [Column]

    /// The title line and a line for each row, without trailing blanks.
    /// - Parameter width: how many characters a line may have; nil: as many as it needs.
    func lines(_ rows: [Row], width: Int? = nil) -> [String] {
        let cells = [columns.map(\.title)] + rows.map { row in columns.map { $0.cell(row) } }
        var widths = columns.indices.map { column in cells.map { displayWidth($0[column]) }.max() ?? 0 }
        if let width, let flexible = columns.firstIndex(where: \.isFlexible) {
            let others = widths.reduce(0, +) - widths[flexible] + Self.gap.count * (columns.count - 1)
            widths[flexible] = max(Self.leastWidth, min(widths[flexible], width - others))
        }
        return cells.map { line($0, widths, width) }
    }

    private static let gap = "  "
    /// The least width of a column whose cells are cut.
    private static let leastWidth = 8

    private func line(_ cells: [String], _ widths: [Int], _ width: Int?) -> String {
        var line = ""
        for (index, column) in columns.enumerated() {
            let cell = clipped(cells[index], to: widths[index])
            let padding = String(repeating: " ", count: widths[index] - displayWidth(cell))
            line += (index == 0 ? "" : Self.gap) + (column.isNumber ? padding + cell : cell + padding)
        }
        while line.last == " " { line.removeLast() }
        return width.map { clipped(line, to: $0) } ?? line
    }
}

/// How many cells of a terminal a text without control characters takes.
func displayWidth(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + $1.cells } }

/// The text, cut to at most `width` cells. A text that was cut ends with `~`.
func clipped(_ text: String, to width: Int) -> String {
    guard displayWidth(text) > width else { return text }
    guard width > 0 else { return "" }
    var cut = String.UnicodeScalarView()
    var left = width - 1
    for scalar in text.unicodeScalars {
        left -= scalar.cells
        if left < 0 { break }
        cut.append(scalar)
    }
    return String(cut) + "~"
}

extension Unicode.Scalar {
    /// Scripts whose characters take two cells (UAX 11). The ranges are good enough for a table.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60,
        0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1faff, 0x20000...0x3fffd,
    ]

    fileprivate var cells: Int {
        if value < 0x300 { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: return Self.wide.contains { $0.contains(value) } ? 2 : 1
        }
    }
}
