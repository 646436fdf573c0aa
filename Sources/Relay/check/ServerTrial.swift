internal import Configuration
internal import Posix
internal import RESP
internal import RelayCore
internal import TLS

/// The result of trying one server: a line for each step, and why no relay can use the server, if that is so.
struct ServerTrial {
    /// The server's name for people: `127.0.0.1:6379`, `sentinel 10.0.0.1:26379`.
    let name: String
    /// The results such as `PING: ok`, in the order of the steps.
    private(set) var lines: [String] = []
    /// Why no relay can use the server, one line for each fault.
    private(set) var faults: [String] = []
    /// The server that this one names: the master that a sentinel knows, or the node that has the slot.
    private(set) var named: RedisConfiguration.Endpoint?

    private let configuration: RelayConfiguration
    private let destination: Destination
    private let tls: TLSContext?
    private let kind: ServerKind
    /// A random id in place of a relay's. All nodes of a cluster get the same id, so that one of them has the slot of
    /// the probe's channel.
    private let id: String
    private var mask = SecretMask()
    /// An access list denies the relay's own channel.
    private var isOwnChannelDenied = false

    /// Tries everything that a relay asks a server of this kind.
    /// - Parameter id: a random id in place of a relay's.
    init(
        _ configuration: RelayConfiguration, _ destination: Destination, tls: TLSContext?, kind: ServerKind, id: String
    ) {
        (self.configuration, self.destination, self.tls, self.kind) = (configuration, destination, tls, kind)
        self.id = id
        name = (kind == .sentinel ? "sentinel " : "") + "\(destination.endpoint)"
        do throws(LinkFailure) {
            if kind == .sentinel { try trySentinel() } else { try tryServer() }
        } catch {
            faults.append(error.shown(by: mask).reason)
        }
    }

    /// A server that was not tried, for this reason.
    init(
        untried endpoint: RedisConfiguration.Endpoint, kind: ServerKind, _ configuration: RelayConfiguration,
        _ reason: String
    ) {
        (self.configuration, destination, self.kind, tls) = (configuration, Destination(endpoint: endpoint), kind, nil)
        id = ""
        name = (kind == .sentinel ? "sentinel " : "") + "\(endpoint)"
        faults = [reason]
    }

    // MARK: One step

    /// Sends a command, and notes the result of the step.
    /// - Returns: the answer if the step works, otherwise nil.
    @discardableResult
    private mutating func attempt(
        _ step: TrialVerdict.Step, _ words: [String], on conversation: RedisConversation
    ) throws(LinkFailure) -> RedisConversation.Answer? {
        let answer = try conversation.ask(words)
        switch TrialVerdict(step, answer, of: kind, mask: mask) {
        case .works(let text):
            lines.append("\(step.rawValue): ok" + (text.isEmpty ? "" : ", \(text)"))
            return answer
        case .without(let text):
            lines.append("\(step.rawValue): denied or unknown, and not required: \(text)")
            if step.isOfOwnChannel { isOwnChannelDenied = true }
        case .fault(let text): faults.append("\(step.rawValue): \(text)")
        }
        return nil
    }

    /// Connects and logs in. The steps are noted only for the first connection to a server.
    private mutating func connect(_ purpose: String) throws(LinkFailure) -> RedisConversation {
        let serverName = configuration.redis.tls?.serverName ?? destination.endpoint.host ?? "localhost"
        let conversation = try RedisConversation(
            destination, tls: tls, serverName: serverName, timings: configuration.timings)
        if purpose == "publish" || kind == .sentinel {
            lines.append("connected" + (conversation.tlsVersion.map { ", \($0)" } ?? ""))
        }
        let credentials = kind == .sentinel ? configuration.redis.sentinelCredentials : configuration.redis.credentials
        let password: String?
        do throws(SecretFileError) { password = try Password.read(for: credentials) } catch {
            throw LinkFailure(cause: .auth, reason: "\(error)")
        }
        if let password {
            mask.add(password)
            let words = ["AUTH"] + (credentials.username.map { [$0] } ?? []) + [password]
            let before = (lines.count, faults.count)
            try attempt(.login, words, on: conversation)
            if purpose == "subscribe" { lines.removeSubrange(before.0...) }
            if faults.count > before.1 { throw LinkFailure(cause: .auth, reason: faults.removeLast()) }
        }
        return conversation
    }

    // MARK: Servers

    private var isSharded: Bool {
        if case .cluster(_, .sharded) = configuration.redis.topology { true } else { false }
    }

    private mutating func tryServer() throws(LinkFailure) {
        let publisher = try connect("publish")
        guard try isAnswered(publisher) else { return }
        try attempt(.token, ["PING", "hubrelay"], on: publisher)
        try attempt(.role, ["ROLE"], on: publisher)
        if kind == .clusterMember {
            try attempt(.clusterInfo, ["CLUSTER", "INFO"], on: publisher)
            try attempt(.slots, ["CLUSTER", "SLOTS"], on: publisher)
        }
        try attempt(.idleLimit, ["CONFIG", "GET", "timeout"], on: publisher)
        // With faults, the server may be a replica, a sentinel or a node that is cut off: its answers about channels
        // say nothing.
        if faults.isEmpty { try tryChannels(publisher) }
    }

    /// Whether the server answers PING, as every server does. Then names the connection. A server that wants a password
    /// or is loading says so in answer to any command.
    private mutating func isAnswered(_ conversation: RedisConversation) throws(LinkFailure) -> Bool {
        try attempt(.ping, ["PING"], on: conversation)
        guard faults.isEmpty else { return false }
        let name = "\(configuration.redis.clientName)-check-\(id.prefix(8))"
        try attempt(.name, ["CLIENT", "SETNAME", name], on: conversation)
        return true
    }

    private mutating func tryChannels(_ publisher: RedisConversation) throws(LinkFailure) {
        let prefix = String(decoding: configuration.listener.prefix, as: UTF8.self)
        let channel = "\(prefix)\(probeNamePrefix)\(id)"
        let subscriber = try connect("subscribe")
        let publish = isSharded ? TrialVerdict.Step.shardPublish : .publish
        let subscribe = isSharded ? TrialVerdict.Step.shardSubscribe : .subscribe
        let heard = try attempt(subscribe, [subscribe.rawValue, channel], on: subscriber)
        let start = Clock.monotonicNanoseconds()
        let sent = try attempt(publish, [publish.rawValue, channel, ""], on: publisher)
        if case .confirmed? = heard, case .value(.integer)? = sent {
            try subscriber.hear(channel)
            let microseconds = (Clock.monotonicNanoseconds() - start) / 1000
            lines.append(
                "probe: ok, heard after \(microseconds / 1000).\(String(microseconds % 1000 + 1000).dropFirst()) ms")
        }
        let endpoint = destination.endpoint
        named = Self.node(in: heard, near: endpoint) ?? Self.node(in: sent, near: endpoint)
        if isOwnChannelDenied { try tryAccessList(publisher, prefix) }
        if configuration.timings.fleetInterval != nil {
            // The message is empty, so no relay takes it for an announcement.
            let words = [publish.rawValue, prefix + fleetChannel, ""]
            if try attempt(.announcement, words, on: publisher) == nil, let last = lines.last,
                last.hasPrefix(TrialVerdict.Step.announcement.rawValue), last.contains("NOPERM")
            {
                lines[lines.count - 1] += "; to see the other relays, grant the user &\(prefix)\(fleetNamePrefix)*"
            }
        }
        guard !isSharded else { return }
        let pattern = String(decoding: RedisCommand.escapeGlob(prefix.utf8), as: UTF8.self) + "*"
        try attempt(.patterns, ["PSUBSCRIBE", pattern], on: subscriber)
    }

    /// Checks the access list, as the relay's own channel is denied. A relay checks it too, and is UP anyway if others
    /// are granted.
    private mutating func tryAccessList(_ publisher: RedisConversation, _ prefix: String) throws(LinkFailure) {
        let user = configuration.redis.credentials.username ?? "default"
        let answer = try publisher.ask(["ACL", "GETUSER", user])
        let cure = "grant it &\(prefix)*"
        guard case .value(let value) = answer, case .user(let channels?) = LinkMachine.Reply(value, to: .user) else {
            // Without probes, a relay assumes in case of doubt that the path works.
            guard configuration.timings.probeInterval != nil else { return }
            faults.append(
                "the user \(user) may not use the relay's own channel, and Redis does not say whether it may use any "
                    + "other channel under the prefix \(quoted(prefix)), so that the relay may never be UP: \(cure), or "
                    + "+acl|getuser"
            )
            return
        }
        if channels.contains(where: { ChannelPattern.reaches($0, under: Array(prefix.utf8)) }) {
            lines.append("ACL GETUSER: ok, other channels under the prefix are granted")
        } else {
            faults.append("the user \(user) may use no channel under the prefix \(quoted(prefix)): \(cure)")
        }
    }

    /// The node that has the slot, if the answer names it.
    private static func node(
        in answer: RedisConversation.Answer?, near endpoint: RedisConfiguration.Endpoint
    ) -> RedisConfiguration.Endpoint? {
        guard case .value(.error(let text))? = answer, let redirection = Redirection(text),
            let host = redirection.host ?? endpoint.host
        else { return nil }
        return .tcp(host: host, port: redirection.port)
    }

    // MARK: Sentinels

    private mutating func trySentinel() throws(LinkFailure) {
        guard case .sentinel(_, let service) = configuration.redis.topology else { return }
        let sentinel = try connect("sentinel")
        guard try isAnswered(sentinel) else { return }
        try attempt(.role, ["ROLE"], on: sentinel)
        // A server that is not a sentinel knows nothing about sentinels.
        guard faults.isEmpty else { return }
        let answer = try attempt(.master, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", service], on: sentinel)
        if case .value(.array(let parts))? = answer {
            guard let master = SentinelView.Master(parts) else {
                throw LinkFailure(cause: .protocolError, reason: "the master that it names has no address")
            }
            named = .tcp(host: master.host, port: master.port)
            lines.append("master of \(service): \(RedisConfiguration.Endpoint(master))")
        }
        try attempt(.details, ["SENTINEL", "MASTER", service], on: sentinel)
        try attempt(.subscribe, ["SUBSCRIBE", "+switch-master"], on: sentinel)
    }
}
