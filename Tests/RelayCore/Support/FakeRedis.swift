import Testing

@testable import RelayCore

/// A Redis without sockets: commands go in, replies come out, in order and only when the test says so. It knows
/// PUBLISH and PING on one link, and on the other SUBSCRIBE and its kin, with an ACL that refuses names.
final class FakeRedis {
    struct Name: Hashable {
        var bytes: [UInt8]
        var isPattern: Bool
    }

    enum SubscribeReply: Equatable {
        case confirmed(SubscribeVerb, [UInt8])
        case refused(String)
        case pong
        case message(channel: [UInt8], payload: [UInt8])
        case patternMessage(pattern: [UInt8], channel: [UInt8], payload: [UInt8])
    }

    enum PublishReply: Equatable {
        case integer(Int64)
        case error(String)
        case pong
    }

    /// Names, with their prefix, that the ACL forbids: a command that has one of them is refused as a whole.
    var forbidden: Set<Name> = []
    /// Whether PUBLISH is refused.
    var refusesPublishes = false

    /// What the relay is subscribed to.
    private(set) var subscribed: Set<Name> = []
    /// Commands on the subscribe link that have not been looked at.
    private(set) var subscribeCommands: [(verb: SubscribeVerb?, names: [[UInt8]])] = []
    /// Answers on the subscribe link that the relay has not read.
    private(set) var subscribeReplies: [SubscribeReply] = []
    /// How many names there were in each command, in order.
    private(set) var commandSizes: [Int] = []

    private var publishInput: [UInt8] = []
    private(set) var publishCommands: [[[UInt8]]] = []
    private(set) var publishReplies: [PublishReply] = []
    /// Every message that was published, in order.
    private(set) var published: [(channel: [UInt8], payload: [UInt8])] = []

    var isIdle: Bool {
        subscribeCommands.isEmpty && subscribeReplies.isEmpty && publishCommands.isEmpty && publishReplies.isEmpty
    }

    // MARK: The subscribe link

    func receive(_ verb: SubscribeVerb, _ names: [[UInt8]]) {
        commandSizes.append(names.count)
        subscribeCommands.append((verb, names))
    }

    func receiveSubscriberPing() { subscribeCommands.append((nil, [])) }

    func takeSubscribeReply() -> SubscribeReply? {
        subscribeReplies.isEmpty ? nil : subscribeReplies.removeFirst()
    }

    /// The connection is gone, with what was on its way in both directions.
    func dropSubscribeLink() {
        subscribed = []
        subscribeCommands = []
        subscribeReplies = []
    }

    /// Carries out the oldest command of the subscribe link.
    func executeSubscribe() {
        guard !subscribeCommands.isEmpty else { return }
        let (verb, names) = subscribeCommands.removeFirst()
        guard let verb else { return subscribeReplies.append(.pong) }
        let isPattern = verb == .psubscribe || verb == .punsubscribe
        let isJoining = verb == .subscribe || verb == .psubscribe
        let all = names.map { Name(bytes: $0, isPattern: isPattern) }
        if isJoining, all.contains(where: forbidden.contains) {
            return subscribeReplies.append(.refused("NOPERM no permission for one of the channels"))
        }
        for name in all {
            if isJoining { subscribed.insert(name) } else { subscribed.remove(name) }
            subscribeReplies.append(.confirmed(verb, name.bytes))
        }
    }

    // MARK: The publish link

    func receive(_ bytes: some Sequence<UInt8>) {
        publishInput += bytes
        while let (command, rest) = Self.parseCommand(publishInput[...]) {
            publishCommands.append(command)
            publishInput = Array(rest)
        }
    }

    /// - Returns: the number of commands that were never read as a whole.
    func dropPublishLink() {
        publishInput = []
        publishCommands = []
        publishReplies = []
    }

    func takePublishReply() -> PublishReply? { publishReplies.isEmpty ? nil : publishReplies.removeFirst() }

    /// Carries out the oldest command of the publish link.
    func executePublish() {
        guard !publishCommands.isEmpty else { return }
        let command = publishCommands.removeFirst()
        guard command.first == Array("PUBLISH".utf8), command.count == 3 else {
            return publishReplies.append(command == [Array("PING".utf8)] ? .pong : .error("ERR unknown command"))
        }
        guard !refusesPublishes else { return publishReplies.append(.error("NOPERM no permission to publish")) }
        publishReplies.append(.integer(publish(command[1], command[2])))
    }

    /// Publishes a message, as any client of Redis may.
    /// - Returns: the number of subscriptions that it went to.
    @discardableResult
    func publish(_ channel: [UInt8], _ payload: [UInt8]) -> Int64 {
        published.append((channel, payload))
        var receivers: Int64 = 0
        if subscribed.contains(Name(bytes: channel, isPattern: false)) {
            subscribeReplies.append(.message(channel: channel, payload: payload))
            receivers += 1
        }
        for name in subscribed where name.isPattern && globMatches(name.bytes[...], channel[...]) {
            subscribeReplies.append(.patternMessage(pattern: name.bytes, channel: channel, payload: payload))
            receivers += 1
        }
        return receivers
    }
}

extension FakeRedis {
    /// The first command of RESP, an array of bulk strings, and what follows it; nil while it is not whole.
    static func parseCommand(_ bytes: ArraySlice<UInt8>) -> (command: [[UInt8]], rest: ArraySlice<UInt8>)? {
        var rest = bytes
        func line(_ type: Character) -> Int? {
            guard let end = rest.firstIndex(of: 13), end + 1 < rest.endIndex else { return nil }
            let text = String(decoding: rest[..<end], as: UTF8.self)
            precondition(text.first == type && rest[end + 1] == 10, "not RESP: \(text)")
            rest = rest[(end + 2)...]
            return Int(text.dropFirst())!
        }
        guard let count = line("*") else { return nil }
        var command: [[UInt8]] = []
        for _ in 0..<count {
            guard let length = line("$"), rest.count >= length + 2 else { return nil }
            command.append(Array(rest.prefix(length)))
            precondition(rest.dropFirst(length).prefix(2).elementsEqual([13, 10]), "not RESP")
            rest = rest.dropFirst(length + 2)
        }
        return (command, rest)
    }
}

/// Redis's glob, as far as the tests use it: `*`, `?` and `\`.
func globMatches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    switch first {
    case UInt8(ascii: "*"):
        return (text.startIndex...text.endIndex).contains { globMatches(pattern.dropFirst(), text[$0...]) }
    case UInt8(ascii: "?"): return !text.isEmpty && globMatches(pattern.dropFirst(), text.dropFirst())
    case UInt8(ascii: "\\"):
        return text.first == pattern.dropFirst().first && !text.isEmpty
            && globMatches(pattern.dropFirst(2), text.dropFirst())
    default: return text.first == first && globMatches(pattern.dropFirst(), text.dropFirst())
    }
}
