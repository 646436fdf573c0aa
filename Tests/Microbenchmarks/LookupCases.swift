import RelayCore

/// A message's channel is looked up among many, and the message goes to nobody: the subscribe link is down, so that no
/// subscription is in force.
let lookupCases = [
    Benchmark(name: "lookup-hit-1k", operations: lookups) { lookingUp(among: 1000, isThere: true) },
    Benchmark(name: "lookup-miss-1k", operations: lookups) { lookingUp(among: 1000, isThere: false) },
    Benchmark(name: "lookup-hit-100k", operations: lookups) { lookingUp(among: 100_000, isThere: true) },
]

/// Names looked up in one round.
private let lookups = 256

private func lookingUp(among count: Int, isThere: Bool) -> Workload {
    let bench = Bench()
    let connection = bench.connect()
    bench.hub.subscribeLinkFailed(bench.node)
    func name(_ number: Int, _ ending: String = "events") -> String { "room.\(100_000 + number):" + ending }
    for start in stride(from: 0, to: count, by: 1000) {
        bench.receive(permanent(Frames.subscribe((start..<start + 1000).map { name($0) })), from: connection)
        bench.finishWork()
    }
    let numbers = (0..<lookups).map { $0 * (count / lookups) }
    // These names are there already, so that their number does not grow.
    bench.receive(permanent(Frames.subscribe(numbers.map { name($0) })), from: connection)
    bench.flushApps()
    guard bench.hub.nameCount == count else { fatalError("\(bench.hub.nameCount) names are held, not \(count)") }
    let channels = numbers.map { permanent(Bench.prefix + (isThere ? name($0) : name($0, "nobody"))) }
    let payload = permanent(Frames.payload)
    var lookedUp = 0
    return Workload(outputOfRound: lookups, output: { lookedUp }) {
        for channel in channels where bench.hub.deliver(channel: channel, payload: payload, by: bench.node) == nil {
            lookedUp += 1
        }
    }
}
