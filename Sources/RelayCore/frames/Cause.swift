/// Why something is not as it should be: the path to Redis (Status), or messages that did not get through (Loss). The
/// numbers are those of the protocol (PROTOCOL.md, "Causes"). Everything that is true of a cause stands in this file.
package enum Cause: UInt8, Sendable, CaseIterable {
    case unspecified = 0

    // Of single messages.
    case slowReader = 1
    case tooLarge, badName, notConnected, refused, invalid

    // Of the path.
    case starting = 16
    case stopping, unreachable, closed, timeout, auth, tls, busy, demoted, probe, protocolError, topology

    /// A client's own word while it has no connection to a relay. The relay itself never says it.
    case noRelay = 28

    /// The causes that a relay counts and sends.
    package static var ofRelays: [Cause] { allCases.filter { $0 != .noRelay } }

    /// The name in logs, `/health` and metric labels.
    package var label: String {
        switch self {
        case .unspecified: "unspecified"
        case .slowReader: "slow_reader"
        case .tooLarge: "too_large"
        case .badName: "bad_name"
        case .notConnected: "not_connected"
        case .refused: "refused"
        case .invalid: "invalid"
        case .starting: "starting"
        case .stopping: "stopping"
        case .unreachable: "unreachable"
        case .closed: "closed"
        case .timeout: "timeout"
        case .auth: "auth"
        case .tls: "tls"
        case .busy: "busy"
        case .demoted: "demoted"
        case .probe: "probe"
        case .protocolError: "protocol"
        case .topology: "topology"
        case .noRelay: "no_relay"
        }
    }

    /// The text for people in a Loss frame.
    var lossReason: String {
        switch self {
        case .slowReader: "this connection does not read fast enough"
        case .tooLarge: "larger than max_payload_bytes"
        case .badName: "the channel is not a valid name"
        case .notConnected: "not connected to Redis"
        case .refused: "Redis refused it"
        case .invalid: "the request was invalid"
        case .unspecified, .starting, .stopping, .unreachable, .closed, .timeout, .auth, .tls, .busy, .demoted, .probe,
            .protocolError, .topology, .noRelay:
            "the link to Redis failed"
        }
    }

    /// What a person can do about a path that is not UP for this cause.
    package var advice: String {
        switch self {
        case .starting: "The relay has just started, and connects. If this lasts, look whether --redis is right."
        case .stopping: "The relay is shutting down; its clients go to the next one."
        case .unreachable:
            "Look whether Redis runs at this address, whether the name is known here, and whether a firewall is between. The "
                + "relay tries again and again by itself."
        case .closed:
            "Redis ended the connection, and the relay connects again. If it happens again and again, Redis's log says why: "
                + "a restart, CLIENT KILL, an output buffer limit, an access list."
        case .timeout:
            "Redis did not answer: it hangs, or packets are lost on the way. Look at its load and at the network. With TLS: does "
                + "the server speak it at this port?"
        case .auth:
            "Mend the password, the user or its access list (ACL). A password file is read again at each attempt."
        case .tls:
            "Mend the certificate, its name or its date, theirs or ours. After new files: reload the relay (SIGHUP)."
        case .busy:
            "Redis is loading, runs a long script, or has no place for another client (maxclients). It passes, or the "
                + "operator of Redis mends it."
        case .demoted:
            "This server is no master any more. Sentinels, a name or a proxy must lead to the new one."
        case .probe:
            "What is published does not come back: the two links may have led to servers that do not hear each other. The relay "
                + "connects anew."
        case .protocolError:
            "What answers is not Redis, or a proxy breaks its protocol. Look what listens at this address."
        case .topology:
            "Part of the channels has no server that can be used: look at the cluster's state (CLUSTER INFO)."
        case .unspecified, .slowReader, .tooLarge, .badName, .notConnected, .refused, .invalid, .noRelay: ""
        }
    }

    /// Whether the server has refused: trying again at once would get the same answer, so the backoff grows at once.
    var isRefusal: Bool {
        switch self {
        case .auth, .tls, .busy, .demoted: true
        case .unspecified, .slowReader, .tooLarge, .badName, .notConnected, .refused, .invalid, .starting, .stopping,
            .unreachable, .closed, .timeout, .probe, .protocolError, .topology, .noRelay:
            false
        }
    }

    /// How much it tells of an attempt that tried several servers: what somebody has to mend counts more than what passes
    /// by itself.
    var gravity: Int {
        switch self {
        case .auth, .tls, .busy, .topology, .protocolError: 1
        case .unspecified, .slowReader, .tooLarge, .badName, .notConnected, .refused, .invalid, .starting, .stopping,
            .unreachable, .closed, .timeout, .demoted, .probe, .noRelay:
            0
        }
    }

    /// Whether somebody has to change a setting, a certificate or an access list. The log says so once a window, however
    /// much the state changes.
    package var isForPeopleToMend: Bool {
        switch self {
        case .auth, .tls, .topology: true
        case .unspecified, .slowReader, .tooLarge, .badName, .notConnected, .refused, .invalid, .starting, .stopping,
            .unreachable, .closed, .timeout, .busy, .demoted, .probe, .protocolError, .noRelay:
            false
        }
    }
}
