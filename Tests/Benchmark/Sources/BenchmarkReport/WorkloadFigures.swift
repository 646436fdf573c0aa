/// The figures of one workload: medians over its rounds.
struct WorkloadFigures {
    let name: String
    let group: WorkloadGroup
    let parameters: Parameters
    let relayRuns: [Measurement]
    let directRuns: [Measurement]
    /// The relay's processor time per message, in microseconds.
    let relayCPU: Spread?
    /// The processor time of Redis behind the relay, per message, in microseconds.
    let redisCPU: Spread?
    /// The processor time of the relay and Redis together, per message, in microseconds.
    let totalCPU: Spread?
    /// The processor time of Redis without a relay, per message, in microseconds.
    let directCPU: Spread?
    /// `totalCPU` as a multiple of `directCPU`, computed for each round.
    let ratio: Spread?
    let rateUnit: RateUnit
    /// The rate per second, of what `rateUnit` says.
    let relayRate: Spread?
    let directRate: Spread?

    /// - Parameter runs: the runs of one workload; must not be empty.
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

    /// One figure of the latencies, in microseconds: the median over the rounds.
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
            // If the reference is 0, the quotient is not finite, and `Spread` ignores it.
            return cost / reference
        }
    }
}

extension Report {
    /// The figures of each workload, in the order in which the workloads first appear.
    var workloads: [WorkloadFigures] {
        var order: [String] = []
        var runs: [String: [Measurement]] = [:]
        for run in measurements {
            if runs[run.workload] == nil { order.append(run.workload) }
            runs[run.workload, default: []].append(run)
        }
        return order.compactMap { name in runs[name].map { WorkloadFigures($0) } }
    }

    /// The number of rounds of the workload that has most of them.
    var rounds: Int { workloads.map(\.rounds).max() ?? 0 }
}

/// What is counted per second.
enum RateUnit: String {
    case publishes
    case deliveries
    case connections

    /// All runs of one workload have the same unit: deliveries, if there are any.
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
    /// Microseconds per message; nil if the time is not known, or if there were no messages.
    func perMessage(_ time: ProcessorTime?) -> Double? {
        guard let time, messages > 0 else { return nil }
        return time.total * 1_000_000 / Double(messages)
    }

    /// Microseconds of processor time per message of everything between publisher and subscriber; nil if a part of it
    /// is not known.
    var totalCPU: Double? {
        guard let redis = perMessage(redisCPU) else { return nil }
        guard target == .relay else { return redis }
        return perMessage(relayCPU).map { $0 + redis }
    }

    /// The rate; nil for a run that took no time.
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
    /// Nil if nothing is held.
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

    /// The name of one held thing.
    var unit: String {
        switch self {
        case .connections: "connection"
        case .subscriptions: "subscription"
        }
    }
}
