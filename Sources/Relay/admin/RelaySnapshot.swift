internal import Posix
internal import RelayCore
internal import TLS

/// What `/health` and `/metrics` tell of a relay, as it is at one moment: filled by `Daemon.snapshot`, written by
/// `healthText` and `metricsText`. Durations are nanoseconds.
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
    /// Why no server is asked for its role; nil when it is.
    var roleUnavailable: String?
    /// All links for messages: a pair for each node.
    var links: [Link] = []
    /// Nil without sentinels.
    var sentinels: Sentinels?
    /// Nil where Redis is no cluster.
    var cluster: Cluster?

    /// What came of reading passwords and certificates.
    var reloads = ReloadRecord()
    /// Of the relay's own certificate, and of those that it trusts.
    var certificateEnds = CertificateEnds()

    var socket = Socket()
    var connections = 0
    /// Pairs of a connection and a channel or pattern.
    var subscriptions = 0
    /// Distinct channels and patterns.
    var names = 0
    /// Bytes that wait for slow readers.
    var bufferedBytes = 0
    /// How large a payload a server takes that takes less than the relay; nil: there is none.
    var payloadLimit: PayloadLimit?
    var limits = Limits()
    /// Publishes that Redis has not answered.
    var publishesInFlight = 0
    var counts = Counts(Counters())
    /// From publishing probes to hearing them.
    var roundTrips = Histogram()
    /// Relays of the prefix that are heard, this one included; nil: it does not hear them.
    var fleetRelays: Int?

    /// What is of the process, and not of a relay.
    struct Process: Sendable {
        /// As this process sees itself: 1 in most containers.
        var pid: Int32 = 0
        var uptime: UInt64 = 0
        /// How late the event loop's ticks were.
        var loopLag = Histogram()
        /// How late the latest one of the last minute was, or of the last two.
        var longestLoopLag: UInt64 = 0
        /// Log lines that whoever reads the log did not take.
        var logLinesDropped: UInt64 = 0
        /// Nil where /proc is not there, or nobody wants to know.
        var stats: ProcessStats?
    }

    /// The probe of the whole path; of several nodes what is worst.
    struct Probe: Sendable {
        var isEnabled = true
        /// Why there is none although it was wanted.
        var unavailable: String?
        var roundTrip: UInt64?
        /// How long the oldest one has been under way.
        var underWay: UInt64?
    }

    /// A link to a Redis node.
    struct Link: Sendable {
        enum Purpose: String, Sendable { case publish, subscribe }

        var purpose: Purpose
        /// For people; without secrets.
        var address: String
        var isUp: Bool
        /// As "TLSv1.3"; nil without TLS, and while the link is not up.
        var tlsVersion: String?
        /// When the server's certificate ends, in seconds since 1970; nil without TLS, and while the link is not up.
        var certificateEnd: Int64?
        var roundTrip: UInt64?
        var failure: LinkFailure?
        /// The time from PING to PING, where it is shorter than it was set to, since the server would end the connection.
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
        /// What it has said last.
        var master: (address: String, epoch: UInt64)?
        var failure: LinkFailure?
    }

    /// The cluster, as the relay knows it.
    struct Cluster: Sendable {
        var pubsub: String
        /// Whether a member answers who has which slots.
        var isTold: Bool
        /// Who answers that; for people.
        var asked: String?
        /// What was answered last.
        var topology: (epoch: UInt64, masters: Int, members: Int)?
        var failure: LinkFailure?
        /// Members at which links for messages are up.
        var connectedMembers = 0
        /// Hash slots in use that cannot be published to, or are not heard.
        var slotsAway = 0
        /// Nil where channels belong to no slots.
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
        /// Why none can, if its path does not lead to the relay.
        var problem: String?
    }

    /// What apps may take of the relay, all together.
    struct Limits: Sendable {
        /// As the descriptors allow, where that is fewer than was set.
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
    /// The causes for which a message is lost that Redis has sent.
    static let ofMessages: [Cause] = [.slowReader, .tooLarge, .badName]
    /// The causes for which a relay is not UP.
    static let ofPath: [Cause] = ofRelays.filter { $0.rawValue >= Cause.starting.rawValue }
}

/// Seconds, of nanoseconds.
func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1_000_000_000 }
