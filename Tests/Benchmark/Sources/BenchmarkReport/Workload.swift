/// What a workload varies or examines. It decides which figures of the workload are shown, and in which plot.
package enum WorkloadGroup: String, Sendable, CaseIterable {
    /// Publishers that keep a window of unanswered publishes; nobody subscribes.
    case publish
    /// Every message goes to several subscribers. `Parameters.subscribers` varies.
    case fanOut = "fan-out"
    /// Messages at a fixed rate, each timed from when it was due.
    case latency
    /// Connections that are open and do nothing: the memory of each.
    case idleConnections = "idle-connections"
    /// Subscriptions in force: the memory of each.
    case subscriptions
    /// Like `publish` or `fanOut`, with a varying `Parameters.connections`.
    case connections
    /// Like `publish` or `fanOut`, with a varying `Parameters.channels`.
    case channels
    /// Like `publish` or `fanOut`, with a varying `Parameters.payloadBytes`.
    case payloads
    /// Like `publish` or `fanOut`, with a varying `Parameters.subscribers`, up to many more than in `fanOut`.
    case subscribers
    /// Connections that are opened, used once and closed. `Measurement.messages` counts them, and
    /// `Parameters.connections` is how many are open at a time.
    case shortConnections = "short-connections"
}

/// The way that the messages of a measurement took.
package enum Target: String, Sendable, CaseIterable {
    /// Through hubrelay, to Redis, and back through hubrelay.
    case relay
    /// To Redis and back, without a relay.
    case direct
}

/// The parameters of a workload's run; nil if the workload has no such parameter.
package struct Parameters: Sendable, Equatable {
    /// Client connections, of publishers and subscribers together.
    package var connections: Int?
    package var channels: Int?
    /// The size of one message's payload.
    package var payloadBytes: Int?
    /// Subscribers of each message.
    package var subscribers: Int?
    /// Messages per second that were due, in a workload with a fixed rate.
    package var rate: Int?
    /// How many messages may be on their way at a time.
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
