/// The table of settings, in the order in which `hubrelay serve --help` shows them.
///
/// The ranges exclude what cannot work (no payload, a frame longer than the 64 MiB that one reply of Redis may have)
/// and what is certainly a mistake (days where seconds were meant). They do not judge what is wise.
extension Setting {
    package static let socket = Setting(
        "--socket", "PATH", .socketPath, default: "/run/hubrelay/hubrelay.sock",
        "The Unix socket that app servers connect to.")
    package static let prefix = Setting(
        "--prefix", "TEXT", .prefix(maxBytes: maxPrefixBytes), default: nil,
        "Put unchanged before the name of every channel, so that apps that share a Redis do not hear each other.",
        without: "required, unless a connection string has channelPrefix")
    package static let socketMode = Setting(
        "--socket-mode", "OCTAL", .mode, default: "0660", "Permission bits of the socket.")
    package static let socketGroup = Setting(
        "--socket-group", "GROUP", .group, default: nil, "Group of the socket.",
        without: "no chown by default")
    package static let allowUID = Setting(
        "--allow-uid", "N", .ids, default: nil,
        "Only this user may connect; repeatable, and with --allow-gid one match is enough.",
        without: "by default all that the socket's mode allows")
    package static let allowGID = Setting(
        "--allow-gid", "N", .ids, default: nil, "Only this group may connect, also as a supplementary one; repeatable.",
        without: "by default all that the socket's mode allows")
    package static let takeOver = Setting(
        "--take-over", "", .switch, default: "false",
        "If another relay serves the socket: comes UP beside it, then asks it to stop. That one ends with exit code 10."
    )
    package static let takeOverTimeout = Setting(
        "--take-over-timeout", "TIME", .duration((10 * millisecond)...hour), default: "30s",
        "With --take-over: how long to wait to be UP, and for the other relay to stop. After that, this relay ends.")
    package static let redis = Setting(
        "--redis", "ADDRESS", .redisAddress, default: "redis://127.0.0.1:6379",
        "Where Redis is. Put a password in the variable or in --redis-password-file, because ps shows flags.")
    package static let redisUser = Setting(
        "--redis-user", "NAME", .userName, default: nil, "The ACL user of Redis, instead of one in --redis.",
        without: "the default user by default")
    package static let redisPasswordFile = Setting(
        "--redis-password-file", "PATH", .path, default: nil,
        "A file that holds the Redis password. The variable HUBRELAY_REDIS_PASSWORD can hold it instead.",
        without: "none by default")
    package static let sentinelUser = Setting(
        "--sentinel-user", "NAME", .userName, default: nil, "The ACL user of the sentinels.",
        without: "the default user by default")
    package static let sentinelPasswordFile = Setting(
        "--sentinel-password-file", "PATH", .path, default: nil,
        "A file that holds the sentinels' password. The variable HUBRELAY_SENTINEL_PASSWORD can hold it instead.",
        without: "none by default")
    package static let clusterPubSub = Setting(
        "--cluster-pubsub", "MODE", .choice(["sharded", "classic"]), default: nil,
        "How messages go through a cluster. classic: to share channels with plain clients, SignalR or Socket.IO "
            + "servers, and for patterns. sharded (Redis 7 and later, Valkey): to scale. Neither hears the other.",
        without: "required with redis-cluster://, and only there")
    package static let redisCA = Setting(
        "--redis-ca", "PATH", .path, default: nil,
        "The CA certificates (PEM) that are trusted for Redis and its sentinels.",
        without: "the system's by default")
    package static let redisCert = Setting(
        "--redis-cert", "PATH", .path, default: nil, "The relay's own certificate with its chain (PEM).",
        without: "none by default")
    package static let redisKey = Setting(
        "--redis-key", "PATH", .path, default: nil, "The key of that certificate (PEM).",
        without: "in the file of --redis-cert by default")
    package static let redisTLSName = Setting(
        "--redis-tls-name", "NAME", .hostName, default: nil, "The name that the servers' certificates must have.",
        without: "the host that is connected to by default")
    package static let redisTLSInsecure = Setting(
        "--redis-tls-insecure", "", .switch, default: "false",
        "Accepts any certificate: anybody on the network path can read and change everything.")
    package static let redisClientName = Setting(
        "--redis-client-name", "TEXT", .clientName, default: "hubrelay",
        "The beginning of the names of the relay's connections in CLIENT LIST.")
    package static let abortConnect = Setting(
        "--abort-connect", "BOOL", .boolean, default: nil,
        "Ends the relay if Redis cannot be reached at the start, instead of waiting for it.",
        without: "as a connection string says, false by default")
    package static let http = Setting(
        "--http", "ADDRESS", .httpAddress, default: "127.0.0.1:8379", "Where /health and /metrics are served."
    )
    package static let httpHost = Setting(
        "--http-host", "NAME", .hostNames, default: nil,
        "A host name that HTTP requests may use, besides addresses and localhost; others are refused (DNS rebinding).",
        without: "none by default")
    package static let httpDetails = Setting(
        "--http-details", "WHERE", .choice(HTTPDetails.allCases.map(\.rawValue)), default: "local",
        "Where HTTP shows single clients, channels and relays, whose names may be secrets: on a Unix socket and "
            + "loopback only, at any address, or nowhere.")

    package static let maxPayload = Setting(
        "--max-payload", "SIZE", .size(1...(64 * mebibyte - 4 * kibibyte)), default: "1MiB",
        "The largest payload.")
    package static let window = Setting(
        "--window", "SIZE", .size(kibibyte...gibibyte), default: "4MiB",
        "Limit of a connection's unread output; messages beyond it are dropped.")
    package static let maxBuffered = Setting(
        "--max-buffered", "SIZE", .size(kibibyte...(64 * gibibyte)), default: "64MiB",
        "Unread output of all connections; messages beyond it are dropped. A bound of the same size each holds for unread "
            + "Replies and for incomplete frames.")
    package static let maxConnections = Setting(
        "--max-connections", "N", .count(1...1_000_000), default: "10000",
        "Connections of app servers; fewer if the descriptor limit requires it.")
    package static let maxSubscriptions = Setting(
        "--max-subscriptions", "N", .count(1...100_000_000), default: "1000000",
        "Subscriptions of all connections.")
    package static let maxSubscriptionsPerConnection = Setting(
        "--max-subscriptions-per-connection", "N", .count(1...100_000_000), default: "200000",
        "Subscriptions of one connection.")

    package static let helloTimeout = Setting(
        "--hello-timeout", "TIME", .duration((10 * millisecond)...hour), default: "5s",
        "How long a new connection has to send Hello.")
    package static let frameTimeout = Setting(
        "--frame-timeout", "TIME", .duration((10 * millisecond)...hour), default: "30s",
        "Time to complete a frame.")
    package static let stopTimeout = Setting(
        "--stop-timeout", "TIME", .duration(0...hour), default: "10s",
        "How long connections are served after SIGTERM; 0s ends at once.")
    package static let heartbeatInterval = Setting(
        "--heartbeat-interval", "TIME", .duration((10 * millisecond)...hour), default: "1s",
        "A PING is sent on a link to Redis that has been quiet for this long.")
    package static let linkTimeout = Setting(
        "--link-timeout", "TIME", .duration(20 * millisecond...hour), default: "5s",
        "A link to Redis is closed if an answer does not come for this long; must be more than --heartbeat-interval.")
    package static let probe = Setting(
        "--probe", "TIME", .durationOrOff(10 * millisecond...hour), default: "5s",
        "Interval of the probes that prove the whole path through Redis.")
    package static let fleet = Setting(
        "--fleet", "TIME", .durationOrOff(second...hour), default: "30s",
        "Interval at which the relay announces itself to the others of its prefix: 'hubrelay fleet' lists them. "
            + "Longer if there are more than 30.")
    package static let connectTimeout = Setting(
        "--connect-timeout", "TIME", .duration(10 * millisecond...5 * minute), default: "2s",
        "Timeout for resolving the name; and, for each address, for connecting and for the TLS handshake.")
    package static let backoffMin = Setting(
        "--backoff-min", "TIME", .duration(millisecond...5 * minute), default: "50ms",
        "First wait before reconnecting; doubles up to --backoff-max, with full jitter.")
    package static let backoffMax = Setting(
        "--backoff-max", "TIME", .duration(millisecond...5 * minute), default: "500ms",
        "Longest wait after a connection was refused, reset or timed out.")
    package static let backoffMaxRefused = Setting(
        "--backoff-max-refused", "TIME", .duration(millisecond...5 * minute), default: "5s",
        "Longest wait after an answer that will not change soon (AUTH, maxclients, LOADING, NOPERM, a replica).")
    package static let restoreBatch = Setting(
        "--restore-batch", "N", .count(1...100_000), default: "512",
        "Names in one SUBSCRIBE when subscriptions are restored.")

    package static let logLevel = Setting(
        "--log-level", "LEVEL", .choice(LogLevel.allCases.map(\.rawValue)), default: "info",
        "The least important level that is logged.")
    package static let logFormat = Setting(
        "--log-format", "FORMAT", .choice(LogFormat.allCases.map(\.rawValue)), default: "text",
        "How a line of the log looks.")

    /// Every setting of `serve` that has a flag.
    package static let all: [Setting] = [
        socket, prefix, socketMode, socketGroup, allowUID, allowGID, takeOver, takeOverTimeout, redis, redisUser,
        redisPasswordFile,
        sentinelUser, sentinelPasswordFile, clusterPubSub, redisCA, redisCert, redisKey, redisTLSName, redisTLSInsecure,
        redisClientName, abortConnect, http, httpHost, httpDetails,
        maxPayload, window, maxBuffered, maxConnections, maxSubscriptions, maxSubscriptionsPerConnection,
        helloTimeout, frameTimeout, stopTimeout, heartbeatInterval, linkTimeout, probe, fleet, connectTimeout,
        backoffMin, backoffMax, backoffMaxRefused, restoreBatch, logLevel, logFormat,
    ]
}

/// The settings of `serve` that are variables and not flags.
extension Setting {
    // These are not flags, because every user of the machine can read flags.
    package static let redisPassword = Setting(
        "--redis-password", "", .secret, default: nil, "The Redis password.", without: "none by default",
        spelling: .variable)
    package static let sentinelPassword = Setting(
        "--sentinel-password", "", .secret, default: nil, "The sentinels' password.", without: "none by default",
        spelling: .variable)
    // As a flag, `--prefix ''` says the same as the first of these. The second is about variables.
    package static let prefixNone = Setting(
        "--prefix-none", "", .boolean, default: "false", "Says that there is no prefix.", spelling: .variable)
    package static let allowUnknown = Setting(
        "--allow-unknown", "", .boolean, default: "false",
        "Allows variables that begin with HUBRELAY_ and are not settings.", spelling: .variable)

    package static let secrets: [Setting] = [redisPassword, sentinelPassword]
    package static let variablesOnly: [Setting] = secrets + [prefixNone, allowUnknown]
}

/// The settings that only the small commands have.
extension Setting {
    package static let timeout = Setting(
        "--timeout", "TIME", .duration((10 * millisecond)...hour), default: "5s",
        "How long to wait for each answer.")
    /// For one call only, so it has no variable.
    package static let count = Setting(
        "--count", "N", .count(1...1_000_000_000_000), default: nil, "End after this many messages.",
        without: "without end by default", spelling: .flag)
    package static let longestWait = Setting(
        "--max", "TIME", .duration(0...hour), default: "30s", "How long to wait in all; 0s asks once.", spelling: .flag)
    /// For one call only, like `count`.
    package static let limit = Setting(
        "--limit", "N", .count(1...1000), default: "100", "Rows at most.", spelling: .flag)
    /// For one call only, like `count`.
    package static let interval = Setting(
        "--interval", "TIME", .duration((100 * millisecond)...hour), default: "1s", "How often to look.",
        spelling: .flag)
}

let kibibyte: UInt64 = 1024
let mebibyte: UInt64 = 1024 * kibibyte
let gibibyte: UInt64 = 1024 * mebibyte
let millisecond: UInt64 = 1_000_000
let second: UInt64 = 1000 * millisecond
let minute: UInt64 = 60 * second
let hour: UInt64 = 60 * minute

/// The most bytes of UTF-8 that a prefix may have.
let maxPrefixBytes = 512

/// The bytes of `sun_path`, less its terminating zero.
package let maxSocketPathBytes = 107
