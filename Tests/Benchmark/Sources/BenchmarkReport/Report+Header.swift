extension Report {
    /// Where and when the benchmark ran, as pairs of a name and a value.
    var header: [(name: String, value: String)] {
        [
            ("date", date), ("machine", machine.line), ("versions", versions.line),
            ("processors", pinned ? "all pinned to one, but for fixed rates" : "not pinned"),
            ("rounds", whole(rounds) + (rounds > 1 ? ", of which medians are shown" : "")),
        ] + (isRelayByTLS ? [("TLS", "between the relay and Redis; direct connections are without")] : [])
    }

    /// What went wrong, one line for each workload and target. Such figures must not be trusted. Losses that the relay
    /// reports are not errors.
    var warnings: [String] {
        workloads.flatMap { row in
            Target.allCases.compactMap { target in
                let wrongs = [("missing", \MessageCounts.missing), ("twice", \.duplicates), ("refused", \.refused)]
                    .compactMap { name, count in
                        let sum = row.sum(target, count)
                        return sum == 0 ? nil : "\(whole(sum)) \(name)"
                    }
                let name = target == .relay ? "through hubrelay" : "direct"
                return wrongs.isEmpty ? nil : "\(row.name), \(name): \(wrongs.joined(separator: ", "))"
            }
        }
    }
}

extension Machine {
    /// What is known of the machine, in one line.
    var line: String {
        let parts = [
            processor, cores.map { "\(whole($0)) core\($0 == 1 ? "" : "s")" },
            memoryBytes.map { fixed(Double($0) / 1_073_741_824, decimals: 1) + " GiB" }, kernel,
        ]
        let known = parts.compactMap { $0 }
        return known.isEmpty ? "unknown" : known.joined(separator: ", ")
    }
}

extension Versions {
    /// Both versions, in one line.
    var line: String { "hubrelay \(hubrelay ?? "unknown"), redis-server \(redis ?? "unknown")" }
}
