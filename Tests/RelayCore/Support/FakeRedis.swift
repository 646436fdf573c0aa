import RESP

@testable import RelayCore

/// A Redis without sockets: commands go in, replies come out, in order and only when the test says so. It knows
/// PUBLISH, PING, ROLE and CLUSTER INFO on one link, and on the other SUBSCRIBE and its kin, with an ACL that refuses
/// names. As a member of a cluster it takes only names of its slots (`Membership`).
///
/// It accepts the relay's own channel whatever its slot is. That channel is not shown among the names: few tests need
/// it.
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
        case text([UInt8])
        case role(String)
        case clusterInfo
    }

    /// Names, with their prefix, that the ACL forbids: a command that has one of them is refused as a whole.
    var forbidden: Set<Name> = []
    /// The errors with which it answers commands of the publish link, by the first word of the command.
    var refusals: [String: String] = [:]
    /// The error with which it answers a SUBSCRIBE to the relay's own channel, if it refuses that.
    var ownChannelRefusal: String?
    /// Whether messages on the relay's own channel reach those who have subscribed to it.
    var passesOnProbes = true
    /// Whether PING is answered with its argument.
    var repeatsTokens = false
    /// Whether PUBLISH is refused.
    var refusesPublishes = false
    /// Its role in answers to ROLE, if it is asked after the greeting.
    var roleName = "master"
    /// How often it has been asked for its role.
    var rolesAsked = 0
    /// What it knows of its cluster; nil: it does not belong to one.
    var membership: Membership?

    /// What the relay is subscribed to.
    private(set) var subscribed: Set<Name> = []
    /// The relay's own channels to which the relay is subscribed.
    private var ownSubscribed: Set<[UInt8]> = []
    /// Commands on the subscribe link that have not been carried out, including those about the relay's own channel.
    private var allSubscribeCommands: [(verb: SubscribeVerb?, names: [[UInt8]])] = []
    /// Like `allSubscribeCommands`, without those about the relay's own channel.
    var subscribeCommands: [(verb: SubscribeVerb?, names: [[UInt8]])] {
        allSubscribeCommands.filter { !Self.isOwn($0.names) }
    }
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
        allSubscribeCommands.isEmpty && subscribeReplies.isEmpty && publishCommands.isEmpty && publishReplies.isEmpty
    }

    // MARK: The subscribe link

    func receive(_ verb: SubscribeVerb, _ names: [[UInt8]]) {
        if !Self.isOwn(names) { commandSizes.append(names.count) }
        allSubscribeCommands.append((verb, names))
    }

    func receiveSubscriberPing() { allSubscribeCommands.append((nil, [])) }

    /// A command as it was written.
    func receiveOnSubscribeLink(_ command: [[UInt8]]) {
        let word = String(decoding: command[0], as: UTF8.self).lowercased()
        guard let verb = SubscribeVerb(word: word) else { return receiveSubscriberPing() }
        receive(verb, Array(command.dropFirst()))
    }

    private static func isOwn(_ names: [[UInt8]]) -> Bool {
        names.count == 1 && String(decoding: names[0], as: UTF8.self).contains("__hubrelay:probe:test")
    }

    /// Carries out the next commands as long as they are about the relay's own channel.
    func executeOwn() {
        while let command = allSubscribeCommands.first, let verb = command.verb, Self.isOwn(command.names) {
            allSubscribeCommands.removeFirst()
            subscribeReplies.append(ownChannelRefusal.map(SubscribeReply.refused) ?? .confirmed(verb, command.names[0]))
            if ownChannelRefusal == nil { ownSubscribed.insert(command.names[0]) }
        }
    }

    /// Whether the next reply is about the relay's own channel.
    var isOwnReplyNext: Bool {
        if case .confirmed(_, let name)? = subscribeReplies.first { Self.isOwn([name]) } else { false }
    }

    func takeSubscribeReply() -> SubscribeReply? {
        subscribeReplies.isEmpty ? nil : subscribeReplies.removeFirst()
    }

    /// The connection is gone, with what was on its way in both directions.
    func dropSubscribeLink() {
        (subscribed, ownSubscribed) = ([], [])
        allSubscribeCommands = []
        subscribeReplies = []
    }

    /// Carries out the oldest command of the subscribe link.
    func executeSubscribe() {
        executeOwn()
        guard !allSubscribeCommands.isEmpty else { return }
        defer { executeOwn() }
        let (verb, names) = allSubscribeCommands.removeFirst()
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

    /// Takes a name from the relay although the relay has not asked for it.
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
        if let error = refusals[String(decoding: command[0], as: UTF8.self)] {
            return publishReplies.append(.error(error))
        }
        if repeatsTokens, command[0] == Array("PING".utf8), command.count == 2 {
            return publishReplies.append(.text(command[1]))
        }
        if command == [Array("ROLE".utf8)] {
            rolesAsked += 1
            return publishReplies.append(.role(roleName))
        }
        if command.first == Array("CLUSTER".utf8) { return publishReplies.append(.clusterInfo) }
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
        if ownSubscribed.contains(channel) {
            if passesOnProbes { subscribeReplies.append(.message(channel: channel, payload: payload)) }
            return 1
        }
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

    // MARK: What it says of itself

    static func role(_ name: String) -> RedisValue { .array([.bulk(Array(name.utf8)), .integer(0), .array([])]) }

    static let clusterInfo = RedisValue.bulk(
        Array(
            """
            cluster_state:ok\r
            cluster_slots_assigned:16384\r
            cluster_slots_ok:16384\r
            cluster_slots_pfail:0\r
            cluster_slots_fail:0\r
            cluster_known_nodes:3\r
            cluster_size:3\r
            cluster_current_epoch:1\r

            """.utf8))
}
