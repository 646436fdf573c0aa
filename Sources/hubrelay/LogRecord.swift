internal import Configuration
internal import Logging
internal import TextFormats

/// A record of the log, before it becomes a line.
struct LogRecord {
    let time: String
    let level: Logger.Level
    var message: String
    var fields: Logger.Metadata

    /// The line in this format. If it would have more than `maxBytes` bytes, all its values are cut to the same length
    /// until it fits: a program that reads logs cannot use half a line.
    /// - Parameter hasPriority: whether the line begins with its priority, as `<6>`.
    func line(_ format: LogFormat, maxBytes: Int, hasPriority: Bool = false) -> String {
        let start = hasPriority ? "<\(level.priority)>" : ""
        var line = start + text(format)
        var limit = maxBytes / 2
        while line.utf8.count > maxBytes, limit > 0 {
            line = start + cut(to: limit).text(format)
            limit /= 2
        }
        return line
    }

    private func text(_ format: LogFormat) -> String {
        switch format {
        case .text: textLine
        case .json: jsonLine
        }
    }

    /// A copy with at most `limit` characters of each text.
    private func cut(to limit: Int) -> LogRecord {
        var record = self
        record.message = message.cut(to: limit)
        record.fields = fields.mapValues { $0.cut(to: limit) }
        return record
    }

    /// `2026-11-21T01:02:03.456Z info message key=value`, with the keys in alphabetical order.
    var textLine: String {
        var line = TextLine("\(time) \(level) \(escaped(message, quotes: false))")
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line.add(TextLine.plainOrQuoted(key), "\(value)")
        }
        return line.text
    }

    /// `{"time":"...","level":"info","message":"...","key":"value"}`. The other fields are beside these three, and not
    /// inside a fourth one, because that is what log collectors index. A field with the name of one of the three gets a
    /// `_`.
    var jsonLine: String {
        var json = JSONWriter()
        json.object { json in
            json.member("time", time)
            json.member("level", "\(level)")
            json.member("message", message)
            for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
                json.key(["time", "level", "message"].contains(key) ? key + "_" : key)
                json.value(value)
            }
        }
        return json.text
    }
}

extension Logger.Level {
    /// The priority of syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}

extension String {
    fileprivate func cut(to limit: Int) -> String {
        let start = unicodeScalars.prefix(limit)
        return start.endIndex == endIndex ? self : String(start) + "..."
    }
}

extension Logger.MetadataValue {
    /// Cuts each text to `limit` characters, and an array also to `limit` entries. A dictionary becomes one text.
    /// Arrays and dictionaries contain nothing from outside.
    fileprivate func cut(to limit: Int) -> Logger.MetadataValue {
        switch self {
        case .string(let text): .string(text.cut(to: limit))
        case .stringConvertible(let other): .string("\(other)".cut(to: limit))
        case .array(let values): .array(values.prefix(limit).map { $0.cut(to: limit) })
        case .dictionary: .string("\(self)".cut(to: limit))
        }
    }
}

extension JSONWriter {
    /// A metadata value: text as a string, dictionaries and arrays as such.
    fileprivate mutating func value(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): string(text)
        case .stringConvertible(let other): string("\(other)")
        case .array(let values):
            array { json in
                for value in values { json.value(value) }
            }
        case .dictionary(let fields):
            object { json in
                for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
                    json.key(key)
                    json.value(value)
                }
            }
        }
    }
}
