internal import Configuration
internal import Logging
internal import TextFormats

/// A record of the log on its way to a line.
struct LogRecord {
    let time: String
    let level: Logger.Level
    var message: String
    var fields: Logger.Metadata

    /// The line in this format. Where it would have more than `maxBytes` bytes, its values are cut, all at the same length,
    /// until it fits: nothing that reads logs has use for half a line.
    /// - Parameter hasPriority: whether it begins with its priority, as `<6>`.
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

    /// With at most so many characters of each text.
    private func cut(to limit: Int) -> LogRecord {
        var record = self
        record.message = message.cut(to: limit)
        record.fields = fields.mapValues { $0.cut(to: limit) }
        return record
    }

    /// `2026-11-21T01:02:03.456Z info message key=value`, the keys in the order of the alphabet.
    var textLine: String {
        var line = TextLine("\(time) \(level) \(escaped(message, quotes: false))")
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line.add(TextLine.plainOrQuoted(key), "\(value)")
        }
        return line.text
    }

    /// `{"time":"...","level":"info","message":"...","key":"value"}`: the fields beside the three, and not inside a
    /// fourth, because that is what log collectors index. A field with the name of one of the three gets a `_`.
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
    /// That of syslog(3).
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
    /// Of a list or a dictionary, as many entries; they have nothing that came from outside.
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
