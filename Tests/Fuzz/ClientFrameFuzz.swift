/// Whatever an app sends, frames are cut and decoded without a crash or a leak. The result is the same however the
/// bytes arrive, and the same as that of a slow and plain splitter.
func fuzzClientFrames(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    let expected = plainlyCut(input)
    precondition(cut(input, size: { input.count }) == expected)
    precondition(cut(input, size: { 1 }) == expected)
    precondition(cut(input, size: { choices.next(40) }) == expected)
    var stops = Choices(input)
    precondition(cut(input, size: { choices.next(100) }, stops: { stops.next(3) == 0 }) == expected)

    precondition(isValidUTF8(input) == (String(validating: input, as: UTF8.self) != nil))
    // No framing could reach some of these bodies.
    var log: [UInt8] = []
    decode(input, into: &log)
}

private let longestBody = 600

/// The log of the frames, by the real splitter. With `stops`, the consumer asks to stop at random, and goes on later.
private func cut(
    _ input: UnsafeRawBufferPointer, size: () -> Int, stops: () -> Bool = { false }
) -> [UInt8] {
    var splitter = FrameSplitter()
    var log: [UInt8] = []
    inPieces(input, size: size) { piece in
        var next = piece
        while true {
            var isStopped = false
            do throws(FrameSplitter.Violation) {
                try splitter.feed(next, limit: { longestBody }) { body in
                    if stops() {
                        isStopped = true
                        return .stop
                    }
                    decode(body, into: &log)
                    return .goOn
                }
            } catch {
                log.log("!", "\(error)")
                return false
            }
            precondition(isStopped || splitter.heldBytes <= 4 + longestBody)
            guard isStopped else { return true }
            next = UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }
    return log
}

/// Like `cut`, but all at once, and written from the definition of a frame.
private func plainlyCut(_ input: UnsafeRawBufferPointer) -> [UInt8] {
    var log: [UInt8] = []
    var rest = Array(input)[...]
    while rest.count >= 4 {
        let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= longestBody else {
            log.log("!", "\(length == 0 ? FrameSplitter.Violation.empty : .tooLarge)")
            break
        }
        guard rest.count >= 4 + length else { break }
        rest.dropFirst(4).prefix(length).withUnsafeBytes { decode($0, into: &log) }
        rest = rest.dropFirst(4 + length)
    }
    return log
}

/// Adds what is in the frame, as the hub reads it. A Publish read by the fast path must be the same field by field.
private func decode(_ body: UnsafeRawBufferPointer, into log: inout [UInt8]) {
    var fieldByField: [UInt8] = []
    decodeAny(body, into: &fieldByField)
    log += fieldByField
    guard let publish = PlainPublish(body) else { return }
    var byComparing: [UInt8] = []
    byComparing.log(publish.channel, publish.payload, publish.id)
    precondition(byComparing == fieldByField)
}

/// Reads every view, so that the sanitizer sees one that reaches too far.
private func decodeAny(_ body: UnsafeRawBufferPointer, into log: inout [UInt8]) {
    do throws(WireError) {
        switch try ClientFrame.decodeAny(body) {
        case .hello(let version, let name)?:
            log.log("h", "\(version)")
            log.log("n", checked(name))
        case .publish(let channel, let payload, let id)?: log.log(channel, payload, id)
        case .subscribe(let request)?: names("s", request, into: &log)
        case .unsubscribe(let request)?: names("u", request, into: &log)
        case .ping(let id, let settled)?: log.log("i", "\(id) \(settled)")
        case nil: log.log("?", "")
        }
    } catch {
        log.log("e", "\(error)")
    }
}

private func names(_ tag: Character, _ request: NameRequest, into log: inout [UInt8]) {
    log.log(tag, "\(request.id)")
    var count = 0
    request.forEach { name, isPattern in
        log.log(isPattern ? "*" : "=", checked(name))
        count += 1
        return true
    }
    precondition(count == request.count)
}

extension [UInt8] {
    /// Adds a Publish.
    fileprivate mutating func log(_ channel: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ id: UInt64) {
        log("p", "\(id)")
        log("c", checked(channel), payload)
    }
}

private func checked(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    precondition(String(validating: name, as: UTF8.self) != nil)
    return name
}
