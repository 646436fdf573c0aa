/// What is asked at the beginning of a connection, before the link is used, and what the answers mean.
///
/// All of it is written at once, and the replies come in order. The relay does without what the server does not know or
/// denies, except AUTH, PING and the command that the link is for. Some proxies close the connection, or do not answer
/// any more, when they get a command that they do not know. It is not known then which step that was. So the next
/// attempt asks step by step, with PING before all optional steps. The step at which this attempt ends is left out from
/// then on.
package struct LinkGreeting: Sendable {
    package typealias Step = LinkMachine.GreetingStep
    package typealias Reply = LinkMachine.Reply

    package enum Result: Equatable, Sendable {
        case none
        /// Ask these steps now.
        case ask([Step])
        /// The link can be used.
        case done
        case fail(LinkFailure)
    }

    /// What is known of the channels that the user may use, if the relay's own channel is denied.
    package enum Channels: Sendable, Equatable {
        case unknown
        /// At least one channel under the prefix is granted.
        case granted
        /// No channel under the prefix is granted.
        case none
    }

    private let server: ServerKind
    /// Whether the greeting checks if the server repeats the argument of a PING.
    private let usesTokens: Bool
    /// Whether the server repeats the argument of a PING.
    package private(set) var repeatsTokens = false
    /// What all channels begin with, for a link that publishes; nil for other links.
    private let prefix: [UInt8]?
    /// The steps that have been written and are not answered.
    private var asked: [Step] = []
    /// The steps to be written once those are answered.
    private var later: [Step] = []
    /// Masks passwords in what the server says: it quotes what it does not understand.
    var mask = SecretMask()
    /// Why the server refused the password, if it may work without one; see `failure(error:at:)`.
    private var loginRefusal: LinkFailure?

    /// What the server refused in the last greeting, and what was left out of it.
    package private(set) var fallbacks: [LinkMachine.Fallback] = []
    /// The server's settings, as it answered them in the last greeting.
    package private(set) var settings: [Step: UInt64] = [:]
    /// The error by which an ACL denies publishing to the relay's own channel; nil if it does not.
    package private(set) var channelDenial: String?
    /// What is known of other channels in this case.
    package private(set) var channels = Channels.unknown

    /// Steps at which the server closed the connection or did not answer.
    private var leftOut: [LinkMachine.Fallback] = []
    /// The last greeting was cut short, so this one asks step by step.
    private var isCareful = false
    private var hasPonged = false
    private var strikes: [Step: Int] = [:]

    init(server: ServerKind, usesTokens: Bool = false, publishesUnder prefix: [UInt8]?) {
        (self.server, self.usesTokens, self.prefix) = (server, usesTokens, prefix)
    }

    /// The step whose answer is awaited; nil if there is none.
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
            // An earlier answer may have been lost, and this one may belong to another step.
            if failure.cause == .protocolError { isCareful = true }
            // `awaited` must still name this step: the link reports it when it fails.
            if step == .size { asked = [step] }
            return .fail(failure.shown(by: mask))
        }
        guard asked.isEmpty else { return .none }
        guard !later.isEmpty else {
            end()
            (isCareful, strikes) = (false, [:])
            return .done
        }
        // A large command is sent alone, so that nothing else is lost with it.
        let isOneByOne = isCareful || later[0] == .size
        asked = isOneByOne ? [later[0]] : later.filter { $0 != .size }
        later.removeFirst(asked.count)
        return .ask(asked)
    }

    /// The greeting, or its connection, has ended.
    private mutating func end() { (asked, later) = ([], []) }

    /// The connection has ended before the greeting was over.
    /// - Parameter isMidReply: whether a part of the awaited reply has come.
    mutating func broken(_ failure: LinkFailure, isMidReply: Bool) {
        defer { end() }
        guard failure.cause == .closed || failure.cause == .timeout, let step = asked.first else { return }
        if isCareful, hasPonged, step.isOptional, !isMidReply {
            strikes[step, default: 0] += 1
            // Without ROLE a replica may be taken for a master, so it is left out only after the second time.
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

    /// The server is another one, or may support more by now: everything is asked again.
    mutating func forget() { (leftOut, strikes) = ([], [:]) }

    /// Whether a step is left out because the server closes the connection at it or does not answer.
    package func leavesOut(_ step: Step) -> Bool { leftOut.contains { $0.step == step } }

    /// The server now answers what it refused in the greeting.
    mutating func granted(_ step: Step) { fallbacks.removeAll { $0.step == step } }

}

extension LinkGreeting {
    // MARK: Answers

    /// - Returns: why the link cannot be used after this answer; nil if it can.
    private mutating func take(_ reply: Reply, at step: Step) -> LinkFailure? {
        if case .error(let text) = reply, let failure = failure(error: text, at: step) { return failure }
        switch (step, reply) {
        case (.ping, .status), (.ping, .error): hasPonged = true
        case (.token, .text(PingToken.ofGreeting)): (hasPonged, repeatsTokens) = (true, true)
        case (.token, .status(let text)):
            let answer = "the reply is \(mask.shown(text)), which does not repeat the argument"
            fallbacks.append(.init(step: step, text: answer))
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

    /// Why the link cannot be used after this error; nil if it can do without this step.
    ///
    /// The relay often has the password of the servers that a sentinel watches, while the sentinel itself needs none.
    /// The words in which a sentinel says so, if it knows AUTH at all, depend on its version. But a sentinel that needs
    /// a password refuses the steps after AUTH.
    private func failure(error text: String, at step: Step) -> LinkFailure? {
        if step == .clusterInfo, let failure = LinkFailure.classify(clusterError: text) { return failure }
        let failure = LinkFailure.classify(error: text, isAuth: step == .auth)
        guard server == .sentinel, failure?.cause == .auth else { return failure }
        if step == .auth { return nil }
        return loginRefusal ?? failure
    }

    /// Checks the answer to a publish to the relay's own channel. A link that publishes can be used only if the answer
    /// is a number, or an error which shows that the command itself is known and allowed.
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

    /// Why the link cannot be used although it may use PUBLISH: there is no channel to which it may publish. nil if
    /// there may be one.
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
        /// A PING that also shows whether the server repeats its argument.
        case token = "PING with an argument"
        /// A publish to the relay's own channel. It shows that the command which the link is for is known and allowed.
        case publish = "PUBLISH"
        case bulkLimit = "CONFIG GET proto-max-bulk-len"
        case bufferLimit = "CONFIG GET client-query-buffer-limit"
        case idleLimit = "CONFIG GET timeout"
        /// The channels that the user may use, if the relay's own channel is denied.
        case user = "ACL GETUSER"
        /// A command as large as the one at which the last connection seems to have been closed.
        case size = "a large command"

        static let settings: [Self] = [.bulkLimit, .bufferLimit, .idleLimit]
        var isSetting: Bool { Self.settings.contains(self) }
        /// Whether the relay can do without this step.
        var isOptional: Bool {
            switch self {
            case .token, .setName, .role, .user, .bulkLimit, .bufferLimit, .idleLimit: true
            case .auth, .clusterInfo, .ping, .publish, .size: false
            }
        }
        /// The name of the setting that the step asks for; nil for other steps.
        package var setting: String? {
            isSetting ? rawValue.split(separator: " ").last.map { String($0) } : nil
        }

        /// Whether a reply can be an answer to this command, in the greeting or later in the link's life.
        package func accepts(_ reply: Reply) -> Bool {
            switch (self, reply) {
            case (_, .error), (.role, .role), (.auth, .status), (.setName, .status), (.ping, .status): true
            case (.clusterInfo, .text), (.token, .status), (.token, .text(PingToken.ofGreeting)): true
            case (.publish, .number): true
            default: false
            }
        }
    }

    /// A reply, in as much detail as a link needs.
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
        /// The channels that a user may use, as patterns; nil if the server does not say.
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

    /// A step that the server refuses or that is left out, so that the relay does without it.
    package struct Fallback: Sendable, Equatable {
        package var step: GreetingStep
        /// The reason for people, in the server's words or in ours.
        package var text: String
    }
}
