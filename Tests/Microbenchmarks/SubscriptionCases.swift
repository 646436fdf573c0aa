import RelayCore

/// A name comes and goes: Subscribe, what Redis is told and answers, the Reply; then the same for Unsubscribe.
let subscriptionCases = [
    Benchmark(name: "subscribe-unsubscribe", operations: 1) {
        let bench = Bench()
        let slot = bench.connect()
        let subscribe = permanent(Frames.subscribe([Frames.channel]))
        let unsubscribe = permanent(Frames.unsubscribe(Frames.channel))
        // Redis's two confirmations.
        return Workload(outputOfRound: 2, output: { bench.confirmations }) {
            for frame in [subscribe, unsubscribe] {
                bench.hub.receive(frame, from: slot)
                bench.answerSubscribes()
                bench.flushApps()
            }
        }
    }
]
