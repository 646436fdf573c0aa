extension Report {
    /// One compact table in GitHub's Markdown, with a line feed at its end. Below it stands where and when it was
    /// measured.
    package var markdown: String {
        let names = [
            "workload", "CPU us: relay + Redis", "direct", "multiple", "per second: relay", "direct",
            "latency us, p50 / p99 / p99.9: relay", "direct", "lost / missing / twice", "relay's memory",
        ]
        let head = [names, ["---"] + names.dropFirst().map { _ in "---:" }]
        let rows = workloads.map { $0.markdownCells.map(markdownCell) }
        let table = (head + rows).map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
        let place =
            "Measured on \(date) on \(machine.line), with \(versions.line); "
            + "\(pinned ? "all pinned to one processor, but for fixed rates" : "not pinned"); medians of \(whole(rounds)) "
            + "round\(rounds == 1 ? "" : "s")\(isRelayByTLS ? "; the relay by TLS, direct connections without" : ""). "
            + "CPU is per message, or per connection where those are counted."
        let wrong = warnings.map { "- wrong: " + $0 }
        let paragraphs =
            [table, markdownText(place)] + (wrong.isEmpty ? [] : [markdownText(wrong.joined(separator: "\n"))])
        return paragraphs.joined(separator: "\n\n") + "\n"
    }
}

extension WorkloadFigures {
    fileprivate var markdownCells: [String] {
        let memory = Spread(relayRuns.compactMap { $0.relayMemory.map { Double($0.end) } })
        let unit = relayRuns.lazy.compactMap(\.relayMemory?.held?.unit).first
        let each = bytesPerHeld.map { "; \(whole($0.median)) bytes per \(unit ?? "each")" } ?? ""
        let counts = [\MessageCounts.lost, \.missing, \.duplicates].map { whole(sum(.relay, $0)) }
        return [
            name,
            relayCPU == nil && redisCPU == nil ? unknown : "\(brief(relayCPU?.median)) + \(brief(redisCPU?.median))",
            brief(directCPU?.median), multiple(ratio),
            relayRate.map { "\(whole($0.median)) \(rateUnit.rawValue)" } ?? unknown, whole(directRate?.median),
            markdownLatencies(.relay), markdownLatencies(.direct), counts.joined(separator: " / "),
            memory.map { mebibytes($0.median) + " MiB" + each } ?? unknown,
        ]
    }

    private func markdownLatencies(_ target: Target) -> String {
        let figures = [\LatencySummary.p50, \.p99, \.p999].map { latency(target, $0)?.median }
        return figures.allSatisfy { $0 == nil } ? unknown : figures.map(brief).joined(separator: " / ")
    }
}

/// The text on one line, escaped so that Markdown shows it as it is.
private func markdownCell(_ text: String) -> String {
    markdownText(text).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: " ")
}

private func markdownText(_ text: String) -> String {
    var escaped = ""
    for character in text {
        if "\\`*_[]<>|&#".contains(character) { escaped += "\\" }
        escaped.append(character)
    }
    return escaped
}
