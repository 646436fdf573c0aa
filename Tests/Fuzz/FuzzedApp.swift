/// An app of a fuzzed hub: what it has asked for, and what it may get because of that.
final class FuzzedApp {
    enum Request {
        case hello
        /// - Parameters:
        ///   - channel: its place among the names.
        ///   - number: what the payload says; nil: the payload is too large.
        case publish(_ id: UInt64, _ channel: Int, _ number: Int?)
        case names(Kind, _ id: UInt64, _ set: Int)
        case ping(_ id: UInt64, isSettled: Bool)

        var isPublish: Bool { if case .publish = self { true } else { false } }
    }

    enum Kind: UInt8 { case subscribe = 3, unsubscribe = 4 }

    let connection: ConnectionID
    private let hub: Hub
    /// Written by the app, but not yet read by the hub.
    private var unread: [[UInt8]] = []
    private var hasShutDown = false
    private var isEndRead = false
    var isPaused = false
    var isFinished = false
    private var isRaw = false
    /// Received, but not yet checked, because it is not a whole frame yet.
    private var received: [UInt8] = []
    private(set) var backlog = 0
    private var requests: [UInt64: Request] = [:]
    /// What it is subscribed to by the Replies and Revoked frames that it has read, as places among the names.
    private(set) var held: Set<Int> = []
    private var hasWelcome = false

    /// While this is set, the kernel takes nothing. When it is reset, the kernel takes everything.
    var stopsReading = false {
        didSet {
            guard !stopsReading, backlog > 0 else { return }
            backlog = 0
            hub.outboxes.setBacklog(0, of: connection)
        }
    }

    init(connection: ConnectionID, hub: Hub) { (self.connection, self.hub) = (connection, hub) }

    var hasUnread: Bool { !isFinished && (!unread.isEmpty || hasShutDown && !isEndRead) }

    // MARK: Writing

    func write(_ request: Request, _ choices: inout Choices) {
        guard !hasShutDown else { return }
        switch request {
        case .hello: break
        case .publish(let id, _, _): if id != 0 { requests[id] = request }
        case .names(_, let id, _), .ping(let id, _): requests[id] = request
        }
        write(Self.encoded(request), &choices)
    }

    func writeRaw(_ bytes: [UInt8], _ choices: inout Choices) {
        guard !hasShutDown else { return }
        isRaw = true
        write(bytes, &choices)
    }

    private func write(_ bytes: [UInt8], _ choices: inout Choices) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = choices.next(4) > 0 ? rest.count : 1 + choices.next(rest.count)
            unread.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        readByHub()
    }

    func shutDown() {
        hasShutDown = true
        readByHub()
    }

    /// Reads as the I/O layer does, unless the hub has asked it not to.
    func readByHub() {
        while !isPaused, !isFinished, !unread.isEmpty {
            guard hub.mayProceed(connection) else {
                hub.block(connection)
                isPaused = true
                return
            }
            let piece = unread[0].prefix(hub.readLimit(connection))
            unread[0].removeFirst(piece.count)
            if unread[0].isEmpty { unread.removeFirst() }
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
            defer { copy.deallocate() }
            copy.copyBytes(from: piece)
            hub.receive(UnsafeRawBufferPointer(copy), from: connection)
            isPaused = hub.isBlocked(connection)
        }
        guard hasShutDown, !isEndRead, !isPaused, unread.isEmpty else { return }
        isEndRead = true
        hub.inputEnded(connection)
    }

    // MARK: Reading

    func receive(_ bytes: some Collection<UInt8>) {
        received += bytes
        if stopsReading { backlog += bytes.count }
        while received.count >= 4 {
            let length = received.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            precondition(1...hub.identity.maxFrameBytes ~= length)
            guard received.count >= 4 + length else { return }
            let frame = PlainFields(received[4..<4 + length])
            received.removeFirst(4 + length)
            precondition(frame.fields.count == 1)
            take(frame.fields[0].number, PlainFields(frame.fields[0].bytes[...]))
        }
    }

    private func take(_ kind: Int, _ frame: PlainFields) {
        precondition(hasWelcome || kind == 1 || kind == 6)
        switch kind {
        case 1:
            precondition(!hasWelcome)
            hasWelcome = true
        case 2: takeMessage(frame)
        case 3: takeReply(frame)
        case 7:
            for field in frame.fields where field.number <= 2 {
                held.remove(place(of: field.bytes, isPattern: field.number == 2))
            }
        default: precondition(4...6 ~= kind)
        }
    }

    private func takeMessage(_ frame: PlainFields) {
        guard let channel = frame.bytes(1) else { preconditionFailure("a Message without a channel") }
        guard !isRaw else { return }
        guard let pattern = frame.bytes(3) else {
            return precondition(held.contains(place(of: channel, isPattern: false)))
        }
        precondition(held.contains(place(of: pattern, isPattern: true)) && globMatches(pattern[...], channel[...]))
    }

    private func takeReply(_ frame: PlainFields) {
        guard let id = frame.number(1), let outcome = frame.number(2).flatMap({ Outcome(rawValue: UInt8($0)) }) else {
            preconditionFailure("a Reply without an id or an outcome")
        }
        guard let request = requests.removeValue(forKey: id) else { return precondition(isRaw) }
        guard !isRaw else { return }
        switch request {
        case .hello: preconditionFailure("a Reply to Hello")
        case .ping(_, let isSettled):
            precondition(outcome == .ok)
            if isSettled { precondition(!requests.contains { $0.key < id && $0.value.isPublish }) }
        case .publish(_, _, nil): precondition(outcome == .invalid)
        case .publish: precondition([.ok, .notConnected, .interrupted, .refused].contains(outcome))
        case .names(_, _, let set) where Self.places(set).isEmpty: precondition(outcome == .invalid)
        case .names(.unsubscribe, _, let set):
            precondition(outcome == .ok)
            held.subtract(Self.places(set))
        case .names(.subscribe, _, let set):
            precondition([.ok, .pending, .refused, .limit].contains(outcome))
            if outcome == .ok || outcome == .pending { held.formUnion(Self.places(set)) }
        }
    }

    private func place(of name: [UInt8], isPattern: Bool) -> Int {
        let text = String(decoding: name, as: UTF8.self)
        guard let place = FuzzedHub.names.firstIndex(of: text), (place >= FuzzedHub.channels) == isPattern else {
            precondition(isRaw)
            return -1
        }
        return place
    }

    /// Everything that the app asked for has been answered, unless an Error ended the connection.
    func checkQuiet() {
        guard !isFinished else { return }
        precondition(!hasUnread && (isRaw || requests.isEmpty))
    }

    // MARK: Frames

    /// The places of the names whose bits are set. Bits beyond the last name do not count.
    private static func places(_ set: Int) -> [Int] { (0..<7).filter { set & 1 << $0 != 0 } }

    private static func encoded(_ request: Request) -> [UInt8] {
        func varint(_ number: UInt64) -> [UInt8] {
            number < 128 ? [UInt8(number)] : [UInt8(number & 127 | 128)] + varint(number >> 7)
        }
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
            [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
        }
        func field(_ number: UInt8, _ value: UInt64) -> [UInt8] { value == 0 ? [] : [number << 3] + varint(value) }
        let body: [UInt8]
        switch request {
        case .hello: body = field(1, field(1, 1))
        case .publish(let id, let channel, let number):
            let payload = number.map { Array("\($0)".utf8) } ?? [UInt8](repeating: 120, count: 4_097)
            body = field(2, field(1, Array(FuzzedHub.names[channel].utf8)) + field(2, payload) + field(3, id))
        case .names(let kind, let id, let set):
            let names = places(set).flatMap { field($0 < FuzzedHub.channels ? 2 : 3, Array(FuzzedHub.names[$0].utf8)) }
            body = field(kind.rawValue, field(1, id) + names)
        case .ping(let id, let isSettled): body = field(5, field(1, id) + field(2, isSettled ? 1 : 0))
        }
        return [0, 0, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
    }
}

/// The fields of a protobuf message, read in the slow and obvious way. The relay writes only these two kinds of fields.
struct PlainFields {
    private(set) var fields: [(number: Int, value: UInt64, bytes: [UInt8])] = []

    init(_ message: ArraySlice<UInt8>) {
        var rest = message
        func varint() -> UInt64 {
            var (value, shift) = (UInt64(0), UInt64(0))
            while let byte = rest.popFirst() {
                value |= UInt64(byte & 127) << shift
                shift += 7
                if byte < 128 { return value }
            }
            preconditionFailure("a varint that has no end")
        }
        while !rest.isEmpty {
            let tag = varint()
            precondition(tag & 7 == 0 || tag & 7 == 2)
            let value = varint()
            guard tag & 7 == 2 else {
                fields.append((Int(tag >> 3), value, []))
                continue
            }
            precondition(value <= UInt64(rest.count))
            fields.append((Int(tag >> 3), 0, Array(rest.prefix(Int(value)))))
            rest = rest.dropFirst(Int(value))
        }
    }

    func number(_ field: Int) -> UInt64? { fields.first { $0.number == field }?.value }
    func bytes(_ field: Int) -> [UInt8]? { fields.first { $0.number == field }?.bytes }
}
