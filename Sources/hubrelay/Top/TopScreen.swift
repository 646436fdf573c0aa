internal import Configuration
internal import RelayCore

/// What `hubrelay top` shows at one moment, as lines.
struct TopScreen {
    /// What the relay has answered at one moment.
    struct Sample {
        /// `/health`, by the paths of its fields.
        var health: [String: String]
        var rows: [Row]
        /// Monotonic nanoseconds.
        var time: UInt64
    }

    var order: ClientOrder
    var latest: Sample?
    /// The sample before `latest`, for rates.
    var previous: Sample?
    /// Why there is no newer sample; nil if there is one.
    var failure: String?
    /// The address at which the relay is asked.
    var address: String
    var hasColors: Bool
    /// Whether it is drawn on a terminal. If not, it has no escape sequences; `hasColors` is false then, too.
    var isLive = true

    /// The keys that choose an order.
    static let keys: [(key: Character, order: ClientOrder)] = [
        ("i", .id), ("n", .name), ("a", .age), ("c", .channels), ("p", .published), ("d", .delivered), ("u", .unread),
        ("l", .lost),
    ]

    /// - Parameters:
    ///   - rows: how many lines there may be; nil: as many as are needed, and no line of keys.
    ///   - columns: how many characters a line may have.
    func lines(rows: Int?, columns: Int?) -> [String] {
        let head = headLines.map { fitted($0, columns) }
        guard let latest else { return Array(head.prefix(rows ?? .max)) }
        let table = Table.clients.lines(latest.rows, width: columns)
        var body = [styled(padded(table[0], columns), .title)]
        for (row, line) in zip(latest.rows, table.dropFirst()) {
            body.append(row.number("unread_bytes") > 0 || isLosing(row) ? styled(line, .bad) : line)
        }
        guard let rows else { return head + [""] + body }
        let room = max(0, rows - head.count - 2)
        return Array((head + [""] + body.prefix(room)).prefix(max(0, rows - 1))) + [fitted(keyLine, columns)]
    }

    // MARK: The head

    private var headLines: [String] {
        guard let latest else { return [failure ?? "asking \(address)"] }
        let health = latest.health
        func text(_ name: String) -> String { escaped(health[name] ?? "-", quotes: false) }
        let state = text("status")
        var first = "hubrelay \(text("version"))  " + styled(state.uppercased(), state == "up" ? .good : .bad)
        first += " since \(text("since"))  outages \(text("outages"))  gaps \(text("gaps"))"
        if let seconds = health["probe.round_trip_seconds"].flatMap(Double.init) {
            first += "  round trip \(Self.milliseconds(seconds))"
        }
        var lines = [
            first,
            "clients \(text("connections"))  subscriptions \(text("subscriptions"))  names \(text("names"))  unread "
                + shortSize(health["buffered_bytes"].flatMap(Double.init) ?? 0),
            rateLine,
        ]
        if state != "up" { lines.append(styled("\(text("cause").uppercased()): \(text("reason"))", .bad)) }
        if let failure { lines.append(styled(failure, .bad)) }
        return lines
    }

    private var rateLine: String {
        func rate(_ names: [String]) -> String {
            guard let latest, let previous, latest.time > previous.time,
                latest.health["relay_id"] == previous.health["relay_id"]
            else { return "-" }
            func sum(_ sample: Sample) -> Double {
                names.reduce(0) { $0 + (sample.health[$1].flatMap(Double.init) ?? 0) }
            }
            let seconds = Double(latest.time - previous.time) / 1_000_000_000
            return shortNumber(max(0, sum(latest) - sum(previous)) / seconds) + "/s"
        }
        let publishes = ["ok", "not_connected", "interrupted", "refused", "invalid"].map { "publishes.\($0)" }
        let losses = ["slow_reader", "too_large", "bad_name"].map { "messages.lost.\($0)" }
        return "published \(rate(publishes))  received \(rate(["messages.received"]))  delivered "
            + "\(rate(["messages.delivered"]))  lost \(rate(losses))"
    }

    private static func milliseconds(_ seconds: Double) -> String {
        guard seconds >= 0, seconds < 1e6 else { return "-" }
        return "\((seconds * 10_000).rounded() / 10) ms"
    }

    /// Whether the client has lost messages since the previous sample.
    private func isLosing(_ row: Row) -> Bool {
        guard let before = previous?.rows.first(where: { $0["id"] == row["id"] }) else { return false }
        return row.number("lost") > before.number("lost")
    }

    private var keyLine: String {
        Self.keys.map { key, order in order == self.order ? "[\(key) \(order.rawValue)]" : "\(key) \(order.rawValue)" }
            .joined(separator: "  ") + "  q quit"
    }

    // MARK: Style

    private enum Style { case title, good, bad }

    /// Without colours the title is still in reverse video: NO_COLOR is only about colours.
    private func styled(_ text: String, _ style: Style) -> String {
        switch style {
        case .title: isLive ? "\u{1b}[7m\(text)\u{1b}[0m" : text
        case .good: hasColors ? "\u{1b}[32m\(text)\u{1b}[0m" : text
        case .bad: hasColors ? "\u{1b}[31m\(text)\u{1b}[0m" : text
        }
    }

    private func padded(_ text: String, _ columns: Int?) -> String {
        text + String(repeating: " ", count: max(0, (columns ?? 0) - displayWidth(text)))
    }

    /// A line that takes at most `columns` columns. Its escape sequences take none.
    private func fitted(_ line: String, _ columns: Int?) -> String {
        guard let columns else { return line }
        var (shown, rest, room) = ("", line[...], columns)
        while !rest.isEmpty {
            let plain = rest.prefix { $0 != "\u{1b}" }
            let clipped = clipped(String(plain), to: room)
            shown += clipped
            room -= displayWidth(clipped)
            rest = rest.dropFirst(plain.count)
            guard rest.first == "\u{1b}", let end = rest.firstIndex(of: "m") else { continue }
            shown += rest[...end]
            rest = rest[rest.index(after: end)...]
        }
        return shown
    }
}
