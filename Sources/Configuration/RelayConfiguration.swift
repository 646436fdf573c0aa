/// Everything that a relay needs to start: checked, complete and in fixed units.
///
/// Made by ``RelayConfiguration/parse(flags:environment:variables:)`` from flags and the environment. The defaults are
/// only in the table of settings.
package struct RelayConfiguration: Sendable, Equatable {
    package var listener: ListenerConfiguration
    package var redis: RedisConfiguration
    /// Where /health and /metrics are served.
    package var http: HTTPListen
    /// Names by which HTTP over TCP may be asked, in addition to addresses and localhost: host names, ".domain" or "*",
    /// in lower case.
    package var httpHosts: [String]
    /// Where HTTP lists single clients, channels and relays.
    package var httpDetails: HTTPDetails
    package var limits: Limits
    package var timings: Timings
    package var logging: LoggingConfiguration
    /// What the operator should know although everything works; one sentence each, without secrets.
    package var notices: [String]
    /// What is most likely a mistake; also one sentence each, without secrets.
    package var warnings: [String]
}

/// The Unix socket that the app servers connect to, and the settings that belong to it rather than to the relay.
package struct ListenerConfiguration: Sendable, Equatable {
    /// At most 107 bytes, the length of `sun_path` less its terminating zero.
    package var socketPath: String
    /// Put before every channel of this socket as it is, without a separator. Valid UTF-8, at most 512 bytes, may be
    /// empty.
    package var prefix: [UInt8]
    /// The permission bits of the socket file, at most 0o777.
    package var socketMode: UInt32
    /// A group's name, or its number in decimal; nil: the directory decides the group.
    package var socketGroup: String?
    /// Users that may connect. If this and ``allowedGIDs`` are empty, the file's mode alone decides.
    package var allowedUIDs: [UInt32]
    /// Groups whose members may connect, supplementary groups included.
    package var allowedGIDs: [UInt32]
    /// Whether ``socketMode`` was given, and is not the default.
    package var isModeGiven = false
    /// Nanoseconds in which to take the socket over from the relay that serves it; nil: it is not taken over.
    package var takeOverTimeout: UInt64?
}

/// Where the HTTP side listens.
package enum HTTPListen: Sendable, Equatable, CustomStringConvertible {
    case off
    /// `host` is a numeric IPv4 or IPv6 address, the latter without brackets.
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    /// In the form of `--http`.
    package var description: String {
        switch self {
        case .off: "off"
        case .tcp(let host, let port): "\(bracketed(host)):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// Where HTTP lists single clients, channels and relays.
package enum HTTPDetails: String, Sendable, CaseIterable {
    /// On a Unix socket and on loopback.
    case local
    case anywhere, nowhere

    /// Whether HTTP lists them at this address. The client's address does not count: proxies and container engines
    /// connect from loopback for other hosts.
    package func areTold(at address: HTTPListen) -> Bool {
        switch self {
        case .anywhere: true
        case .nowhere: false
        case .local: address.isLocal
        }
    }
}

extension HTTPListen {
    /// Whether only this host can reach it.
    fileprivate var isLocal: Bool {
        switch self {
        case .off, .unix: true
        case .tcp(let host, _): host == "::1" || isIPv4Address(host) && host.hasPrefix("127.")
        }
    }
}

/// The limits of what a relay accepts. Sizes are in bytes.
package struct Limits: Sendable, Equatable {
    /// The largest payload; a frame may be 4096 bytes longer.
    package var maxPayload: Int
    /// Unread output of one connection beyond which its messages are dropped.
    package var window: Int
    /// Unread output of all connections together beyond which messages are dropped.
    package var maxBuffered: Int
    package var maxConnections: Int
    package var maxSubscriptions: Int
    package var maxSubscriptionsPerConnection: Int
}

/// Every interval and timeout, in nanoseconds.
package struct Timings: Sendable, Equatable {
    /// How long a new connection has to send Hello.
    package var helloTimeout: UInt64
    /// Time to complete a frame.
    package var frameTimeout: UInt64
    /// How long connections are served after STOPPING has begun; 0 ends them at once.
    package var stopTimeout: UInt64
    /// A link that has been quiet for this long gets a PING.
    package var heartbeatInterval: UInt64
    /// A link that has waited this long for an answer is dead. Always more than ``heartbeatInterval``.
    package var linkTimeout: UInt64
    /// Time between two probes of the whole path; nil: no probes.
    package var probeInterval: UInt64?
    /// For resolving; and for connecting, and for the TLS handshake, per address.
    package var connectTimeout: UInt64
    /// The first wait before reconnecting. Never more than ``backoffMax`` and ``backoffMaxRefused``.
    package var backoffMin: UInt64
    /// The longest wait after a connection that was refused, reset or timed out.
    package var backoffMax: UInt64
    /// The longest wait after an answer that will not change in a moment (AUTH, maxclients, LOADING, NOPERM).
    package var backoffMaxRefused: UInt64
    /// Not a time: how many names one SUBSCRIBE has when subscriptions are restored.
    package var restoreBatch: Int
    /// Time between two announcements of the relay to the others of its prefix; nil: no announcements.
    package var fleetInterval: UInt64?

    package init(
        helloTimeout: UInt64, frameTimeout: UInt64, stopTimeout: UInt64, heartbeatInterval: UInt64, linkTimeout: UInt64,
        probeInterval: UInt64?, connectTimeout: UInt64, backoffMin: UInt64, backoffMax: UInt64,
        backoffMaxRefused: UInt64, restoreBatch: Int, fleetInterval: UInt64? = nil
    ) {
        (self.helloTimeout, self.frameTimeout, self.stopTimeout) = (helloTimeout, frameTimeout, stopTimeout)
        (self.heartbeatInterval, self.linkTimeout) = (heartbeatInterval, linkTimeout)
        (self.probeInterval, self.connectTimeout) = (probeInterval, connectTimeout)
        (self.backoffMin, self.backoffMax, self.backoffMaxRefused) = (backoffMin, backoffMax, backoffMaxRefused)
        (self.restoreBatch, self.fleetInterval) = (restoreBatch, fleetInterval)
    }
}

/// What is logged, and how a line looks.
package struct LoggingConfiguration: Sendable, Equatable {
    package var level: LogLevel
    package var format: LogFormat
}

/// The least important level that is written; the names are swift-log's.
package enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}

/// How a line of the log looks.
package enum LogFormat: String, Sendable, CaseIterable {
    case text, json
}

/// An IPv6 address in brackets, which a port after it needs; any other host as it is.
package func bracketed(_ host: String) -> String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
}
