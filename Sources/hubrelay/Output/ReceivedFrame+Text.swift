internal import RelayCore

extension ReceivedFrame {
    /// The frame as a line for people; nil for a frame that a person has no use for.
    var textLine: String? {
        switch self {
        case .welcome(let welcome): welcome.status.textLine
        case .message(let message): message.textLine
        case .reply(let reply): reply.textLine
        case .status(let status): status.textLine
        case .loss(let loss): loss.textLine
        case .revoked(let channels, let patterns, let detail):
            Self.textLine(revoked: channels + patterns, detail: detail)
        case .error, .unknown: nil
        }
    }

    private static func textLine(revoked names: [String], detail: String) -> String {
        var line = TextLine("revoked")
        for name in names { line.addName(name) }
        if !detail.isEmpty { line.add("detail", detail) }
        return line.text
    }
}

extension ReceivedFrame.Message {
    fileprivate var textLine: String {
        var line = TextLine("message")
        line.addName(channel)
        if let text = String(validating: payload, as: UTF8.self) {
            line.addQuoted(text)
        } else {
            line.add("0x" + hexDigits(payload))
        }
        if let pattern { line.add("pattern", pattern) }
        return line.text
    }
}

extension ReceivedFrame.Reply {
    /// `OK receivers=2`, or the outcome with what the relay says about it.
    fileprivate var textLine: String {
        var line = TextLine(outcomeLabel.uppercased())
        if outcome == UInt64(Outcome.ok.rawValue) { line.add("receivers", receivers) }
        if !detail.isEmpty { line.addQuoted(detail) }
        for channel in channels { line.add("channel", channel) }
        for pattern in patterns { line.add("pattern", pattern) }
        return line.text
    }

    /// `subscribed room.7`, `pending room.7`, or the outcome with what the relay says about it.
    func textLine(toSubscribe names: [String]) -> String {
        var line: TextLine
        switch outcome {
        case UInt64(Outcome.ok.rawValue): line = TextLine("subscribed")
        case UInt64(Outcome.pending.rawValue): line = TextLine("pending")
        default: return textLine
        }
        for name in names { line.addName(name) }
        return line.text
    }

    /// The outcome's name. A number that this version does not know is shown as a number.
    var outcomeLabel: String {
        UInt8(exactly: outcome).flatMap(Outcome.init(rawValue:))?.label ?? "outcome_\(outcome)"
    }
}

extension ReceivedFrame.Status {
    /// `status UP publishing receiving outages=0 gaps=0`.
    fileprivate var textLine: String {
        var line = TextLine("status")
        line.add(stateLabel.uppercased())
        if publishing { line.add("publishing") }
        if receiving { line.add("receiving") }
        line.add("outages", outages)
        line.add("gaps", gaps)
        if downMilliseconds != 0 { line.add("down_ms", downMilliseconds) }
        if cause != 0 { line.add("cause", causeLabel(cause)) }
        if !reason.isEmpty { line.addQuoted(reason) }
        return line.text
    }

    var stateLabel: String {
        UInt8(exactly: state).flatMap(State.init(rawValue:))?.label ?? "state_\(state)"
    }
}

extension ReceivedFrame.Loss {
    fileprivate var textLine: String {
        var line = TextLine("loss")
        if messages != 0 { line.add("messages", messages) }
        if publishes != 0 { line.add("publishes", publishes) }
        if publishesUnknown != 0 { line.add("publishes_unknown", publishesUnknown) }
        line.add("cause", causeLabel(cause))
        if !reason.isEmpty { line.addQuoted(reason) }
        return line.text
    }
}

/// A cause's name. A number that this version does not know is shown as a number.
func causeLabel(_ cause: UInt64) -> String {
    UInt8(exactly: cause).flatMap(Cause.init(rawValue:))?.label ?? "cause_\(cause)"
}

/// Lower-case hex digits, two per byte.
func hexDigits(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
