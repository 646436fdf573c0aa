/// One run of one workload against one target.
package struct Measurement: Sendable, Equatable {
    /// The workload's name. The same name means the same parameters, whatever the target and the round.
    package var workload: String
    package var group: WorkloadGroup
    package var target: Target
    /// Counted from 1. The runs of a workload in one round are close together in time, so that they may be compared.
    package var round: Int
    package var parameters: Parameters
    /// How long the counted part of the run took.
    package var seconds: Double
    /// The number by which the figures per message are divided.
    package var messages: Int
    package var counts: MessageCounts
    /// The relay's processor time in the counted part; nil if there is no relay, or if the time is not known.
    package var relayCPU: ProcessorTime?
    package var redisCPU: ProcessorTime?
    package var generatorCPU: ProcessorTime?
    package var relayMemory: MemoryUse?
    /// The time from when a message was sent or due until it was received.
    package var latencies: LatencySummary?
    /// How much later than due the load generator itself sent. That part of `latencies` is its own.
    package var generatorLateness: LatencySummary?

    package init(
        workload: String, group: WorkloadGroup, target: Target, round: Int, parameters: Parameters, seconds: Double,
        messages: Int, counts: MessageCounts, relayCPU: ProcessorTime? = nil, redisCPU: ProcessorTime? = nil,
        generatorCPU: ProcessorTime? = nil, relayMemory: MemoryUse? = nil, latencies: LatencySummary? = nil,
        generatorLateness: LatencySummary? = nil
    ) {
        self.workload = workload
        self.group = group
        self.target = target
        self.round = round
        self.parameters = parameters
        self.seconds = seconds
        self.messages = messages
        self.counts = counts
        self.relayCPU = relayCPU
        self.redisCPU = redisCPU
        self.generatorCPU = generatorCPU
        self.relayMemory = relayMemory
        self.latencies = latencies
        self.generatorLateness = generatorLateness
    }
}

/// What happened to the messages of one run.
package struct MessageCounts: Sendable, Equatable {
    /// Sent and confirmed.
    package var published: Int
    /// Received, once for each subscriber.
    package var delivered: Int
    /// Not received, and the relay reported it.
    package var lost: Int
    /// Not received, and nobody reported it.
    package var missing: Int
    /// Received a second time.
    package var duplicates: Int
    /// Publishes that were answered with an error.
    package var refused: Int

    package init(
        published: Int = 0, delivered: Int = 0, lost: Int = 0, missing: Int = 0, duplicates: Int = 0,
        refused: Int = 0
    ) {
        self.published = published
        self.delivered = delivered
        self.lost = lost
        self.missing = missing
        self.duplicates = duplicates
        self.refused = refused
    }
}

/// Processor time of a process, all threads, in seconds.
package struct ProcessorTime: Sendable, Equatable {
    package var user: Double
    package var system: Double
    /// User and system time.
    package var total: Double { user + system }

    package init(user: Double, system: Double) {
        self.user = user
        self.system = system
    }
}

/// The resident memory of the relay, in bytes.
package struct MemoryUse: Sendable, Equatable {
    /// What the run keeps in the relay's memory, and how many of them there are.
    package enum Held: Sendable, Equatable {
        case connections(Int)
        case subscriptions(Int)
    }

    /// Before the run.
    package var start: Int
    /// After the run, while all of `held` is still there.
    package var end: Int
    /// Nil if the growth is not due to one kind of thing.
    package var held: Held?

    package init(start: Int, end: Int, held: Held? = nil) {
        self.start = start
        self.end = end
        self.held = held
    }
}

/// The distribution of latencies, in microseconds.
package struct LatencySummary: Sendable, Equatable {
    /// One point of the curve of percentiles.
    package struct Point: Sendable, Equatable {
        /// From 0 to 100.
        package var percentile: Double
        package var microseconds: Double

        package init(percentile: Double, microseconds: Double) {
            self.percentile = percentile
            self.microseconds = microseconds
        }
    }

    /// How many latencies were measured.
    package var count: Int
    package var p50: Double
    package var p90: Double
    package var p99: Double
    package var p999: Double
    package var max: Double
    /// Ascending in both values; for plots.
    package var curve: [Point]
    /// Whether the waiting time that a late sender hides is included (coordinated omission): true if each message
    /// counts from when it was due, false if from when it was sent.
    package var corrected: Bool

    package init(
        count: Int, p50: Double, p90: Double, p99: Double, p999: Double, max: Double, curve: [Point] = [],
        corrected: Bool
    ) {
        self.count = count
        self.p50 = p50
        self.p90 = p90
        self.p99 = p99
        self.p999 = p999
        self.max = max
        self.curve = curve
        self.corrected = corrected
    }
}
