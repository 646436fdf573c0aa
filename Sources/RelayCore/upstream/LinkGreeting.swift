/// What is asked at the beginning of a connection, before the link is used, and what the answers mean.
///
/// All of it is written at once, and the replies come in order. What the server does not know or denies is done without,
/// but for AUTH, PING and what the link is for. Some proxies end the connection, or say nothing more, when they are asked
/// what they do not know. Which step that was is not known, so the next attempt asks step by step, with PING before all
/// that can be done without; the step at which that ends is left out from then on.
package struct LinkGreeting: Sendable {
    package typealias Step = LinkMachine.GreetingStep
    package typealias Reply = LinkMachine.Reply

    package enum Result: Equatable, Sendable {
        case none
        /// Ask this now.
        case ask([Step])
        /// The link can be used.
        case done
        case fail(LinkFailure)
    }

    /// What is known of the channels that the user may use, where the relay's own one is denied.
    package enum Channels: Sendable, Equatable {
        case unknown
        /// One under the prefix at least.
        case granted
        /// None under the prefix.
        case none
    }

    private let server: ServerKind
    /// Whether it asks if the server repeats what a PING names.
    private let usesTokens: Bool
    /// It does.
    package private(set) var repeatsTokens = false
    /// What all channels begin with, for a link that publishes; nil for others.
    private let prefix: [UInt8]?
    /// What has been written and has no answer.
    private var asked: [Step] = []
    /// What is to be written once that has its answers.
    private var later: [Step] = []
    /// Keeps passwords out of what the server says: it quotes what it does not understand.
    var mask = SecretMask()
    /// Why the server did not take the password, if it may do without one.
    private var loginRefusal: LinkFailure?

    /// What the server refused in the last greeting, and what was left out of it.
    package private(set) var fallbacks: [LinkMachine.Fallback] = []
    /// What the server said of its settings in the last greeting.
    package private(set) var settings: [Step: UInt64] = [:]
    /// Why the relay's own channel cannot be published to, if an ACL denies it.
    package private(set) var channelDenial: String?
    /// What is known of other channels then.
    package private(set) var channels = Channels.unknown

    /// Steps at which the server ended the connection or said nothing.
    private var leftOut: [LinkMachine.Fallback] = []
    /// The last greeting was cut short, so this one asks step by step.
    private var isCareful = false
    private var hasPonged = false
    private var strikes: [Step: Int] = [:]

    init(server: ServerKind, usesTokens: Bool = false, publishesUnder prefix: [UInt8]?) {
        (self.server, self.usesTokens, self.prefix) = (server, usesTokens, prefix)
    }

    /// What is waited for.
    package var awaited: Step? { asked.first }

    /// A new connection can carry commands.
    /// - Parameter triesSize: whether a large command is to be tried at the end.
    /// - Returns: what to ask, in this order.
    mutating func begin(secret: String?, triesSize: Bool) -> [Step] {
        if let secret { mask.add(secret) }
        loginRefusal = nil
        fallbacks = leftOut
        (settings, channelDenial, channels) = ([:], nil, .unknown)
        (hasPonged, repeatsTokens) = (false, false)
        let ping = usesTokens && !leavesOut(.token) ? Step.token : .ping
        var steps: [Step] = (secret == nil ? [] : [.auth]) + [.setName, .role]
        steps += server.isOfCluster ? [.clusterInfo, ping] : [ping]
        if prefix != nil { steps += [.publish, .bulkLimit, .bufferLimit, .idleLimit] }
        steps.removeAll(where: leavesOut)
        later = triesSize ? [.size] : []
        if isCareful {
            let first: [Step] = secret == nil ? [.ping] : [.auth, .ping]
            later = first + steps.filter { !first.contains($0) } + later
            steps = [later.removeFirst()]
        }
        asked = steps
        return steps
    }

    /// The next reply has come.
    mutating func answered(_ reply: Reply) -> Result {
        guard !asked.isEmpty else { return .none }
        let step = asked.removeFirst()
        if let failure = take(reply, at: step) {
            // The answer before it may have been swallowed.
            if failure.cause == .protocolError { isCareful = true }
            // What became of that one is asked for.
            if step == .size { asked = [step] }
            return .fail(failure.shown(by: mask))
        }
        guard asked.isEmpty else { return .none }
        guard !later.isEmpty else {
            end()
            (isCareful, strikes) = (false, [:])
            return .done
        }
        // A large command comes alone, so that nothing else is lost with it.
        let isOneByOne = isCareful || later[0] == .size
        asked = isOneByOne ? [later[0]] : later.filter { $0 != .size }
        later.removeFirst(asked.count)
        return .ask(asked)
    }

    /// The greeting is over, or its connection.
    private mutating func end() { (asked, later) = ([], []) }

    /// The connection has ended before the greeting was over.
    /// - Parameter isMidReply: a part of the reply that was waited for has come.
    mutating func broken(_ failure: LinkFailure, isMidReply: Bool) {
        defer { end() }
        guard failure.cause == .closed || failure.cause == .timeout, let step = asked.first else { return }
        if isCareful, hasPonged, step.isOptional, !isMidReply {
            strikes[step, default: 0] += 1
            // Without it a replica may be taken for a master.
            let needed = step == .role && failure.cause == .closed ? 2 : 1
            if strikes[step, default: 0] >= needed { leaveOut(step, failure) }
        }
        isCareful = true
    }

    private mutating func leaveOut(_ step: Step, _ failure: LinkFailure) {
        let text =
            failure.cause == .timeout
            ? "the server, or a proxy in front of it, does not answer"
            : "the server, or a proxy in front of it, closes the connection at this command"
        for step in step.isSetting ? Step.settings : [step] { leftOut.append(.init(step: step, text: text)) }
    }

    /// It is another server, or the same one may do better by now: everything is asked again.
    mutating func forget() { (leftOut, strikes) = ([], [:]) }

    /// Whether a step is not asked, since the server ends the connection at it or says nothing.
    package func leavesOut(_ step: Step) -> Bool { leftOut.contains { $0.step == step } }

    /// The server does tell or do by now what it refused in the greeting.
    mutating func granted(_ step: Step) { fallbacks.removeAll { $0.step == step } }

}

extension LinkGreeting {
    // MARK: Answers

    /// - Returns: why the link cannot be used after this answer; nil when it can.
    private mutating func take(_ reply: Reply, at step: Step) -> LinkFailure? {
        if case .error(let text) = reply, let failure = failure(error: text, at: step) { return failure }
        switch (step, reply) {
        case (.ping, .status), (.ping, .error): hasPonged = true
        case (.token, .text(PingToken.ofGreeting)): (hasPonged, repeatsTokens) = (true, true)
        case (.token, .status(let text)):
            fallbacks.append(.init(step: step, text: "the reply is \(mask.shown(text)), without the argument"))
        case (.auth, .status), (.setName, .status): break
        case (.auth, .error(let text)): loginRefusal = LinkFailure.classify(error: text, isAuth: true)
        case (.setName, .error(let text)), (.role, .error(let text)),
            (.clusterInfo, .error(let text)), (.token, .error(let text)):
            fallbacks.append(.init(step: step, text: mask.shown(text)))
        case (.role, .role(let role)):
            if let failure = LinkFailure.classify(role: role, expected: server) { return failure }
            if !LinkFailure.isRole(role) { doWithout(step, reply) }
        case (.setName, _), (.role, _): doWithout(step, reply)
        case (.clusterInfo, .text(let text)): return LinkFailure.classify(clusterInfo: text)
        case (.publish, _): return published(reply)
        case (.user, .user(let channels)): told(channels: channels)
        case (.bulkLimit, .setting(let value)), (.bufferLimit, .setting(let value)),
            (.idleLimit, .setting(let value)):
            settings[step] = UInt64(value)
        case (.size, .error(let text)) where LinkFailure.isOfSize(text):
            return LinkFailure(cause: .closed, "Redis: ", quoting: text)
        case (.user, _), (.size, _), (.bulkLimit, _), (.bufferLimit, _), (.idleLimit, _): break
        default:
            return LinkFailure(cause: .protocolError, reason: "Redis: invalid reply to \(step.rawValue)")
        }
        return nil
    }

    private mutating func doWithout(_ step: Step, _ reply: Reply) {
        fallbacks.append(.init(step: step, text: "the reply is \(mask.shown(reply.description))"))
    }

    /// What an error means for the link; nil when it can do without.
    ///
    /// A sentinel is commonly given the password of the servers that it watches, and has none itself. In which words it
    /// says so, if it knows AUTH at all, depends on its age; but one that wants a password refuses what comes after it.
    private func failure(error text: String, at step: Step) -> LinkFailure? {
        if step == .clusterInfo, let failure = LinkFailure.classify(clusterError: text) { return failure }
        let failure = LinkFailure.classify(error: text, isAuth: step == .auth)
        guard server == .sentinel, failure?.cause == .auth else { return failure }
        if step == .auth { return nil }
        return loginRefusal ?? failure
    }

    /// A publish to the relay's own channel has its answer. A link that publishes is of use only if that is a number, or an
    /// error that says that the command itself is known and allowed.
    private mutating func published(_ reply: Reply) -> LinkFailure? {
        guard case .error(let text) = reply else {
            if case .number = reply { return nil }
            return .notAnswered("PUBLISH", reply.description)
        }
        if Redirection.isOfTheCluster(text) { return nil }
        if let failure = LinkFailure.classify(denied: text) ?? LinkFailure.classify(shardedError: text) {
            return failure
        }
        guard text.hasPrefix("NOPERM") else { return .notAnswered("PUBLISH", text) }
        channelDenial = text
        if !leavesOut(.user) { later.insert(.user, at: 0) }
        return nil
    }

    private mutating func told(channels patterns: [String]?) {
        guard let patterns, let prefix else { return }
        channels = patterns.contains { ChannelPattern.reaches($0, under: prefix) } ? .granted : .none
    }

    /// Why the link is of no use, although it could publish: there is no channel to which it may.
    var failureOfChannels: LinkFailure? {
        guard channels == .none, let prefix else { return nil }
        return LinkFailure(
            cause: .auth,
            reason:
                "Redis: the user may use no channel under the prefix \"\(String(decoding: prefix, as: UTF8.self))\" "
                + "(ACL GETUSER): grant it some, such as &\(String(decoding: prefix, as: UTF8.self))*")
    }
}

extension LinkMachine {
    package enum GreetingStep: String, Sendable, Equatable {
        case auth = "AUTH"
        case setName = "CLIENT SETNAME"
        case role = "ROLE"
        case clusterInfo = "CLUSTER INFO"
        case ping = "PING"
        /// A PING as well, which also tells whether the server repeats its argument.
        case token = "PING with an argument"
        /// A publish to the relay's own channel: what the link is for is known and allowed.
        case publish = "PUBLISH"
        case bulkLimit = "CONFIG GET proto-max-bulk-len"
        case bufferLimit = "CONFIG GET client-query-buffer-limit"
        case idleLimit = "CONFIG GET timeout"
        /// What channels the user may use, where the relay's own one is denied.
        case user = "ACL GETUSER"
        /// A command as large as one at which the last connection seems to have been ended.
        case size = "a large command"

        static let settings: [Self] = [.bulkLimit, .bufferLimit, .idleLimit]
        var isSetting: Bool { Self.settings.contains(self) }
        /// Whether the relay can do without.
        var isOptional: Bool {
            switch self {
            case .token, .setName, .role, .user, .bulkLimit, .bufferLimit, .idleLimit: true
            case .auth, .clusterInfo, .ping, .publish, .size: false
            }
        }
        /// The name of the setting that is asked for, if one is.
        package var setting: String? {
            isSetting ? rawValue.split(separator: " ").last.map { String($0) } : nil
        }

        /// Whether a reply can be one to this, now or later in the link's life.
        package func accepts(_ reply: Reply) -> Bool {
            switch (self, reply) {
            case (_, .error), (.role, .role), (.auth, .status), (.setName, .status), (.ping, .status): true
            case (.clusterInfo, .text), (.token, .status), (.token, .text(PingToken.ofGreeting)): true
            case (.publish, .number): true
            default: false
            }
        }
    }

    /// A reply, as far as a link cares.
    package enum Reply: Sendable, Equatable, CustomStringConvertible {
        case error(String)
        case status(String)
        /// The first element of an answer to ROLE.
        case role(String)
        /// A string, such as the answer to CLUSTER INFO.
        case text(String)
        case number(Int64)
        /// The value of a setting.
        case setting(String)
        /// What channels a user may use, as patterns; nil where that is not told.
        case user(channels: [String]?)
        case nothing
        case other

        package var isStatus: Bool { if case .status = self { true } else { false } }

        /// For people.
        package var description: String {
            switch self {
            case .error(let text): text
            case .status(let text): "the status \(text)"
            case .role(let text): "a list that begins with \(text.prefix(64).debugDescription)"
            case .text: "a string"
            case .number(let number): "the number \(number)"
            case .nothing: "nil"
            case .setting, .user, .other: "an array or the like"
            }
        }
    }

    /// Something that the server does not let the relay ask, and that it does without.
    package struct Fallback: Sendable, Equatable {
        package var step: GreetingStep
        /// The server's words.
        package var text: String
    }
}
