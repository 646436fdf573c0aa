/// Whatever a server sends, the reader does not crash, does not leak, and stays within its limits. However the bytes
/// arrive, its result is the same, and the same as that of a slow and plain reader.
func fuzzReplyReader(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    let whole = read(input) { input.count }
    let bytewise = read(input) { 1 }
    let mixed = read(input) { choices.next(40) }
    precondition(whole.events == bytewise.events && whole.events == mixed.events)
    precondition(whole.hasFailed == bytewise.hasFailed && whole.hasFailed == mixed.hasFailed)
    precondition(whole.pending == bytewise.pending && whole.pending == mixed.pending)

    let plain = LoggingSink()
    let isMalformed = PlainReplies.read(input, into: plain)
    precondition(whole.events == plain.events)
    // The reader often notices a fault earlier than a reader of whole replies.
    precondition(whole.hasFailed || !isMalformed)

    let last = choices.next(whole.count + 1)
    let stopped = read(input, stopAfter: last) { choices.next(1_000) }
    precondition(stopped.count == last && whole.events.starts(with: stopped.events))

    var tight = ReplyLimits()
    (tight.maxReplyBytes, tight.maxLineBytes) = (500, 60)
    (tight.maxElements, tight.maxValues, tight.maxDepth) = (8, 20, 3)
    let limited = read(input, limits: tight) { 1 + choices.next(40) }
    precondition(limited.pending <= tight.maxReplyBytes && whole.events.starts(with: limited.events))
}

/// The result of one reading.
private struct Reading {
    var events: [UInt8]
    var count: Int
    var hasFailed: Bool
    var pending: Int
}

private func read(
    _ input: UnsafeRawBufferPointer, limits: ReplyLimits = ReplyLimits(), stopAfter last: Int = .max,
    size: () -> Int
) -> Reading {
    let sink = LoggingSink()
    let reader = ReplyReader(limits: limits, sink: sink)
    sink.onEvent = { [unowned reader] in if $0 == last { reader.stop() } }
    if last == 0 { reader.stop() }
    var error: ReplyError?
    inPieces(input, size: size) { piece in
        do throws(ReplyError) {
            try reader.feed(piece)
            return true
        } catch let thrown {
            error = thrown
            precondition(!thrown.description.isEmpty)
            return false
        }
    }
    precondition(error == nil || reader.pendingBytes == 0)
    return Reading(
        events: sink.events, count: sink.count, hasFailed: error != nil, pending: reader.pendingBytes)
}

private final class LoggingSink: ReplySink {
    var events: [UInt8] = []
    var count = 0
    var onEvent: (Int) -> Void = { _ in }

    private func counted() {
        count += 1
        onEvent(count)
    }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        events.log("m", channel, payload)
        counted()
    }

    override func patternMessage(
        pattern: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) {
        events.log("p", pattern, channel, payload)
        counted()
    }

    override func oddMessage() {
        events.log("o")
        counted()
    }

    override func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) {
        precondition(count >= 0 && (name != nil || [.unsubscribe, .punsubscribe, .sunsubscribe].contains(verb)))
        events.log("c", verb.word)
        events.log("n", name)
        counted()
    }

    override func integer(_ value: Int64) {
        events.log("i", "\(value)")
        counted()
    }

    override func reply(_ value: RedisValue) {
        if case .integer = value { preconditionFailure("an integer of its own is no tree") }
        write(value)
        counted()
    }

    /// Written by hand, because a description would take most of the time that there is for fuzzing.
    private func write(_ value: RedisValue) {
        switch value {
        case .integer(let number): events.log("i", "\(number)")
        case .status(let text): events.log("+", text)
        case .error(let text): events.log("-", text)
        case .bulk(let bytes): bytes.withUnsafeBytes { events.log("$", $0) }
        case .nilValue: events.log("_")
        case .array(let elements):
            events.log("*", "\(elements.count)")
            for element in elements { write(element) }
        }
    }
}
