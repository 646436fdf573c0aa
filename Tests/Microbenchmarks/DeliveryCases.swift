import RelayCore

/// From a message of Redis to the frames of the apps that receive it.
let deliveryCases = [
    Benchmark(name: "fan-out-1", operations: Bench.batch) { delivering(to: 1) },
    Benchmark(name: "fan-out-8", operations: Bench.batch) { delivering(to: 8) },
    Benchmark(name: "fan-out-64", operations: Bench.batch) { delivering(to: 64) },
    Benchmark(name: "fan-out-8-pattern", operations: Bench.batch) { deliveringByPattern(to: 8) },
]

private func delivering(to members: Int) -> Workload {
    let bench = Bench()
    bench.subscribe(connections: members, to: Frames.channel)
    let (channel, payload) = (permanent(Bench.prefix + Frames.channel), permanent(Frames.payload))
    return Workload(outputOfRound: bytes(to: members), output: { bench.bytesToApps }) {
        for _ in 0..<Bench.batch { _ = bench.hub.deliver(channel: channel, payload: payload, by: bench.node) }
        bench.flushApps()
    }
}

private func deliveringByPattern(to members: Int) -> Workload {
    let bench = Bench()
    let name = "room.*"
    bench.subscribe(connections: members, to: name, isPattern: true)
    let (channel, payload) = (permanent(Bench.prefix + Frames.channel), permanent(Frames.payload))
    let pattern = permanent(Bench.prefix + name)
    return Workload(outputOfRound: bytes(to: members, by: name), output: { bench.bytesToApps }) {
        for _ in 0..<Bench.batch { bench.hub.deliver(pattern: pattern, channel: channel, payload: payload) }
        bench.flushApps()
    }
}

/// The size of a batch of Message frames in bytes.
private func bytes(to members: Int, by pattern: String? = nil) -> Int {
    let fields =
        Frames.field(1, Array(Frames.channel.utf8)) + Frames.field(2, Frames.payload)
        + (pattern.map { Frames.field(3, Array($0.utf8)) } ?? [])
    return Bench.batch * members * Frames.size(ofFields: fields.count)
}
