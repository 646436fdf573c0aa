/// What a workload varies or looks at. It decides which figures of it are shown, and in which plot.
package enum WorkloadGroup: String, Sendable, CaseIterable {
    /// Publishers that keep a window of unanswered publishes; nobody subscribes.
    case publish
    /// Every message goes to several subscribers: `Parameters.subscribers` differs.
    case fanOut = "fan-out"
    /// Messages at a fixed rate, each timed from when it was due.
    case latency
    /// Connections that are open and do nothing: the memory of each.
    case idleConnections = "idle-connections"
    /// Subscriptions in force: the memory of each.
    case subscriptions
    /// As `publish` or `fanOut`, and `Parameters.connections` differs.
    case connections
    /// The same, and `Parameters.channels` differs.
    case channels
    /// The same, and `Parameters.payloadBytes` differs.
    case payloads
    /// The same, and `Parameters.subscribers` differs, up to many more than in `fanOut`.
    case subscribers
    /// Connections that are opened, used once and closed: `Measurement.messages` counts them, and
    /// `Parameters.connections` is how many are open at a time.
    case shortConnections = "short-connections"
}

/// What the messages of a measurement went through.
package enum Target: String, Sendable, CaseIterable {
    /// Through hubrelay, to Redis, and back through hubrelay.
    case relay
    /// To Redis and back, by the load generator itself.
    case direct
}

/// What a workload was run with; nil where it has no such thing.
package struct Parameters: Sendable, Equatable {
    /// Client connections, of publishers and subscribers together.
    package var connections: Int?
    package var channels: Int?
    /// Of one message.
    package var payloadBytes: Int?
    /// Subscribers of each message.
    package var subscribers: Int?
    /// Messages per second that were due, in a workload of a fixed rate.
    package var rate: Int?
    /// Messages under way at a time.
    package var window: Int?

    package init(
        connections: Int? = nil, channels: Int? = nil, payloadBytes: Int? = nil, subscribers: Int? = nil,
        rate: Int? = nil, window: Int? = nil
    ) {
        self.connections = connections
        self.channels = channels
        self.payloadBytes = payloadBytes
        self.subscribers = subscribers
        self.rate = rate
        self.window = window
    }
}
