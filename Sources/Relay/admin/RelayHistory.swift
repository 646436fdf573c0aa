internal import RelayCore
internal import TextFormats

/// `/history`: what the page draws of the time before it was opened. Names of fields are an interface.
struct RelayHistory: Sendable {
    /// Milliseconds since 1970.
    var now: UInt64
    var path: [PathHistory.Entry]
    var traffic: [TrafficHistory.Sample]

    /// The body, in JSON.
    var text: String {
        var json = JSONWriter()
        json.object { json in
            json.member("now_unix_ms", now)
            json.key("transitions")
            json.array { json in
                for entry in path { json.object { Self.write(entry, to: &$0) } }
            }
            json.key("samples")
            json.array { json in
                for sample in traffic { json.object { Self.write(sample, to: &$0) } }
            }
        }
        return json.text + "\n"
    }

    private static func write(_ entry: PathHistory.Entry, to json: inout JSONWriter) {
        json.member("unix_ms", entry.unixMilliseconds)
        json.member("state", entry.state.label)
        json.member("cause", entry.state == .up ? "" : entry.cause.label)
        json.member("publishing", entry.publishing)
        json.member("receiving", entry.receiving)
        json.member("gaps", entry.gaps)
    }

    private static func write(_ sample: TrafficHistory.Sample, to json: inout JSONWriter) {
        json.member("unix_ms", sample.unixMilliseconds)
        json.member("seconds", (seconds(sample.duration) * 1000).rounded() / 1000)
        json.member("published", sample.counts.published)
        json.member("received", sample.counts.received)
        json.member("delivered", sample.counts.delivered)
        json.member("lost", sample.counts.lost)
    }
}
