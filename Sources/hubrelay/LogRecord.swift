internal import Configuration
internal import Logging
internal import TextFormats

/// A record of the log on its way to a line.
struct LogRecord {
    let time: String
    let level: Logger.Level
    let message: String
    let fields: Logger.Metadata

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
