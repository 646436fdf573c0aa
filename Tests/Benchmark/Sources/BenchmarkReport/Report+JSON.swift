internal import TextFormats

extension Report {
    /// JSON (RFC 8259), one line without a line feed: an object with
    ///
    /// - `format` ("hubrelay-bench"), `format_version` (1; raised when a key changes its meaning or goes), `date`
    ///   (ISO 8601, UTC), `pinned` and `relay_tls` (of the relay's connections to Redis; direct ones are without);
    /// - `machine`: `processor`, `cores`, `kernel`, `memory_bytes`; `versions`: `hubrelay`, `redis`;
    /// - `workloads`: for each, over its rounds, `workload`, `group`, `rounds`, and as objects of `median`, `min`
    ///   and `max`: `relay_cpu_us_per_message`, `redis_cpu_us_per_message`, `direct_cpu_us_per_message`,
    ///   `cpu_ratio` (relay and Redis to direct), `relay_per_second`, `direct_per_second` (of what `rate_of` says)
    ///   and `memory_bytes_each`;
    /// - `measurements`: every run of every round as it was measured, see `Measurement`.
    ///
    /// What is not known is null. Units are in the keys.
    package var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member("format", "hubrelay-bench")
            json.member("format_version", 1)
            json.member("date", date)
            json.member("pinned", pinned)
            json.member("relay_tls", isRelayByTLS)
            json.member("machine") { json in
                json.member("processor", orNull: machine.processor)
                json.member("cores", orNull: machine.cores)
                json.member("kernel", orNull: machine.kernel)
                json.member("memory_bytes", orNull: machine.memoryBytes)
            }
            json.member("versions") { json in
                json.member("hubrelay", orNull: versions.hubrelay)
                json.member("redis", orNull: versions.redis)
            }
            json.key("workloads")
            json.array { json in
                for workload in workloads { json.object { workload.write(to: &$0) } }
            }
            json.key("measurements")
            json.array { json in
                for measurement in measurements { json.object { measurement.write(to: &$0) } }
            }
        }
        return json.text
    }
}

extension WorkloadFigures {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("workload", name)
        json.member("group", group.rawValue)
        json.member("rounds", rounds)
        json.member("relay_cpu_us_per_message", relayCPU)
        json.member("redis_cpu_us_per_message", redisCPU)
        json.member("direct_cpu_us_per_message", directCPU)
        json.member("cpu_ratio", ratio)
        json.member("rate_of", rateUnit.rawValue)
        json.member("relay_per_second", relayRate)
        json.member("direct_per_second", directRate)
        json.member("memory_bytes_each", bytesPerHeld)
    }
}

extension Measurement {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("workload", workload)
        json.member("group", group.rawValue)
        json.member("target", target.rawValue)
        json.member("round", round)
        json.member("parameters") { json in
            json.member("connections", orNull: parameters.connections)
            json.member("channels", orNull: parameters.channels)
            json.member("payload_bytes", orNull: parameters.payloadBytes)
            json.member("subscribers", orNull: parameters.subscribers)
            json.member("rate_per_second", orNull: parameters.rate)
            json.member("window", orNull: parameters.window)
        }
        json.member("seconds", seconds as Double?)
        json.member("messages", messages)
        json.member("published", counts.published)
        json.member("delivered", counts.delivered)
        json.member("lost", counts.lost)
        json.member("missing", counts.missing)
        json.member("duplicates", counts.duplicates)
        json.member("refused", counts.refused)
        json.member("relay_cpu", orNull: relayCPU) { $0.write(to: &$1) }
        json.member("redis_cpu", orNull: redisCPU) { $0.write(to: &$1) }
        json.member("generator_cpu", orNull: generatorCPU) { $0.write(to: &$1) }
        json.member("relay_memory", orNull: relayMemory) { $0.write(to: &$1) }
        json.member("latency", orNull: latencies) { $0.write(to: &$1) }
        json.member("generator_lateness", orNull: generatorLateness) { $0.write(to: &$1) }
    }
}

extension ProcessorTime {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("user_seconds", user as Double?)
        json.member("system_seconds", system as Double?)
    }
}

extension MemoryUse {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("start_bytes", start)
        json.member("end_bytes", end)
        json.member("held", orNull: held) { held, json in
            json.member("what", held.unit + "s")
            json.member("count", held.count)
        }
    }
}

extension LatencySummary {
    /// Writes the summary. The curve is an array of pairs: percentile, microseconds.
    fileprivate func write(to json: inout JSONWriter) {
        json.member("count", count)
        json.member("corrected", corrected)
        let figures = [("p50_us", p50), ("p90_us", p90), ("p99_us", p99), ("p999_us", p999), ("max_us", max)]
        for (key, value) in figures { json.member(key, value as Double?) }
        json.key("curve_percentile_us")
        json.array { json in
            for point in curve {
                json.array { json in
                    json.number(point.percentile)
                    json.number(point.microseconds)
                }
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ key: String, orNull value: Int?) {
        self.key(key)
        if let value { number(value) } else { null() }
    }

    fileprivate mutating func member(_ key: String, orNull value: String?) {
        self.key(key)
        if let value { string(value) } else { null() }
    }

    /// A key, and an object that `write` fills, or null.
    fileprivate mutating func member<Value>(
        _ key: String, orNull value: Value?, _ write: (Value, inout JSONWriter) -> Void
    ) {
        self.key(key)
        if let value { object { write(value, &$0) } } else { null() }
    }

    fileprivate mutating func member(_ key: String, _ spread: Spread?) {
        member(key, orNull: spread) { spread, json in
            json.member("median", spread.median as Double?)
            json.member("min", spread.min as Double?)
            json.member("max", spread.max as Double?)
        }
    }
}
