/// The figures of one workload: medians over its rounds.
struct WorkloadFigures {
    let name: String
    let group: WorkloadGroup
    let parameters: Parameters
    let relayRuns: [Measurement]
    let directRuns: [Measurement]
    /// Microseconds of processor time per message, of the relay.
    let relayCPU: Spread?
    /// The same of Redis, behind the relay.
    let redisCPU: Spread?
    /// The same of the relay and Redis together.
    let totalCPU: Spread?
    /// The same of Redis, without a relay.
    let directCPU: Spread?
    /// `totalCPU` as a multiple of `directCPU`, each round's for itself.
    let ratio: Spread?
    let rateUnit: RateUnit
    /// Per second, of what `rateUnit` says.
    let relayRate: Spread?
    let directRate: Spread?

    /// - Parameter runs: of one workload; not empty.
    init(_ runs: [Measurement]) {
        name = runs[0].workload
        group = runs[0].group
        parameters = runs[0].parameters
        relayRuns = runs.filter { $0.target == .relay }
        directRuns = runs.filter { $0.target == .direct }
        relayCPU = Spread(relayRuns.compactMap { $0.perMessage($0.relayCPU) })
        redisCPU = Spread(relayRuns.compactMap { $0.perMessage($0.redisCPU) })
        totalCPU = Spread(relayRuns.compactMap(\.totalCPU))
        directCPU = Spread(directRuns.compactMap(\.totalCPU))
        ratio = Spread(Self.ratios(relayRuns, directRuns))
        let unit = RateUnit(runs)
        rateUnit = unit
        relayRate = Spread(relayRuns.compactMap { $0.perSecond(unit) })
        directRate = Spread(directRuns.compactMap { $0.perSecond(unit) })
    }

    var rounds: Int { Set((relayRuns + directRuns).map(\.round)).count }

    /// The median over the rounds of one figure of the latencies, in microseconds.
    func latency(_ target: Target, _ figure: KeyPath<LatencySummary, Double>) -> Spread? {
        Spread(runs(target).compactMap { $0.latencies?[keyPath: figure] })
    }

    /// How late the load generator was, in microseconds, over all runs.
    func lateness(_ figure: KeyPath<LatencySummary, Double>) -> Spread? {
        Spread((relayRuns + directRuns).compactMap { $0.generatorLateness?[keyPath: figure] })
    }

    /// The sum of one count over the rounds.
    func sum(_ target: Target, _ count: KeyPath<MessageCounts, Int>) -> Int {
        runs(target).reduce(0) { $0 + $1.counts[keyPath: count] }
    }

    /// Bytes of the relay's memory for each thing that was held.
    var bytesPerHeld: Spread? { Spread(relayRuns.compactMap { $0.relayMemory?.bytesPerHeld }) }

    func runs(_ target: Target) -> [Measurement] { target == .relay ? relayRuns : directRuns }

    /// Runs without a partner in their round, or without a figure, have no ratio.
    private static func ratios(_ relayRuns: [Measurement], _ directRuns: [Measurement]) -> [Double] {
        relayRuns.compactMap { relay in
            let direct = directRuns.first { $0.round == relay.round }
            guard let cost = relay.totalCPU, let reference = direct?.totalCPU else { return nil }
            // Not finite where the reference is 0, and so no figure to `Spread`.
            return cost / reference
        }
    }
}

extension Report {
    /// One of each workload, in the order in which they first appear.
    var workloads: [WorkloadFigures] {
        var order: [String] = []
        var runs: [String: [Measurement]] = [:]
        for run in measurements {
            if runs[run.workload] == nil { order.append(run.workload) }
            runs[run.workload, default: []].append(run)
        }
        return order.compactMap { name in runs[name].map { WorkloadFigures($0) } }
    }

    /// How many rounds there are, of the workload that has most.
    var rounds: Int { workloads.map(\.rounds).max() ?? 0 }
}

/// What is counted per second.
enum RateUnit: String {
    case publishes
    case deliveries
    case connections

    /// The same for all runs of one workload: deliveries where there are any.
    init(_ runs: [Measurement]) {
        if runs.contains(where: \.group.countsConnections) {
            self = .connections
        } else {
            self = runs.contains { $0.counts.delivered > 0 } ? .deliveries : .publishes
        }
    }
}

extension WorkloadGroup {
    /// Whether `Measurement.messages` counts connections.
    var countsConnections: Bool { self == .idleConnections || self == .shortConnections }
}

extension Measurement {
    /// Microseconds per message; nil where the time is not known, or there were no messages.
    func perMessage(_ time: ProcessorTime?) -> Double? {
        guard let time, messages > 0 else { return nil }
        return time.total * 1_000_000 / Double(messages)
    }

    /// Microseconds of processor time per message of all that stands between publisher and subscriber; nil where
    /// a part of it is not known.
    var totalCPU: Double? {
        guard let redis = perMessage(redisCPU) else { return nil }
        guard target == .relay else { return redis }
        return perMessage(relayCPU).map { $0 + redis }
    }

    /// Nil for a run that took no time.
    func perSecond(_ unit: RateUnit) -> Double? {
        guard seconds > 0 else { return nil }
        let count =
            switch unit {
            case .publishes: counts.published
            case .deliveries: counts.delivered
            case .connections: messages
            }
        return Double(count) / seconds
    }
}

extension MemoryUse {
    /// Nil where nothing is held.
    var bytesPerHeld: Double? {
        guard let count = held?.count, count > 0 else { return nil }
        return Double(end - start) / Double(count)
    }
}

extension MemoryUse.Held {
    var count: Int {
        switch self {
        case .connections(let count), .subscriptions(let count): count
        }
    }

    /// The name of one of them.
    var unit: String {
        switch self {
        case .connections: "connection"
        case .subscriptions: "subscription"
        }
    }
}
