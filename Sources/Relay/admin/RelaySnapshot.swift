internal import Posix
internal import RelayCore
internal import TLS

/// What `/health` and `/metrics` report about a relay, as it is at one moment. `Daemon.snapshot` fills it; `healthText`
/// and `metricsText` write it. Durations are in nanoseconds.
struct RelaySnapshot: Sendable {
    var process = Process()

    /// Random, new at each start.
    var relayID = ""
    /// What is put before every channel.
    var prefix = ""
    var status = RelayStatus()
    /// Time not UP since the relay was first UP.
    var outageTime: UInt64 = 0
    var probe = Probe()
    /// Why the role of a server is not checked; nil if the roles of all servers are.
    var roleUnavailable: String?
    /// All links for messages: a pair for each node.
    var links: [Link] = []
    /// Nil without sentinels.
    var sentinels: Sentinels?
    /// Nil if Redis is not a cluster.
    var cluster: Cluster?

    /// The result of reading passwords and certificates.
    var reloads = ReloadRecord()
    /// When the relay's own certificate ends, and when those that it trusts end.
    var certificateEnds = CertificateEnds()

    var socket = Socket()
    var connections = 0
    /// Pairs of a connection and a channel or pattern.
    var subscriptions = 0
    /// Distinct channels and patterns.
    var names = 0
    /// Bytes that wait for slow readers.
    var bufferedBytes = 0
    /// The largest payload that all servers take, if that is less than the relay takes; otherwise nil.
    var payloadLimit: PayloadLimit?
    var limits = Limits()
    /// Publishes that Redis has not answered.
    var publishesInFlight = 0
    var counts = Counts(Counters())
    /// The times from publishing a probe to hearing it.
    var roundTrips = Histogram()
    /// The relays of the prefix that this relay hears, itself included; nil if it does not hear them.
    var fleetRelays: Int?

    /// What concerns the process as a whole.
    struct Process: Sendable {
        /// The pid as the process itself sees it: 1 in most containers.
        var pid: Int32 = 0
        var uptime: UInt64 = 0
        /// How late the event loop's ticks were.
        var loopLag = Histogram()
        /// The largest lag of the last one to two minutes.
        var longestLoopLag: UInt64 = 0
        /// Log lines that the reader of the log did not take.
        var logLinesDropped: UInt64 = 0
        /// Nil if /proc does not exist, or if the values are not wanted.
        var stats: ProcessStats?
    }

    /// The probe of the whole path; with several nodes, the worst of each value.
    struct Probe: Sendable {
        var isEnabled = true
        /// Why there is no probe although it is configured.
        var unavailable: String?
        var roundTrip: UInt64?
        /// How long the oldest probe has been under way.
        var underWay: UInt64?
    }

    /// A link to a Redis node.
    struct Link: Sendable {
        enum Purpose: String, Sendable { case publish, subscribe }

        var purpose: Purpose
        /// For people; without secrets.
        var address: String
        var isUp: Bool
        /// The TLS version, such as "TLSv1.3"; nil without TLS, and while the link is not up.
        var tlsVersion: String?
        /// When the server's certificate ends, in seconds since 1970; nil without TLS, and while the link is not up.
        var certificateEnd: Int64?
        var roundTrip: UInt64?
        var failure: LinkFailure?
        /// The time from PING to PING, if it is shorter than configured because the server would end the connection.
        var shortenedHeartbeat: UInt64?
        /// What the server refuses, and the link does without.
        var fallbacks: [LinkMachine.Fallback] = []
    }

    /// The sentinels, as far as the relay asks them.
    struct Sentinels: Sendable {
        /// They name different masters with the same epoch.
        var disagree = false
        var all: [Sentinel] = []
    }

    /// One sentinel.
    struct Sentinel: Sendable {
        var address: String
        var isConnected: Bool
        /// It is connected, and knows the master.
        var isOfUse: Bool
        /// The master that it named last.
        var master: (address: String, epoch: UInt64)?
        var failure: LinkFailure?
    }

    /// The cluster, as the relay knows it.
    struct Cluster: Sendable {
        var pubsub: String
        /// Whether a member reports which node has which slots.
        var isTold: Bool
        /// The member that reports it; for people.
        var asked: String?
        /// What was reported last.
        var topology: (epoch: UInt64, masters: Int, members: Int)?
        var failure: LinkFailure?
        /// Members at which links for messages are up.
        var connectedMembers = 0
        /// Hash slots in use that cannot be published to, or are not heard.
        var slotsAway = 0
        /// Nil if channels do not belong to slots.
        var slots: Slots?

        struct Slots: Sendable {
            var inUse = 0
            var nodes: [Node] = []
        }
    }

    /// A master of a cluster.
    struct Node: Sendable {
        var address: String
        /// How many hash slots in use it has.
        var slots: Int
        var publishing: Bool
        var receiving: Bool
        var roundTrip: UInt64?
    }

    /// The socket that apps connect to.
    struct Socket: Sendable {
        var path = ""
        /// Whether apps can connect.
        var isReachable = true
        /// Why no app can connect, if the path does not lead to the relay.
        var problem: String?
    }

    /// The limits of all apps together.
    struct Limits: Sendable {
        /// The configured limit, or what the descriptors allow if that is less.
        var connections = 0
        var subscriptions = 0
        var bufferedBytes = 0
    }

    /// The numbers in `Counters`.
    struct Counts: Sendable {
        var publishes: Counters.Table<Outcome>
        var publishesUnacknowledged: UInt64
        var publishesLost: Counters.Table<Cause>
        var messagesReceived: UInt64
        var oddMessages: UInt64
        var messagesDelivered: UInt64
        var messagesLost: Counters.Table<Cause>
        var bytesFromApps: UInt64
        var bytesToApps: UInt64
        var bytesFromRedis: UInt64
        var bytesToRedis: UInt64
        var connectionsClosed: Counters.Table<ErrorCode>
        var connectionsAccepted: UInt64
        var subscribes: Counters.Table<Outcome>
        var connectionAttempts: Counters.Table<LinkKind>

        init(_ counters: Counters) {
            (publishes, publishesUnacknowledged) = (counters.publishes, counters.publishesUnacknowledged)
            publishesLost = counters.publishesLost
            (messagesReceived, oddMessages) = (counters.messagesReceived, counters.oddMessages)
            (messagesDelivered, messagesLost) = (counters.messagesDelivered, counters.messagesLost)
            (bytesFromApps, bytesToApps) = (counters.bytesFromApps, counters.bytesToApps)
            (bytesFromRedis, bytesToRedis) = (counters.bytesFromRedis, counters.bytesToRedis)
            connectionsClosed = counters.connectionsClosed
            connectionsAccepted = counters.connectionsAccepted
            (subscribes, connectionAttempts) = (counters.subscribes, counters.connectionAttempts)
        }

        /// Publishes with this outcome, with an id or without; one of `Outcome.ofPublishes`.
        func publishes(_ outcome: Outcome) -> UInt64 {
            publishes[outcome] + (outcome == .ok ? publishesUnacknowledged : 0)
        }
    }
}

extension Outcome {
    /// The outcomes that a publish can have.
    static let ofPublishes: [Outcome] = [.ok, .notConnected, .interrupted, .refused, .invalid]
    /// The outcomes that a Subscribe can have.
    static let ofSubscribes: [Outcome] = [.ok, .pending, .refused, .invalid, .limit]
}

extension Cause {
    /// The causes for which a message from Redis is lost.
    static let ofMessages: [Cause] = [.slowReader, .tooLarge, .badName]
    /// The causes for which a relay is not UP.
    static let ofPath: [Cause] = ofRelays.filter { $0.rawValue >= Cause.starting.rawValue }
}

/// Converts nanoseconds to seconds.
func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1_000_000_000 }
