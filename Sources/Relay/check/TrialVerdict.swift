internal import RESP
internal import RelayCore

/// What an answer of Redis means for a relay, which either needs the step or can do without it.
enum TrialVerdict: Equatable {
    /// The step works. The text adds details, and may be empty.
    case works(String)
    /// The step is denied or not known, and the relay does without it. The text says why, mostly in Redis's words.
    case without(String)
    /// No relay can work like this. The text says why, in Redis's words or in ours.
    case fault(String)

    /// A step of a trial: the command or purpose, as people know it.
    enum Step: String, CaseIterable {
        case login = "AUTH"
        case name = "CLIENT SETNAME"
        case ping = "PING"
        case token = "PING with an argument"
        case role = "ROLE"
        case clusterInfo = "CLUSTER INFO"
        case slots = "CLUSTER SLOTS"
        case idleLimit = "CONFIG GET timeout"
        case publish = "PUBLISH"
        case shardPublish = "SPUBLISH"
        case subscribe = "SUBSCRIBE"
        case shardSubscribe = "SSUBSCRIBE"
        case patterns = "PSUBSCRIBE"
        case announcement = "announcements to other relays"
        case master = "SENTINEL GET-MASTER-ADDR-BY-NAME"
        case details = "SENTINEL MASTER"

        /// Whether the relay can do without this step if Redis denies it or does not know it.
        fileprivate var isOptional: Bool {
            switch self {
            case .name, .token, .role, .idleLimit, .patterns, .announcement, .details: true
            case .login, .ping, .clusterInfo, .slots, .publish, .shardPublish, .subscribe, .shardSubscribe, .master:
                false
            }
        }

        /// Whether the step is about a channel, which may be denied while other channels are not.
        fileprivate var isOfChannel: Bool { isOfOwnChannel || self == .announcement }

        /// Whether it is about the channel of the probe.
        var isOfOwnChannel: Bool { [.publish, .shardPublish, .subscribe, .shardSubscribe].contains(self) }
    }

    /// - Parameters:
    ///   - answer: the answer of `server` to the step.
    ///   - mask: keeps passwords out of Redis's words.
    init(_ step: Step, _ answer: RedisConversation.Answer, of server: ServerKind, mask: SecretMask) {
        switch answer {
        case .confirmed:
            self = step.isOfChannel || step == .patterns ? .works("") : .fault("a confirmation that was not requested")
        case .message: self = .fault("a message instead of a reply")
        case .value(.error(let text)): self = Self.error(text, step, server, mask)
        case .value(let value): self = Self.value(value, step, server, mask)
        }
    }

    private static func error(_ text: String, _ step: Step, _ server: ServerKind, _ mask: SecretMask) -> TrialVerdict {
        // Another node has the slot. This answer also shows that the command is allowed.
        if step.isOfChannel, Redirection.isOfTheCluster(text) { return .works("at another node: \(mask.shown(text))") }
        let known =
            LinkFailure.classify(error: text, isAuth: step == .login)
            ?? (server == .clusterMaster || server == .clusterMember ? LinkFailure.classify(clusterError: text) : nil)
            ?? (step.isOfChannel ? LinkFailure.classify(denied: text) ?? LinkFailure.classify(shardedError: text) : nil)
        if step == .login, server == .sentinel, known?.cause == .auth {
            // A sentinel often gets the password that is set for the servers, and has none itself.
            return .without(known?.shown(by: mask).reason ?? mask.shown(text))
        }
        // A busy Redis, for one, gives this answer to everything, so it is a fault even if the step is optional.
        if let known, !(step.isOptional && known.cause == .auth && text.hasPrefix("NOPERM")) {
            return .fault(known.shown(by: mask).reason)
        }
        if step.isOptional { return .without(mask.shown(text)) }
        // PING may be answered by MISCONF or MASTERDOWN, while PUBLISH works all the same.
        if step == .ping { return .works(mask.shown(text)) }
        if step.isOfChannel, server != .sentinel, text.hasPrefix("NOPERM") {
            return .without("the relay's own channel is denied (\(mask.shown(text))); UP is then not proven by probes")
        }
        return .fault(mask.shown(text))
    }

    private static func value(
        _ value: RedisValue, _ step: Step, _ server: ServerKind, _ mask: SecretMask
    ) -> TrialVerdict {
        switch (step, value) {
        case (.login, .status), (.name, .status), (.ping, .status), (.token, .bulk), (.idleLimit, .array),
            (.publish, .integer), (.shardPublish, .integer), (.announcement, .integer), (.slots, .array),
            (.master, .array), (.details, .array):
            return .works("")
        case (.role, .array(let elements)): return role(elements, server)
        case (.clusterInfo, .bulk(let bytes)):
            let failure = LinkFailure.classify(clusterInfo: String(decoding: bytes, as: UTF8.self))
            return failure.map { .fault($0.reason) } ?? .works("")
        case (.master, .nilValue): return .fault("it does not know a master of this name")
        default:
            let shown = mask.shown(description(of: value))
            return step.isOptional ? .without("the reply is \(shown)") : .fault("the reply is \(shown)")
        }
    }

    /// A short description for people.
    private static func description(of value: RedisValue) -> String {
        switch value {
        case .integer(let number): "the number \(number)"
        case .status(let text): "the status \(text)"
        case .error(let text): text
        case .bulk: "a string"
        case .nilValue: "nil"
        case .array: "a list"
        }
    }

    private static func role(_ elements: [RedisValue], _ server: ServerKind) -> TrialVerdict {
        guard case .bulk(let bytes)? = elements.first else { return .without("the reply names no role") }
        let role = String(decoding: bytes, as: UTF8.self)
        if let failure = LinkFailure.classify(role: role, expected: server) { return .fault(failure.reason) }
        return LinkFailure.isRole(role) ? .works(role) : .without("the reply names no role")
    }
}
