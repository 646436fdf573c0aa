@testable import RelayCore

/// A Redis without sockets: commands go in, replies come out, in order and only when the test says so. It knows
/// PUBLISH and PING on one link, and on the other SUBSCRIBE and its kin, with an ACL that refuses names. As a member of a
/// cluster it takes only names of its slots (`Membership`).
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
    /// What it knows of its cluster; nil: it is in none.
    var membership: Membership?

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
        let isJoining = verb.isJoining
        let all = names.map { Name(bytes: $0, isPattern: isPattern) }
        if isJoining, all.contains(where: forbidden.contains) {
            return subscribeReplies.append(.refused("NOPERM no permission for one of the channels"))
        }
        let isSharded = verb == .ssubscribe || verb == .sunsubscribe
        if isSharded, let error = membership?.error(of: names) { return subscribeReplies.append(.refused(error)) }
        for name in all {
            if isJoining { subscribed.insert(name) } else { subscribed.remove(name) }
            subscribeReplies.append(.confirmed(verb, name.bytes))
        }
    }

    /// Takes a name from the relay without having been asked to.
    func unsubscribeByItself(_ name: Name) {
        subscribed.remove(name)
        subscribeReplies.append(.confirmed(.sunsubscribe, name.bytes))
    }

    // MARK: The publish link

    func receive(_ bytes: some Sequence<UInt8>) {
        publishInput += bytes
        var unread = publishInput[...]
        while let (command, rest) = Self.parseCommand(unread) {
            publishCommands.append(command)
            unread = rest
        }
        publishInput = Array(unread)
    }

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
        guard ["PUBLISH", "SPUBLISH"].contains(where: { command.first == Array($0.utf8) }), command.count == 3 else {
            return publishReplies.append(command == [Array("PING".utf8)] ? .pong : .error("ERR unknown command"))
        }
        if command[0] == Array("SPUBLISH".utf8), let error = membership?.error(of: [command[1]]) {
            return publishReplies.append(.error(error))
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
