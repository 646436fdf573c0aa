internal import Configuration

extension Table {
    /// The clients of a relay.
    static var clients: Table {
        Table(columns: [
            Column(title: "ID", isNumber: true) { plain($0["id"]) },
            Column(title: "NAME", isFlexible: true) { plain($0["name"]) },
            Column(title: "UID", isNumber: true) { plain($0["uid"]) },
            Column(title: "PID", isNumber: true) { plain($0["pid"]) },
            Column(title: "AGE", isNumber: true) { shortDuration($0.number("age_seconds")) },
            Column(title: "CHANNELS", isNumber: true) { plain($0["channels"]) },
            Column(title: "PUB/S", isNumber: true) { shortNumber($0.number("published_per_second")) },
            Column(title: "DELIV/S", isNumber: true) { shortNumber($0.number("delivered_per_second")) },
            Column(title: "UNREAD", isNumber: true) { shortSize($0.number("unread_bytes")) },
            Column(title: "LOST", isNumber: true) { plain($0["lost"]) },
            Column(title: "", cell: clientNote),
        ])
    }

    /// The channels and patterns that a relay holds.
    static var channels: Table {
        Table(columns: [
            Column(title: "NAME", isFlexible: true) { plain($0["name"]) },
            Column(title: "KIND") { $0["pattern"] == "true" ? "pattern" : "channel" },
            Column(title: "SUBSCRIBERS", isNumber: true) { plain($0["subscribers"]) },
            Column(title: "PENDING", isNumber: true) { plain($0["pending"]) },
            Column(title: "") { $0["in_force"] == "true" ? "" : "not in force" },
        ])
    }

    /// The relays that a relay hears.
    static var fleet: Table {
        Table(columns: [
            Column(title: "HOST", isFlexible: true) { plain($0["host"]) },
            Column(title: "SOCKET") { plain($0["socket"]) },
            Column(title: "RELAY") { plain(String($0["relay_id"].prefix(8))) },
            Column(title: "VERSION") { plain($0["version"]) },
            Column(title: "STATE") { $0["silent"] == "true" ? "silent" : plain($0["state"]) },
            Column(title: "FOR", isNumber: true) { row in
                shortDuration(row.number(row["silent"] == "true" ? "heard_seconds_ago" : "state_seconds"))
            },
            Column(title: "ROUND TRIP", isNumber: true) { shortMilliseconds($0["round_trip_seconds"]) },
            Column(title: "CLIENTS", isNumber: true) { plain($0["clients"]) },
            Column(title: "HEARD", isNumber: true) { row in
                row["self"] == "true" ? "itself" : shortDuration(row.number("heard_seconds_ago")) + " ago"
            },
        ])
    }

    /// `<0.1ms`, `0.3ms`, `12ms`; `-` if it is unknown.
    private static func shortMilliseconds(_ seconds: String) -> String {
        guard let seconds = Double(seconds) else { return "-" }
        return seconds < 0.0001 ? "<0.1ms" : shortNumber(seconds * 1000) + "ms"
    }

    /// What is unusual about a client.
    private static func clientNote(_ row: Row) -> String {
        if row["stage"] != "serving" { return plain(row["stage"]) }
        return row["held_back"] == "true" ? "held back" : ""
    }

    /// Text from outside, escaped; `-` if it is empty.
    private static func plain(_ text: String) -> String { text.isEmpty ? "-" : escaped(text, quotes: false) }
}

/// `7s`, `12m`, `3h05m`, `2d07h`.
func shortDuration(_ seconds: Double) -> String {
    guard seconds >= 0, seconds < 1e9 else { return "-" }
    let whole = Int(seconds)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    switch whole {
    case ..<60: return "\(whole)s"
    case ..<3600: return "\(whole / 60)m"
    case ..<86400: return "\(whole / 3600)h\(two(whole / 60 % 60))m"
    default: return "\(whole / 86400)d\(two(whole / 3600 % 24))h"
    }
}

/// `0`, `0.4`, `17`, `1.2k`, `3.4M`.
func shortNumber(_ value: Double) -> String { scaled(value, by: 1000, units: ["", "k", "M", "G", "T"]) }

/// `0B`, `17B`, `1.2KiB`, `3.4MiB`.
func shortSize(_ bytes: Double) -> String { scaled(bytes, by: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB"]) }

private func scaled(_ value: Double, by factor: Double, units: [String]) -> String {
    guard value >= 0, value < 1e24 else { return "-" }
    var (value, unit) = (value, 0)
    while value >= factor, unit + 1 < units.count { (value, unit) = (value / factor, unit + 1) }
    let tenths = (value * 10).rounded() / 10
    guard tenths < 10, tenths != tenths.rounded() else { return "\(UInt64(tenths.rounded()))\(units[unit])" }
    return "\(tenths)\(units[unit])"
}
