/// A table of figures, not yet laid out.
struct FigureTable {
    struct Column {
        let name: String
        /// Text stands at the left, numbers at the right.
        var isText = false
    }

    let title: String
    let columns: [Column]
    let rows: [[String]]
    /// What the columns mean, one sentence for each.
    let notes: [String]
}

extension Report {
    /// The tables that have rows.
    var tables: [FigureTable] {
        let workloads = workloads
        return [costTable(workloads), latencyTable(workloads), memoryTable(workloads)].filter { !$0.rows.isEmpty }
    }

    private func costTable(_ workloads: [WorkloadFigures]) -> FigureTable {
        FigureTable(
            title: "Processor time per message, in microseconds, and messages per second",
            columns: [
                .init(name: "workload", isText: true), .init(name: "relay"), .init(name: "Redis"),
                .init(name: "both"), .init(name: "direct"), .init(name: "both/direct"), .init(name: "relay/s"),
                .init(name: "direct/s"), .init(name: "of", isText: true), .init(name: "lost"),
                .init(name: "missing"), .init(name: "twice"),
            ],
            rows: workloads.map { row in
                let cpu = [row.relayCPU, row.redisCPU, row.totalCPU, row.directCPU].map { brief($0?.median) }
                let rates = [row.relayRate, row.directRate].map { whole($0?.median) }
                let counts = [\MessageCounts.lost, \.missing, \.duplicates].map { whole(row.sum(.relay, $0)) }
                return [row.name] + cpu + [multiple(row.ratio)] + rates + [row.rateUnit.rawValue] + counts
            },
            notes: [
                "relay, Redis: user and system time of each process per message published, with hubrelay between.",
                "direct: the same of Redis alone, to which the load generator then talks itself.",
                "both/direct: relay and Redis as a multiple of direct, each round's for itself, and from where to "
                    + "where the rounds go.",
                "Where connections are counted, the time is that of a connection.",
                "lost: not delivered, and the relay said so; missing: and nobody said so; twice: delivered again. "
                    + "Sums over all rounds, through hubrelay.",
            ])
    }

    private func latencyTable(_ workloads: [WorkloadFigures]) -> FigureTable {
        let percentiles: [KeyPath<LatencySummary, Double>] = [\.p50, \.p99, \.p999, \.max]
        let names = ["p50", "p99", "p99.9", "max"]
        let timed = workloads.filter { row in (row.relayRuns + row.directRuns).contains { $0.latencies != nil } }
        return FigureTable(
            title: "Latency, in microseconds",
            columns: [.init(name: "workload", isText: true)] + names.map { .init(name: "relay \($0)") }
                + names.map { .init(name: "direct \($0)") }
                + [.init(name: "sender p99"), .init(name: "counted from", isText: true)],
            rows: timed.map { row in
                let figures = Target.allCases.flatMap { target in
                    percentiles.map { brief(row.latency(target, $0)?.median) }
                }
                return [row.name] + figures + [brief(row.lateness(\.p99)?.median), row.countedFrom]
            },
            notes: [
                "p50, p99, p99.9: so many percent of the messages took no longer. max: the longest of a round. Of all "
                    + "of them, the median over the rounds.",
                "sender p99: how late the load generator itself was.",
            ])
    }

    private func memoryTable(_ workloads: [WorkloadFigures]) -> FigureTable {
        let measured = workloads.filter { row in row.relayRuns.contains { $0.relayMemory != nil } }
        return FigureTable(
            title: "Resident memory of the relay, in MiB",
            columns: [
                .init(name: "workload", isText: true), .init(name: "before"), .init(name: "after"),
                .init(name: "bytes each"), .init(name: "of", isText: true),
            ],
            rows: measured.map { row in
                let uses = row.relayRuns.compactMap(\.relayMemory)
                let held = uses.lazy.compactMap(\.held).first
                return [
                    row.name, mebibytes(Spread(uses.map { Double($0.start) })?.median),
                    mebibytes(Spread(uses.map { Double($0.end) })?.median), whole(row.bytesPerHeld?.median),
                    held.map { "\(whole($0.count)) \($0.unit)\($0.count == 1 ? "" : "s")" } ?? unknown,
                ]
            },
            notes: ["bytes each: what the relay grew by, for each of what it then held."])
    }
}

extension WorkloadFigures {
    /// From which moment latencies are counted.
    var countedFrom: String {
        let starts = Set((relayRuns + directRuns).compactMap(\.latencies?.corrected))
        return starts.map { $0 ? "due" : "sent" }.sorted().joined(separator: ", ")
    }
}
