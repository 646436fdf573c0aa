/// Why the path to Redis is not UP (Status), or why messages or publishes did not get through (Loss). The numbers are
/// those of the protocol (PROTOCOL.md, "Causes"). Everything about a cause is in this file.
package enum Cause: UInt8, Sendable, CaseIterable {
    case unspecified = 0

    // Causes for single messages.
    case slowReader = 1
    case tooLarge, badName, notConnected, refused, invalid

    // Causes for the path.
    case starting = 16
    case stopping, unreachable, closed, timeout, auth, tls, busy, demoted, probe, protocolError, topology

    /// A client uses it while it has no connection to a relay. A relay never sends it.
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
        case .starting: "The relay has just started, and is connecting. If this lasts, check --redis."
        case .stopping: "The relay is shutting down; its clients move to the next one."
        case .unreachable:
            "Check that Redis runs at this address, that its name can be resolved here, and that no firewall is "
                + "in between. The relay keeps trying."
        case .closed:
            "Redis closed the connection, and the relay reconnects. If this happens again and again, the log of Redis "
                + "says why: a restart, CLIENT KILL, an output buffer limit, an access list."
        case .timeout:
            "Redis did not answer: it hangs, or packets are lost on the way. Check its load and the network. With "
                + "TLS: does the server speak TLS at this port?"
        case .auth:
            "Correct the password, the user or its access list (ACL). A password file is read again at each attempt."
        case .tls:
            "Correct the certificate of the server or of the relay, its name or its date. Changed files are read "
                + "again at the next attempt; after a change of the system's store, reload the relay (SIGHUP)."
        case .busy:
            "Redis is loading, runs a long script, or has reached maxclients. This passes by itself, or the operator "
                + "of Redis has to act."
        case .demoted:
            "This server is not a master any more. Sentinels, a name or a proxy must lead to the new one."
        case .probe:
            "Published messages do not come back: the two links may have led to servers that do not hear each other. "
                + "The relay reconnects."
        case .protocolError:
            "The server is not Redis, or a proxy breaks its protocol. Check what listens at this address."
        case .topology:
            "Some channels have no server that can be used: check the state of the cluster (CLUSTER INFO)."
        case .unspecified, .slowReader, .tooLarge, .badName, .notConnected, .refused, .invalid, .noRelay: ""
        }
    }

    /// Whether the server has refused. Trying again at once would get the same answer, so the backoff grows at once.
    var isRefusal: Bool {
        switch self {
        case .auth, .tls, .busy, .demoted: true
        case .unspecified, .slowReader, .tooLarge, .badName, .notConnected, .refused, .invalid, .starting, .stopping,
            .unreachable, .closed, .timeout, .probe, .protocolError, .topology, .noRelay:
            false
        }
    }

    /// How much it says about an attempt that tried several servers: a cause that somebody has to fix counts more than
    /// one that passes by itself.
    var gravity: Int {
        switch self {
        case .auth, .tls, .busy, .topology, .protocolError: 1
        case .unspecified, .slowReader, .tooLarge, .badName, .notConnected, .refused, .invalid, .starting, .stopping,
            .unreachable, .closed, .timeout, .demoted, .probe, .noRelay:
            0
        }
    }

    /// Whether somebody has to change a setting, a certificate or an access list. The log says so once a window,
    /// however often the state changes.
    package var isForPeopleToMend: Bool {
        switch self {
        case .auth, .tls, .topology: true
        case .unspecified, .slowReader, .tooLarge, .badName, .notConnected, .refused, .invalid, .starting, .stopping,
            .unreachable, .closed, .timeout, .busy, .demoted, .probe, .protocolError, .noRelay:
            false
        }
    }
}
