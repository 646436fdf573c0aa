/// Why a link is not up.
package struct LinkFailure: Error, Sendable {
    package var cause: Cause
    /// The reason for people; it names what failed. It contains no secret once it is `shown`.
    package var reason: String
    /// Which bytes of the reason are quoted from somebody else; nil if none are.
    private var quotation: (start: Int, count: Int, words: SecretMask.Words)?

    /// Whether the server, or a proxy before it, cannot do what it must, whatever the cause: trying again at once does
    /// not help.
    package var isLasting = false

    package init(cause: Cause, reason: String, isLasting: Bool = false) {
        (self.cause, self.reason, self.isLasting) = (cause, reason, isLasting)
    }

    /// Makes a reason that ends with a server's own words, which may contain a secret until they are `shown`.
    package init(cause: Cause, _ introduction: String, quoting text: String, _ words: SecretMask.Words = .server) {
        (self.cause, reason) = (cause, introduction + text)
        quotation = (introduction.utf8.count, text.utf8.count, words)
    }

    /// The failure as people may see it.
    package func shown(by mask: SecretMask) -> LinkFailure {
        guard let quotation else { return self }
        let start = reason.utf8.index(reason.startIndex, offsetBy: quotation.start)
        let end = reason.utf8.index(start, offsetBy: quotation.count)
        var shown = self
        let words = mask.shown(String(reason[start..<end]), quotation.words)
        shown.reason = reason[..<start] + words + reason[end...]
        shown.quotation = nil
        return shown
    }

    /// Whether trying again at once would get the same answer.
    var isRefusal: Bool { isLasting || cause.isRefusal }

    /// Whether the server has refused the login, or requires one.
    package var isOfLogin: Bool {
        cause == .auth && ["NOAUTH", "WRONGPASS", "invalid password"].contains { reason.contains($0) }
    }

    /// What an error reply means for the link as a whole, whatever was asked; nil if the link can be used anyway
    /// (MISCONF and MASTERDOWN say nothing about PUBLISH and SUBSCRIBE).
    package static func classify(error text: String, isAuth: Bool = false) -> LinkFailure? {
        if isAuth { return classify(loginError: text) }
        let word = text.prefix { $0 != " " }
        switch word {
        case "NOAUTH", "WRONGPASS": return LinkFailure(cause: .auth, "Redis: ", quoting: text)
        case "LOADING", "BUSY": return LinkFailure(cause: .busy, "Redis: ", quoting: text)
        case "DENIED":
            // Redis sends this to each new connection, before anything is asked, with a thousand characters of advice.
            return protectedMode
        case "ERR" where text.hasPrefix("ERR max number of clients"):
            return LinkFailure(cause: .busy, "Redis: ", quoting: text)
        default: return nil
        }
    }

    private static let protectedMode = LinkFailure(
        cause: .auth,
        reason: "Redis is in protected mode and refuses other hosts: give its default user a password, or turn it off "
            + "(requirepass, aclfile), or set protected-mode no")

    /// What an error in answer to AUTH means, in our own words only: the server's words may quote what was sent.
    private static func classify(loginError text: String) -> LinkFailure {
        let word = text.prefix { $0 != " " }
        let lowercased = text.lowercased()
        func isAbout(_ phrase: String) -> Bool { lowercased.contains(phrase) }
        let (cause, reason): (Cause, String)
        switch word {
        case "NOAUTH": (cause, reason) = (.auth, "Redis did not accept this login (NOAUTH)")
        case "WRONGPASS":
            (cause, reason) = (.auth, "Redis has no such user with this password, or the user is off (WRONGPASS)")
        case "DENIED": return protectedMode
        case "LOADING": (cause, reason) = (.busy, "Redis is loading its data (LOADING)")
        case "BUSY": (cause, reason) = (.busy, "Redis is busy with a script (BUSY)")
        case _ where isAbout("max number of clients"): (cause, reason) = (.busy, "Redis has reached maxclients")
        case _ where isAbout("unknown command"): (cause, reason) = (.auth, "Redis does not know AUTH")
        case _ where isAbout("wrong number of arguments"):
            // AUTH has too many arguments for this server only if it has a user name.
            (cause, reason) = (
                .auth, "Redis has no users (it is older than Redis 6, which introduced ACLs): give only the password"
            )
        case _ where isAbout("invalid password"): (cause, reason) = (.auth, "Redis refused AUTH (invalid password)")
        case _ where isAbout("no password is set") || isAbout("without any password configured"):
            (cause, reason) = (.auth, "Redis refused AUTH: no password is set for its default user")
        case _ where word.utf8.count > 1 && word.utf8.allSatisfy({ (0x41...0x5a).contains($0) }):
            return LinkFailure(cause: .auth, "Redis refused AUTH: ", quoting: String(word), .code)
        default: (cause, reason) = (.auth, "Redis refused AUTH")
        }
        return LinkFailure(cause: cause, reason: reason)
    }

    /// Whether an error says that the server never answers such a command for this user: an ACL denies it, or the
    /// server does not know it. Other errors are temporary.
    package static func isDenial(_ text: String) -> Bool {
        text.hasPrefix("NOPERM") || text.lowercased().hasPrefix("err unknown")
    }

    /// The server, or a proxy before it, does not support what a link is for.
    /// - Parameter answer: the answer of the server.
    package static func notAnswered(_ command: String, _ answer: String) -> LinkFailure {
        var failure = LinkFailure(
            cause: .protocolError, "Redis (or a proxy in front of it) does not answer \(command): ", quoting: answer)
        failure.isLasting = true
        return failure
    }

    /// Whether an error says, in one of the forms that servers and proxies use, that a command is not known at all.
    /// There are other forms: any other error counts in the same way once it has been the answer twice in a row.
    package static func isUnknownCommand(_ text: String) -> Bool {
        let text = text.lowercased()
        return [
            "unknown command", "unsupported", "not supported", "not allowed", "disabled", "unrecognized",
            "unrecognised", "not implemented", "invalid request", "invalid command", "no such command",
        ].contains { text.contains($0) }
    }

    /// Whether an error says that a command is too large. Redis closes the connection after it.
    package static func isOfSize(_ text: String) -> Bool {
        let text = text.lowercased()
        return ["protocol error", "too large", "too big", "too long", "exceed"].contains { text.contains($0) }
    }

    /// The user is not allowed to publish, or to subscribe, at all: an ACL denies the command itself, and not only the
    /// channel. A link that cannot do what it is for is not up.
    package static func classify(denied text: String) -> LinkFailure? {
        guard text.hasPrefix("NOPERM"), text.contains(" command") else { return nil }
        return LinkFailure(cause: .auth, "Redis: ", quoting: text)
    }

    /// Whether this is a role that ROLE can answer, on any server.
    package static func isRole(_ role: String) -> Bool { ["master", "slave", "replica", "sentinel"].contains(role) }

    /// A replica answers PUBLISH and keeps subscribers, but only its own subscribers receive what is published on it. A
    /// replica of a cluster can be used, since every member forwards what is published, unless a master is expected. A
    /// Sentinel is a different kind of server.
    package static func classify(role: String, expected: ServerKind = .redis) -> LinkFailure? {
        switch (expected, role) {
        case (.redis, "slave"), (.redis, "replica"), (.clusterMaster, "slave"), (.clusterMaster, "replica"):
            LinkFailure(cause: .demoted, reason: "Redis is a replica, not a master")
        case (.redis, "sentinel"), (.clusterMaster, "sentinel"), (.clusterMember, "sentinel"):
            LinkFailure(
                cause: .topology, reason: "this is a Sentinel, which carries no messages (use redis-sentinel://)")
        case (.sentinel, _) where role != "sentinel":
            LinkFailure(cause: .topology, reason: "this is a Redis server and not a Sentinel (use redis://)")
        default: nil
        }
    }
}

extension LinkFailure: Equatable {
    package static func == (one: LinkFailure, other: LinkFailure) -> Bool {
        one.cause == other.cause && one.reason == other.reason
    }
}

extension LinkFailure {
    /// What the CLUSTER INFO of a member means; nil if the member can be used. A member that reaches no more than half
    /// of the slots has been cut off: the others may have given its slots away, and do not receive what is published on
    /// it.
    package static func classify(clusterInfo text: String) -> LinkFailure? {
        guard let info = ClusterInfo(text) else {
            return LinkFailure(cause: .protocolError, reason: "Redis: invalid reply to CLUSTER INFO")
        }
        if info.slotsAssigned == 0 {
            return LinkFailure(
                cause: .topology, reason: "this node is alone: it knows no cluster in which slots are assigned")
        }
        guard info.isInMinority else { return nil }
        return LinkFailure(
            cause: .topology,
            reason:
                "this node reaches only \(info.slotsOK) of \(info.slotsAssigned) slots: it is cut off from most of its "
                + "cluster, or the masters of the other slots are unreachable")
    }

    /// The server does not know sharded pub/sub.
    package static func classify(shardedError text: String) -> LinkFailure? {
        let text = text.lowercased()
        guard text.hasPrefix("err unknown command"), text.contains("spublish") || text.contains("ssubscribe") else {
            return nil
        }
        return LinkFailure(
            cause: .topology,
            reason:
                "this server has no sharded pub/sub, which came with Redis 7 (use --cluster-pubsub classic)")
    }

    /// What an error in answer to CLUSTER INFO, SHARDS or SLOTS means; nil if it says nothing about the link.
    package static func classify(clusterError text: String) -> LinkFailure? {
        guard text.contains("cluster support disabled") else { return nil }
        return LinkFailure(
            cause: .topology, reason: "this Redis is not a member of a cluster (use redis://)")
    }
}
