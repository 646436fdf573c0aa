extension Report {
    /// What the figures say, in sentences. Sentences for which nothing was measured are left out.
    var summary: [String] {
        let workloads = workloads
        return [costSentence(workloads), cheaperSentence(workloads)].compactMap { $0 }
            + workloads.compactMap(latencySentence) + workloads.compactMap(memorySentence)
            + [deliverySentence(workloads)].compactMap { $0 }
    }

    private func costSentence(_ workloads: [WorkloadFigures]) -> String? {
        let rows = workloads.compactMap { row in row.ratio.map { (row.name, $0.median) } }
        guard let least = rows.min(by: { $0.1 < $1.1 }), let most = rows.max(by: { $0.1 < $1.1 }) else { return nil }
        let cost = { (row: (String, Double)) in "\(fixed(row.1, decimals: 2)) times (\(row.0))" }
        return "Relay and Redis together take "
            + (rows.count == 1 ? cost(least) : "from \(cost(least)) to \(cost(most))")
            + " the processor time of Redis alone."
    }

    private func cheaperSentence(_ workloads: [WorkloadFigures]) -> String? {
        let compared = workloads.filter { $0.ratio != nil }
        let cheaper = compared.filter { ($0.ratio?.median ?? 1) < 1 }.map(\.name)
        if cheaper.isEmpty { return nil }
        let named = cheaper.count > 4 ? cheaper.prefix(3) + ["\(cheaper.count - 3) more"] : cheaper
        return "In \(cheaper.count) of \(compared.count) workloads they take less than Redis alone: \(joined(named))."
    }

    private func latencySentence(_ row: WorkloadFigures) -> String? {
        guard row.group == .latency, let half = row.latency(.relay, \.p50), let most = row.latency(.relay, \.p99)
        else { return nil }
        let direct = row.latency(.direct, \.p50).flatMap { half in
            row.latency(.direct, \.p99).map { " (direct: \(brief(half.median)) us and \(brief($0.median)) us)" }
        }
        return "\(row.name): half of all messages arrive within \(brief(half.median)) us, and 99 % within "
            + "\(brief(most.median)) us\(direct ?? "")."
    }

    /// The memory of a few things is less than what the allocator takes at a time.
    private func memorySentence(_ row: WorkloadFigures) -> String? {
        guard
            let bytes = row.bytesPerHeld, let held = row.relayRuns.lazy.compactMap(\.relayMemory?.held).first,
            held.count >= 1000
        else { return nil }
        return "\(row.name): each \(held.unit) takes \(whole(bytes.median)) bytes of the relay's memory."
    }

    private func deliverySentence(_ workloads: [WorkloadFigures]) -> String? {
        let sum = { count in workloads.reduce(0) { $0 + $1.sum(.relay, count) } }
        let delivered = sum(\.delivered)
        guard delivered > 0 else { return nil }
        let counts = [
            (\MessageCounts.lost, "reported as lost"), (\.missing, "missing"), (\.duplicates, "delivered twice"),
        ]
        .map { "\(sum($0) == 0 ? "none" : whole(sum($0))) \($1)" }
        return "Through hubrelay there were \(whole(delivered)) deliveries; \(joined(counts))."
    }

    private func joined(_ texts: [String]) -> String {
        guard let last = texts.last, texts.count > 1 else { return texts.first ?? "" }
        return texts.dropLast().joined(separator: ", ") + " and " + last
    }
}
