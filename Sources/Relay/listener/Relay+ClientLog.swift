internal import Logging
internal import Posix
internal import RelayCore

/// Log lines about single clients. A client can cause them as often as it likes, so each kind is limited.
extension Relay {
    /// The log fields of a client: its name and number, and its credentials as the kernel reports them.
    func fields(of id: ConnectionID) -> Logger.Metadata {
        let client = hub.facts(of: id)
        return fields(of: peer(of: id)).merging(["client": "\(client.name)", "id": "\(client.number)"]) { $1 }
    }

    /// The log fields of a peer that is not a client yet.
    func fields(of peer: PeerCredentials?) -> Logger.Metadata {
        guard let peer else { return ["client": ""] }
        var fields: Logger.Metadata = ["client": "", "uid": "\(peer.uid)"]
        // For a peer in another pid namespace the kernel gives no pid.
        if peer.pid > 0 { fields["pid"] = "\(peer.pid)" }
        return fields
    }

    /// Logs an event of a client.
    func tell(_ id: ConnectionID, _ event: ClientEvent) {
        // The client may be gone by now.
        guard connections[id.index] != nil else { return }
        switch event {
        case .beganToLose:
            let facts = hub.facts(of: id)
            log(
                .warning, "a client does not read fast enough and loses messages", id,
                ["unread": "\(facts.unread)", "channels": "\(facts.channels)"])
        case .greeted: log(.debug, "a client has said Hello", id)
        case .subscribed(let names, let outcome):
            log(.debug, "a client subscribes", id, ["names": "\(names)", "outcome": "\(outcome.label)"])
        case .unsubscribed(let names): log(.debug, "a client unsubscribes", id, ["names": "\(names)"])
        }
    }

    /// A connection was accepted.
    func tellAccepted(_ id: ConnectionID) { log(.debug, "a connection was accepted", id) }

    /// Logs that a connection is closed. The hub still knows the connection.
    func tellClosed(_ id: ConnectionID) {
        let facts = hub.facts(of: id)
        log(
            .debug, "a connection is closed", id,
            [
                "published": "\(facts.published)", "delivered": "\(facts.delivered)", "lost": "\(facts.lost)",
                "age_ms": "\(facts.age / 1_000_000)",
            ])
    }

    private func log(
        _ level: Logger.Level, _ message: String, _ id: ConnectionID, _ more: @autoclosure () -> Logger.Metadata = [:]
    ) {
        limitedLog.log(level, message, now: now, fields(of: id).merging(more()) { $1 })
    }
}
