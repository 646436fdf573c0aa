/// Everything that a relay is started with: checked, complete and without units left open.
///
/// Made by ``RelayConfiguration/parse(flags:environment:variables:)`` from flags and the environment; the defaults are in
/// the table of settings and nowhere else.
package struct RelayConfiguration: Sendable, Equatable {
    package var listener: ListenerConfiguration
    package var redis: RedisConfiguration
    /// Where /health and /metrics are served.
    package var http: HTTPListen
    /// What HTTP by TCP may be asked by, besides addresses and localhost: names, ".domain" or "*", in small letters.
    package var httpHosts: [String]
    /// Where HTTP tells of single clients, channels and relays.
    package var httpDetails: HTTPDetails
    package var limits: Limits
    package var timings: Timings
    package var logging: LoggingConfiguration
    /// What the operator should know but what keeps nothing from working; one sentence each, without secrets.
    package var notices: [String]
    /// The same of what is most likely not as it was meant.
    package var warnings: [String]
}

/// The Unix socket that the app servers connect to, and what belongs to it rather than to the relay.
package struct ListenerConfiguration: Sendable, Equatable {
    /// At most 107 bytes, the length of `sun_path` less its terminating zero.
    package var socketPath: String
    /// Put before every channel of this socket as it is, without a separator. Valid UTF-8, at most 512 bytes, may be
    /// empty.
    package var prefix: [UInt8]
    /// The permission bits of the socket file, at most 0o777.
    package var socketMode: UInt32
    /// A group's name or its number in decimal; nil leaves the group as the directory decides it.
    package var socketGroup: String?
    /// Peers let in by user; empty together with ``allowedGIDs``: everybody whom the file's mode lets in.
    package var allowedUIDs: [UInt32]
    /// Peers let in by group, supplementary groups included.
    package var allowedGIDs: [UInt32]
    /// Whether ``socketMode`` was asked for, and is not the default.
    package var isModeGiven = false
    /// Nanoseconds in which the socket is to be taken over from the relay that serves it; nil: it is not.
    package var takeOverTimeout: UInt64?
}

/// Where the HTTP side listens.
package enum HTTPListen: Sendable, Equatable, CustomStringConvertible {
    case off
    /// `host` is a numeric IPv4 or IPv6 address, the latter without brackets.
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    /// As `--http` takes it.
    package var description: String {
        switch self {
        case .off: "off"
        case .tcp(let host, let port): "\(bracketed(host)):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// Where HTTP tells of single clients, channels and relays.
package enum HTTPDetails: String, Sendable, CaseIterable {
    /// On a Unix socket and on loopback.
    case local
    case anywhere, nowhere

    /// Whether it does at this address. Who asks does not count: proxies and container engines ask for others from loopback.
    package func areTold(at address: HTTPListen) -> Bool {
        switch self {
        case .anywhere: true
        case .nowhere: false
        case .local: address.isLocal
        }
    }
}

extension HTTPListen {
    /// Whether only this host reaches it.
    fileprivate var isLocal: Bool {
        switch self {
        case .off, .unix: true
        case .tcp(let host, _): host == "::1" || isIPv4Address(host) && host.hasPrefix("127.")
        }
    }
}

/// The bounds of what a relay takes on. Sizes are in bytes.
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
    /// How long half a frame may stay half a frame.
    package var frameTimeout: UInt64
    /// How long connections are served once STOPPING began; 0 ends at once.
    package var stopTimeout: UInt64
    /// A link that has been quiet for this long gets a PING.
    package var heartbeatInterval: UInt64
    /// A link that owes an answer for this long is dead. Always more than ``heartbeatInterval``.
    package var linkTimeout: UInt64
    /// Between two probes of the whole path; nil: no probes.
    package var probeInterval: UInt64?
    /// For resolving and connecting, per address.
    package var connectTimeout: UInt64
    /// Never more than ``backoffMax`` and ``backoffMaxRefused``.
    package var backoffMin: UInt64
    /// The longest wait after a connection that was refused, reset or timed out.
    package var backoffMax: UInt64
    /// The longest wait after an answer that will not change in a moment (AUTH, maxclients, LOADING, NOPERM).
    package var backoffMaxRefused: UInt64
    /// Not a time but the restore's pace: names in one SUBSCRIBE.
    package var restoreBatch: Int
    /// Between two announcements of the relay to the others of its prefix; nil: none.
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

/// An IPv6 address in the brackets that a port behind it needs; anything else as it is.
package func bracketed(_ host: String) -> String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
}
