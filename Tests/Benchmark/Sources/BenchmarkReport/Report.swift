/// All measurements of one benchmark, and where they were made.
package struct Report: Sendable, Equatable {
    package var machine: Machine
    package var versions: Versions
    /// When the benchmark began: ISO 8601, UTC.
    package var date: String
    /// Whether everything ran on the same processor.
    package var pinned: Bool
    /// Whether the relay's connections to Redis use TLS. Direct connections never do.
    package var isRelayByTLS: Bool
    /// The measurements, in the order in which the workloads are to be shown.
    package var measurements: [Measurement]

    package init(
        machine: Machine, versions: Versions, date: String, pinned: Bool, isRelayByTLS: Bool = false,
        measurements: [Measurement]
    ) {
        self.machine = machine
        self.versions = versions
        self.date = date
        self.pinned = pinned
        self.isRelayByTLS = isRelayByTLS
        self.measurements = measurements
    }
}

/// The machine on which everything ran. A value is nil if it is not known.
package struct Machine: Sendable, Equatable {
    package var processor: String?
    package var cores: Int?
    package var kernel: String?
    package var memoryBytes: Int?

    package init(processor: String? = nil, cores: Int? = nil, kernel: String? = nil, memoryBytes: Int? = nil) {
        self.processor = processor
        self.cores = cores
        self.kernel = kernel
        self.memoryBytes = memoryBytes
    }
}

/// The versions of what was measured. A version is nil if it is not known.
package struct Versions: Sendable, Equatable {
    package var hubrelay: String?
    package var redis: String?

    package init(hubrelay: String? = nil, redis: String? = nil) {
        self.hubrelay = hubrelay
        self.redis = redis
    }
}
