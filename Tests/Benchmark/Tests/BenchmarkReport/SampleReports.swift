import BenchmarkReport

let sampleMachine = Machine(
    processor: "Example CPU", cores: 2, kernel: "Linux 6.1.0", memoryBytes: 8 * 1024 * 1024 * 1024)

func report(_ measurements: [Measurement]) -> Report {
    Report(
        machine: sampleMachine, versions: Versions(hubrelay: "1.2.3", redis: "7.0.15"), date: "2026-01-02T03:04:05Z",
        pinned: true, measurements: measurements)
}

/// A run of a million messages in two seconds.
/// - Parameters:
///   - relay: user and system time in seconds, which are also microseconds per message; nil if it is not known.
///   - redis: the same for Redis.
func run(
    _ workload: String, _ group: WorkloadGroup, _ target: Target, round: Int = 1,
    relay: Double? = nil, redis: Double?, parameters: Parameters = Parameters(), counts: MessageCounts? = nil,
    memory: MemoryUse? = nil, latencies: LatencySummary? = nil
) -> Measurement {
    Measurement(
        workload: workload, group: group, target: target, round: round, parameters: parameters, seconds: 2,
        messages: 1_000_000, counts: counts ?? MessageCounts(published: 1_000_000),
        relayCPU: relay.map { ProcessorTime(user: $0 * 0.75, system: $0 * 0.25) },
        redisCPU: redis.map { ProcessorTime(user: $0 * 0.5, system: $0 * 0.5) }, relayMemory: memory,
        latencies: latencies)
}

/// A run of the workload "publish".
func run(
    _ target: Target, round: Int = 1, relay: Double? = nil, redis: Double?, counts: MessageCounts? = nil,
    memory: MemoryUse? = nil, latencies: LatencySummary? = nil
) -> Measurement {
    run(
        "publish", .publish, target, round: round, relay: relay, redis: redis, counts: counts, memory: memory,
        latencies: latencies)
}

func latencies(_ median: Double, curve: [LatencySummary.Point] = [], corrected: Bool = true) -> LatencySummary {
    LatencySummary(
        count: 10_000, p50: median, p90: median * 2, p99: median * 3, p999: median * 4, max: median * 10, curve: curve,
        corrected: corrected)
}

/// Workloads of every group, with three rounds each, of both targets if there are two.
func everyGroup() -> Report {
    var runs: [Measurement] = []
    for group in WorkloadGroup.allCases {
        for (size, round) in [1, 10, 200].flatMap({ size in (1...3).map { (size, $0) } }) {
            let parameters = Parameters(
                connections: size, channels: size, payloadBytes: size, subscribers: size, rate: 1000, window: 64)
            let counts = MessageCounts(published: 1_000_000, delivered: group == .publish ? 0 : size * 1_000_000)
            let isIdle = group == .idleConnections
            let memory = MemoryUse(start: 16_000_000, end: 17_000_000, held: isIdle ? .connections(size) : nil)
            let summary = group == .latency ? latencies(50 + Double(round)) : nil
            for target in isIdle ? [Target.relay] : Target.allCases {
                runs.append(
                    run(
                        "\(group.rawValue) \(size)", group, target, round: round,
                        relay: target == .relay ? Double(size + round) : nil, redis: 1.5 * Double(round),
                        parameters: parameters, counts: counts, memory: target == .relay ? memory : nil,
                        latencies: summary))
            }
        }
    }
    return report(runs)
}
