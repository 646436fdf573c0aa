import RelayCore

/// What a listing of clients or channels costs the loop. The listing is as large as possible, and its first hundred
/// rows are wanted. Listings are not on the hot path, but they run on its thread.
let listingCases = [
    Benchmark(name: "list-clients-10k", operations: 1) {
        let bench = Bench(maxConnections: 10_000)
        for _ in 0..<10_000 { _ = bench.connect() }
        return listing { bench.hub.clients(by: .unread, limit: 100).items.count }
    },
    Benchmark(name: "list-channels-16k", operations: 1) {
        let bench = Bench()
        let connection = bench.connect()
        for start in stride(from: 0, to: Listing<ChannelFacts>.mostPlaces, by: 1024) {
            let names = (start..<start + 1024).map { "room.\(100_000 + $0):events" }
            bench.receive(permanent(Frames.subscribe(names)), from: connection)
            bench.finishWork()
        }
        return listing { bench.hub.channels(by: .subscribers, limit: 100).items.count }
    },
]

private func listing(_ list: @escaping () -> Int) -> Workload {
    var listed = 0
    return Workload(outputOfRound: 100, output: { listed }) { listed += list() }
}
