internal import RelayCore
internal import TextFormats

extension ReceivedFrame {
    /// The frame as a JSON object on one line; nil for a frame that nobody has a use for.
    var jsonLine: String? {
        switch self {
        case .welcome(let welcome): welcome.status.jsonLine
        case .message(let message): message.jsonLine
        case .reply(let reply): reply.jsonLine
        case .status(let status): status.jsonLine
        case .loss(let loss): loss.jsonLine
        case .revoked(let channels, let patterns, let detail):
            object("revoked") { json in
                json.member("channels", channels)
                json.member("patterns", patterns)
                json.member("detail", detail)
            }
        case .error, .unknown: nil
        }
    }
}

/// An object with the kind of event first.
private func object(_ type: String, _ members: (inout JSONWriter) -> Void) -> String {
    var json = JSONWriter()
    json.object { json in
        json.member("type", type)
        members(&json)
    }
    return json.text
}

extension ReceivedFrame.Message {
    /// Has `payload` if it is UTF-8, or else `payload_base64`.
    fileprivate var jsonLine: String {
        object("message") { json in
            json.member("channel", channel)
            if let pattern { json.member("pattern", pattern) }
            if let text = String(validating: payload, as: UTF8.self) {
                json.member("payload", text)
            } else {
                json.member("payload_base64", base64(payload))
            }
        }
    }
}

extension ReceivedFrame.Reply {
    fileprivate var jsonLine: String {
        object("reply") { json in
            json.member("outcome", outcomeLabel)
            json.member("receivers", receivers)
            json.member("detail", detail)
        }
    }

    /// `names` has the names that were asked for, `refused` those channels and patterns of them that Redis refused.
    func jsonLine(toSubscribe names: [String]) -> String {
        object("reply") { json in
            json.member("outcome", outcomeLabel)
            json.member("names", names)
            json.member("refused") { json in
                json.member("channels", channels)
                json.member("patterns", patterns)
            }
            json.member("detail", detail)
        }
    }
}

extension ReceivedFrame.Status {
    fileprivate var jsonLine: String {
        object("status") { json in
            json.member("state", stateLabel)
            json.member("publishing", publishing)
            json.member("receiving", receiving)
            json.member("since_unix_ms", sinceUnixMilliseconds)
            json.member("outages", outages)
            json.member("gaps", gaps)
            json.member("down_ms", downMilliseconds)
            json.member("cause", causeLabel(cause))
            json.member("reason", reason)
        }
    }
}

extension ReceivedFrame.Loss {
    fileprivate var jsonLine: String {
        object("loss") { json in
            json.member("messages", messages)
            json.member("publishes", publishes)
            json.member("publishes_unknown", publishesUnknown)
            json.member("cause", causeLabel(cause))
            json.member("reason", reason)
        }
    }
}

/// Standard base64 with padding (RFC 4648, section 4).
func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
        for index in 0..<4 {
            let isPadding = index > group.count
            text.append(isPadding ? UInt8(ascii: "=") : alphabet[bits >> (18 - 6 * index) & 63])
        }
    }
    return String(decoding: text, as: UTF8.self)
}
