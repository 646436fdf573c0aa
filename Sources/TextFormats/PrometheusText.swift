/// Writes the Prometheus text exposition format, version 0.0.4: the HELP and TYPE of each family once, then its
/// samples.
package struct PrometheusText {
    /// The type of a family: a counter only grows until the process restarts.
    package enum Kind: String { case counter, gauge, histogram }

    /// What has been written so far.
    package private(set) var text = ""

    package init() {}

    /// Begins a family; its samples follow. To be called once for each name, or Prometheus refuses the whole text.
    /// - Parameter name: matches `[a-zA-Z_:][a-zA-Z0-9_:]*`; a counter's ends in `_total`.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// One sample of the family that was begun last, with label names and values.
    package mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: UInt64) {
        line(name, labels, "\(value)")
    }

    /// One sample with a fraction. It may also be an infinity or NaN, which this format has.
    package mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: Double) {
        line(name, labels, Self.number(value))
    }

    /// A family with one sample without labels.
    package mutating func metric(_ name: String, _ kind: Kind, _ help: String, _ value: UInt64) {
        family(name, kind, help)
        sample(name, [], value)
    }

    /// A family with one sample without labels.
    package mutating func metric(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        family(name, kind, help)
        sample(name, [], value)
    }

    /// A histogram without labels.
    /// - Parameter buckets: ascending upper bounds, each with the count of only its own bucket.
    /// - Parameter overflow: the count beyond the last bound.
    package mutating func histogram(
        _ name: String, _ help: String, buckets: [(bound: Double, count: UInt64)], overflow: UInt64,
        sum: Double
    ) {
        family(name, .histogram, help)
        var cumulative: UInt64 = 0
        for (bound, count) in buckets {
            cumulative += count
            sample("\(name)_bucket", [("le", Self.number(bound))], cumulative)
        }
        cumulative += overflow
        sample("\(name)_bucket", [("le", "+Inf")], cumulative)
        sample("\(name)_sum", [], sum)
        sample("\(name)_count", [], cumulative)
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: String) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.0)=\"\(Self.escaped($0.1, quotes: true))\"" }
            text += "{" + pairs.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isFinite { return "\(value)" }
        return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
